import { TiebeamError } from "../base/index.ts";

/** The command line says something that makes no sense. Code `USAGE`; `hint` says what would. */
export class UsageError extends TiebeamError {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super("USAGE", message);
    this.hint = hint;
  }
}

/** `--timeout` is over. Code `TIMEOUT`. */
export class TimeoutError extends TiebeamError {
  constructor(doing: string, timeoutMs: number) {
    super("TIMEOUT", `${doing} took longer than ${timeoutMs} ms`);
  }
}

/** What was talked to came to an end, or gave an answer, that is a no. Code `REFUSED`. */
export class RefusedError extends TiebeamError {
  constructor(message: string) {
    super("REFUSED", message);
  }
}

/** The user, or the system, wants an end: the reason of the signal that every command gets. Code `INTERRUPTED`. */
export class InterruptedError extends TiebeamError {
  readonly by: "SIGINT" | "SIGTERM";

  constructor(by: "SIGINT" | "SIGTERM") {
    super("INTERRUPTED", `interrupted by ${by}`);
    this.by = by;
  }
}

/** Nobody reads standard output any more, as after `| head`. Ends a command like an interrupt. Code `OUTPUT_CLOSED`. */
export class OutputClosedError extends TiebeamError {
  constructor() {
    super("OUTPUT_CLOSED", "standard output was closed");
  }
}
