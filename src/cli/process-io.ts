import type { Readable, Writable } from "node:stream";
import { systemClock } from "../base/index.ts";
import { OutputClosedError } from "./errors.ts";
import type { Io, Output } from "./io.ts";

/** The streams of a process. */
export interface ProcessStreams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** {@link Io} over the streams of a process. */
export interface ProcessIo extends Io {
  /** Resolves once everything that was written has been taken, or nobody will take it any more. Lets go of stdin. */
  flush(): Promise<void>;
}

/**
 * Makes the streams of a process what commands work with.
 *
 * @param onFailure - standard output failed: OutputClosedError when nobody reads it any more, else the system's error.
 */
export function processIo({ stdin, stdout, stderr }: ProcessStreams, onFailure: (error: Error) => void): ProcessIo {
  const out = new StreamOutput(stdout, (error) => onFailure(isClosed(error) ? new OutputClosedError() : error));
  // Where errors go to fails: there is nobody left to tell.
  const err = new StreamOutput(stderr, () => {});
  return {
    stdin,
    stdout: out,
    stderr: err,
    clock: systemClock,
    flush: async () => {
      stdin.destroy();
      await Promise.all([out.flush(), err.flush()]);
    },
  };
}

function isClosed(error: Error): boolean {
  return ["EPIPE", "ECONNRESET", "ERR_STREAM_DESTROYED"].includes((error as NodeJS.ErrnoException).code ?? "");
}

/** Writes to a stream; what is written in one turn leaves in one system call. */
class StreamOutput implements Output {
  readonly #stream: Writable;
  #corked = false;
  #failed = false;
  /** Those who wait for room share one promise. */
  #room: Promise<void> | undefined;

  constructor(stream: Writable, onFailure: (error: Error) => void) {
    this.#stream = stream;
    stream.on("error", (error) => {
      this.#failed = true;
      onFailure(error);
    });
  }

  write(chunk: string | Uint8Array): Promise<void> | undefined {
    if (this.#failed) return undefined;
    if (!this.#corked) this.#cork();
    if (this.#stream.write(chunk)) return undefined;
    this.#room ??= new Promise((resolve) => {
      const done = () => {
        this.#stream.off("drain", done).off("error", done);
        this.#room = undefined;
        resolve();
      };
      this.#stream.on("drain", done).on("error", done);
    });
    return this.#room;
  }

  flush(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#failed || this.#stream.writableLength === 0) return resolve();
      this.#stream.once("error", () => resolve());
      this.#stream.write("", () => resolve());
    });
  }

  #cork(): void {
    this.#corked = true;
    this.#stream.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#stream.uncork();
    });
  }
}
