import { systemClock } from "../../src/base/index.ts";
import { runProgram } from "../../src/cli/program.ts";

/** What a run of the program left. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program in this process, with `stdin` as its input. */
export async function runHere(args: readonly string[], stdin: string | Uint8Array = ""): Promise<Outcome> {
  const written = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const output = (name: "stdout" | "stderr") => ({
    write: (chunk: string | Uint8Array) => void written[name].push(Buffer.from(chunk as string)),
  });
  async function* input(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(stdin as string);
  }
  const code = await runProgram(args, {
    io: { stdin: input(), stdout: output("stdout"), stderr: output("stderr"), clock: systemClock },
    signal: new AbortController().signal,
    version: "1.2.3",
  });
  const text = (name: "stdout" | "stderr") => Buffer.concat(written[name]).toString("latin1");
  return { code, stdout: text("stdout"), stderr: text("stderr") };
}
