import { fileURLToPath } from "node:url";
import type { CellResult, NotRun } from "./cell.ts";
import type { Size } from "./plan.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Where a run leaves its results and its logs. Nothing in it belongs to the repository. */
export const RESULTS_FOLDER = here("../results");
export const LOGS_FOLDER = here("../results/logs");
/** Where the reporter of the suites leaves what became of them, when the command says so. */
export const SUITES_FILE = here("../results/suites.json");

/** What became of a suite's tests on a release, or of those that belong to none (`otp` is ""). */
export interface SuiteResult {
  readonly suite: string;
  readonly otp: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What the reporter of the suites writes. */
export interface SuitesReport {
  readonly suites: readonly SuiteResult[];
  /** Why tests were skipped, with how many of them. */
  readonly skips: Readonly<Record<string, number>>;
}

/** A run, whole. */
export interface Report {
  /** When it began, in the form of ISO 8601. */
  readonly at: string;
  readonly machine: { readonly system: string; readonly cores: number };
  /** How long each part took. */
  readonly seconds: Readonly<Record<string, number>>;
  readonly size: Size;
  readonly releases: readonly ReleaseFacts[];
  readonly runtimes: readonly { readonly name: string; readonly version: string }[];
  readonly notRun: readonly NotRun[];
  readonly cells: readonly CellResult[];
  readonly suites: SuitesReport;
}

export interface ReleaseFacts {
  readonly otp: string;
  readonly otpVersion: string;
  readonly elixir: string;
  /** "none" where there is none. */
  readonly genStage: string;
  readonly provider: string;
}
