import type { Command } from "commander";
import type { ExitCode } from "./exit-code.ts";
import type { Io } from "./io.ts";

/** What a command works with. It touches neither `process` nor `console`. */
export interface Context<Args> {
  readonly args: Args;
  readonly io: Io;
  /** Aborts when the command is to end: by Ctrl-C, SIGTERM, or because nobody reads its output any more. */
  readonly signal: AbortSignal;
}

/** What a command does. It rejects with a TiebeamError for what goes wrong. */
export type Action<Args> = (context: Context<Args>) => Promise<ExitCode>;

/** Has an action run, with arguments that are parsed. */
export type Run = <Args>(action: Action<Args>, args: Args) => Promise<void>;

/** Adds a command to the program: its arguments, options, examples and action. */
export type DefineCommand = (program: Command, run: Run) => void;

/** The examples at the end of a command's help: lines of `[what it does, command line]`. */
export function examples(...lines: readonly (readonly [about: string, line: string])[]): string {
  return `\nExamples:\n${lines.map(([about, line]) => `  # ${about}\n  $ ${line}`).join("\n")}\n`;
}
