import type { EncodeErrorCode, PathStep } from "../term/index.ts";

/**
 * Why a part of a value has no Erlang form, on its way to whoever asked for the value: every container that it passes
 * adds where the part is. So nothing is noted about the way as long as all goes well.
 */
export class Problem extends Error {
  readonly code: EncodeErrorCode;
  /** The way to the part, from its end. */
  readonly steps: PathStep[] = [];

  constructor(code: EncodeErrorCode, text: string) {
    super(text);
    this.code = code;
  }
}

/** What a container throws for what was thrown at one of its parts. */
export function at(step: PathStep, error: unknown): unknown {
  if (error instanceof Problem) error.steps.push(step);
  return error;
}

export function unsupported(what: string): Problem {
  return new Problem("ETF_UNSUPPORTED", `${what} has no Erlang form`);
}

export function peerCannot(what: string): Problem {
  return new Problem("ETF_PEER", `the peer's release cannot carry ${what}`);
}

/** `a value of class Date`. */
export function describe(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? `a value of class ${name}` : "a value of an unnamed class";
}
