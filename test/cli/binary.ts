import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const projectPath = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The script behind the command `tiebeam`. */
export const binaryPath = projectPath("dist/cli/main.js");

/** Builds `dist` if it is out of date. */
export function buildBinary(): void {
  const { status, stderr } = spawnSync(process.execPath, [projectPath("scripts/setup.mjs")], { encoding: "utf8" });
  if (status !== 0) throw new Error(`the build failed:\n${stderr}`);
}

/** What a run of the binary left. */
export interface Finished {
  /** The exit code, or the name of the signal that ended it. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Written to its standard input, which then ends. Left open when not given. */
  readonly stdin?: string;
  /** Leaves standard output unread until somebody reads `stdout`. */
  readonly unread?: boolean;
}

/** A run of the binary. It is killed when disposed, if it still runs. */
export class Running implements AsyncDisposable {
  readonly child: ChildProcess & { stdin: NonNullable<ChildProcess["stdin"]>; stdout: Readable; stderr: Readable };
  readonly finished: Promise<Finished>;
  readonly #text = { stdout: "", stderr: "" };
  readonly #listeners = new Set<() => void>();

  constructor(args: readonly string[], { env, stdin, unread }: StartOptions) {
    this.child = spawn(process.execPath, [binaryPath, ...args], {
      env: { PATH: process.env.PATH, HOME: "/nonexistent", ...env },
      stdio: ["pipe", "pipe", "pipe"],
    }) as Running["child"];
    this.#collect("stderr");
    if (!unread) this.#collect("stdout");
    this.child.stdin.on("error", () => {}); // it may end before it has read everything
    if (stdin !== undefined) this.child.stdin.end(stdin);
    this.finished = once(this.child, "close").then(([code, signal]) => ({ code: code ?? signal, ...this.#text }));
  }

  /** Resolves with what was found once the output matches; rejects if it ends before. */
  async until(name: "stdout" | "stderr", pattern: RegExp): Promise<RegExpMatchArray> {
    let ended = false;
    void this.finished.then(() => {
      ended = true;
    });
    for (;;) {
      const match = this.#text[name].match(pattern);
      if (match !== null) return match;
      if (ended) throw new Error(`ended without ${pattern} in ${name}: ${JSON.stringify(this.#text)}`);
      await Promise.race([this.finished, new Promise<void>((resolve) => this.#listeners.add(resolve))]);
    }
  }

  interrupt(signal: NodeJS.Signals = "SIGINT"): Promise<Finished> {
    this.child.kill(signal);
    return this.finished;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    this.child.stdout.resume();
    await this.finished;
  }

  #collect(name: "stdout" | "stderr"): void {
    this.child[name].setEncoding("utf8").on("data", (text: string) => {
      this.#text[name] += text;
      for (const listener of this.#listeners) listener();
      this.#listeners.clear();
    });
  }
}

/** Starts the binary. */
export function startBinary(args: readonly string[], options: StartOptions = {}): Running {
  return new Running(args, options);
}

/** Runs the binary to its end, with an empty input unless one is given. */
export async function runBinary(args: readonly string[], options: StartOptions = {}): Promise<Finished> {
  await using running = startBinary(args, { stdin: "", ...options });
  return await running.finished;
}
