import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isTuple, Pid, type Term } from "../../src/term/index.ts";

/**
 * A scenario recorded between real GenStages, one process to a node. `messages` are `[from, to, kind, hex]`, the hex being the
 * external term format; the log lines are left out. See `test/vectors/README.md`.
 */
export interface Recording {
  readonly scenario: string;
  readonly setup: string;
  readonly otp: string;
  readonly gen_stage: string;
  readonly messages: readonly (readonly [from: string, to: string, kind: string, hex: string])[];
}

const VECTORS = join(import.meta.dirname, "../vectors");

const read = (file: string) => JSON.parse(readFileSync(join(VECTORS, file), "utf8"));

/** All scenarios, on OTP 29. */
export const recordings = read("gen-stage-otp29.json") as readonly Recording[];

/** Those of other releases in which something else was said. */
export const differing = read("gen-stage-differing.json") as readonly Recording[];

/** For each scenario and release what `hashOf` gives for its recording. */
export const hashes = read("gen-stage-hashes.json") as Readonly<Record<string, Readonly<Record<string, string>>>>;

/** `producer@node@host`, or `producer:{name, :node@host}` where it was addressed by name. */
export const roleIn = (whom: string) => whom.split(/[@:]/)[0]!;
export const nodeIn = (whom: string) => /(\w+@\w+)\}?$/.exec(whom)?.[1] ?? "";

/** The pid of whom sent it, as far as the message tells. */
export function ownPid(kind: string, term: Term): Pid | undefined {
  if (kind !== "send" || !isTuple(term) || !String(term.tag).startsWith("$gen_")) return undefined;
  const from = (term as unknown as Term[])[1];
  return isTuple(from) && from[0] instanceof Pid ? from[0] : undefined;
}
