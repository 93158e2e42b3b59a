import { TiebeamError } from "../base/index.ts";
import { atom, inspect } from "../term/index.ts";

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

/** Nobody has the name that something was sent to. Code `EXIT_NOPROC`, as when it is called. */
export class NoProcessError extends TiebeamError {
  constructor({ name, node }: { readonly name: string; readonly node: string }) {
    super("EXIT_NOPROC", `there is no process ${inspect(atom(name))} on node ${node}`);
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

/** Nobody reads standard output any more, as after `| head`. Ends a command like an interrupt. Code `EPIPE`. */
export class OutputClosedError extends TiebeamError {
  constructor() {
    super("EPIPE", "standard output was closed");
  }
}
