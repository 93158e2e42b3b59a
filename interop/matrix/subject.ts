import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { untilStopped } from "../harness/processes.ts";
import type { Runtime } from "../runtimes/index.ts";

const script = fileURLToPath(new URL("subject.mjs", import.meta.url));

/** An operation of the subject that failed there, or was not answered in time. */
export class SubjectError extends Error {
  override readonly name = "SubjectError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** What `status` gives. */
export interface Status {
  readonly peers: readonly string[];
  readonly dials: number;
  readonly connecting: number;
  readonly holdings: Readonly<Record<string, number>>;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Our node in a process of its own, under any runtime: `subject.mjs` and the way to drive it. */
export class Subject implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exited: Promise<unknown>;
  readonly #pending = new Map<number, Pending>();
  readonly #log: (line: string) => void;
  #nextId = 1;

  /** @param log - gets what is asked and answered, and what it prints. */
  constructor(runtime: Runtime, env: Readonly<Record<string, string>>, log: (line: string) => void) {
    const [program, ...args] = runtime.argv;
    this.#log = log;
    // A process group of its own, as BEAMs have it: a Ctrl-C in the terminal ends it by way of its stdin.
    this.#child = spawn(program, [...args, script], { detached: true, env: { ...process.env, ...env } });
    const ended = () => {
      for (const { reject } of this.#pending.values()) reject(new SubjectError("GONE", "the subject has ended"));
    };
    this.#exited = once(this.#child, "close").then(ended, ended);
    // A frozen one does not see the end of its stdin.
    const killAtExit = () => this.#child.kill("SIGKILL");
    process.once("exit", killAtExit);
    void this.#exited.then(() => process.removeListener("exit", killAtExit));
    this.#child.stdin.on("error", () => {}); // "close" follows
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => log(`ours: ${text.trimEnd()}`));
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#answered(line));
  }

  /** Has it do one of the operations of `subject.mjs`. */
  async do<T = unknown>(op: string, args: object = {}, timeoutMs = 20_000): Promise<T> {
    const id = this.#nextId++;
    const request = JSON.stringify({ id, op, args });
    this.#log(`> ${shortened(request)}`);
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#pending.set(id, { resolve: resolve as Pending["resolve"], reject });
        timer = setTimeout(() => reject(new SubjectError("LATE", `${op} not done within ${timeoutMs} ms`)), timeoutMs);
        this.#child.stdin.write(`${request}\n`);
      });
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** SIGSTOP; resolves once the kernel shows it as stopped. */
  async freeze(): Promise<void> {
    this.#child.kill("SIGSTOP");
    await untilStopped(this.#child.pid!);
  }

  /** SIGCONT. */
  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** An orderly end of the node, and with it of its process. */
  async stop(): Promise<void> {
    await this.do("stop");
    await this.#exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  #answered(line: string): void {
    this.#log(`< ${shortened(line)}`);
    if (!line.startsWith("{")) return; // something that the runtime had to say
    const { id, value, error } = JSON.parse(line) as { id: number; value?: unknown; error?: SubjectError };
    if (error) this.#pending.get(id)?.reject(new SubjectError(error.code, error.message));
    else this.#pending.get(id)?.resolve(value);
  }
}

function shortened(line: string): string {
  return line.length > 400 ? `${line.slice(0, 400)}... (${line.length} characters)` : line;
}
