import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { untilStopped } from "../harness/processes.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** A program of `examples/` in an operating system process of its own, so that it can be killed and frozen like a BEAM. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #output = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, "exit");
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output += text;
      });
    }
  }

  /** Resolves when the program has printed that it `is open`. `path` is below `examples/`. */
  static async start(path: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Program> {
    const argv = ["--import", "./examples/typescript.mjs", `examples/${path}`, ...args];
    const child = spawn(process.execPath, argv, {
      cwd: repository,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const program = new Program(child);
    const open = new Promise<void>((resolve) => {
      child.stdout.on("data", () => program.#output.includes("is open") && resolve());
    });
    await Promise.race([open, program.#exited]);
    if (!program.running) throw new Error(`${path} did not start:\n${program.#output}`);
    return program;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** What it printed until now. */
  output(): string {
    return this.#output;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** SIGSTOP; resolves once the kernel shows it as stopped. */
  async freeze(): Promise<void> {
    this.#child.kill("SIGSTOP");
    await untilStopped(this.pid);
  }

  /** SIGCONT. */
  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
