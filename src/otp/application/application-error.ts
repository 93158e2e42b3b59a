import { TiebeamError } from "../../base/index.ts";

/**
 * What cannot be done with an application as it is.
 *
 * | code | what is so |
 * | --- | --- |
 * | `APPLICATION_UNKNOWN` | none of that name is loaded |
 * | `APPLICATION_ALREADY_LOADED` | one of that name is |
 * | `APPLICATION_ALREADY_STARTED` | it runs, or is being started |
 * | `APPLICATION_NOT_RUNNING` | it does not run |
 * | `APPLICATION_BUSY` | it is being stopped, and has not ended in the time allowed |
 * | `APPLICATION_CYCLE` | it needs itself, by way of those it needs |
 */
export type ApplicationErrorCode =
  | "APPLICATION_UNKNOWN"
  | "APPLICATION_ALREADY_LOADED"
  | "APPLICATION_ALREADY_STARTED"
  | "APPLICATION_NOT_RUNNING"
  | "APPLICATION_BUSY"
  | "APPLICATION_CYCLE";

const PROBLEMS: Readonly<Record<ApplicationErrorCode, string>> = {
  APPLICATION_UNKNOWN: "is not loaded",
  APPLICATION_ALREADY_LOADED: "is loaded already",
  APPLICATION_ALREADY_STARTED: "is started already",
  APPLICATION_NOT_RUNNING: "does not run",
  APPLICATION_BUSY: "is being stopped",
  APPLICATION_CYCLE: "needs itself:",
};

/** See {@link ApplicationErrorCode}. */
export class ApplicationError extends TiebeamError {
  declare readonly code: ApplicationErrorCode;
  readonly application: string;

  constructor(code: ApplicationErrorCode, application: string, detail = "") {
    super(code, `application ${application} ${PROBLEMS[code]} ${detail}`.trimEnd());
    this.application = application;
  }
}
