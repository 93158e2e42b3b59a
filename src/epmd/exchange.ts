import type { ByteStream, Clock, Timer, Transport } from "../base/index.ts";
import { EpmdError, type EpmdErrorCode, type EpmdFacts } from "./errors.ts";
import type { ReplyDecoder } from "./replies.ts";
import { type EpmdRequest, encodeRequest } from "./requests.ts";

/** One request and how its answer is read. */
export interface Exchange<T> {
  readonly request: EpmdRequest;
  readonly decode: ReplyDecoder<T>;
  readonly at: EpmdFacts;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether the connection stays open with the answer; it is then the caller's, who hears of its end by `onLost`. */
  readonly onLost?: (error?: Error) => void;
}

/** What came of an {@link Exchange}. */
export interface Exchanged<T> {
  readonly value: T;
  readonly stream: ByteStream;
}

/** Bytes that an answer may have: a listing of some thousand names of the longest kind. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/** Sends a request over a connection of its own and waits for the answer. Leaves no timer, and no stream unless kept. */
export function exchange<T>(transport: Transport, clock: Clock, options: Exchange<T>): Promise<Exchanged<T>> {
  return new Conversation(transport, clock, options).result;
}

class Conversation<T> {
  readonly result: Promise<Exchanged<T>>;
  readonly #options: Exchange<T>;
  readonly #received = new Received();
  readonly #giveUp = new AbortController();
  readonly #timer: Timer | undefined;
  #resolve!: (result: Exchanged<T>) => void;
  #reject!: (error: unknown) => void;
  #stream: ByteStream | undefined;
  #state: "asking" | "answered" | "over" = "asking";

  constructor(transport: Transport, clock: Clock, options: Exchange<T>) {
    this.#options = options;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (options.signal?.aborted) {
      this.#reject(options.signal.reason);
      return;
    }
    options.signal?.addEventListener("abort", this.#aborted);
    if (options.timeoutMs !== Number.POSITIVE_INFINITY) {
      this.#timer = clock.setTimer(options.timeoutMs, () =>
        this.#fail(this.#error("EPMD_TIMEOUT", `did not answer within ${options.timeoutMs} ms`)),
      );
    }
    void this.#open(transport);
  }

  async #open(transport: Transport): Promise<void> {
    const handler = {
      data: (bytes: Uint8Array) => this.#data(bytes),
      drained: () => {},
      closed: (error?: Error) => this.#closed(error),
    };
    try {
      const { host, port } = this.#options.at;
      const stream = await transport.connect({ host, port }, handler, { signal: this.#giveUp.signal });
      if (this.#state !== "asking") return stream.close({ abort: true });
      this.#stream = stream;
      stream.write(encodeRequest(this.#options.request));
    } catch (cause) {
      this.#fail(this.#error("EPMD_UNREACHABLE", "cannot be reached", cause));
    }
  }

  #data(bytes: Uint8Array): void {
    if (this.#state !== "asking") return;
    if (this.#received.length + bytes.length > MAX_REPLY_BYTES) {
      return this.#fail(this.#error("EPMD_PROTOCOL", `answered with more than ${MAX_REPLY_BYTES} bytes`));
    }
    this.#received.add(bytes);
    this.#read(false);
  }

  #closed(error?: Error): void {
    if (this.#state === "answered") {
      this.#state = "over";
      this.#options.onLost?.(error);
    } else if (this.#state === "asking") {
      if (error === undefined) this.#read(true);
      if (this.#state === "asking") this.#fail(this.#error("EPMD_CLOSED", "closed without a complete answer", error));
    }
  }

  #read(ended: boolean): void {
    try {
      const answer = this.#options.decode(this.#received.bytes, ended);
      if (answer !== undefined) this.#answered(answer.value);
    } catch (cause) {
      this.#fail(this.#error("EPMD_PROTOCOL", "does not answer as an epmd", cause));
    }
  }

  #answered(value: T): void {
    const keep = this.#options.onLost !== undefined;
    this.#state = keep ? "answered" : "over";
    this.#release();
    if (!keep) this.#stream?.close();
    this.#resolve({ value, stream: this.#stream! });
  }

  readonly #aborted = (): void => this.#fail(this.#options.signal?.reason);

  #fail(error: unknown): void {
    if (this.#state !== "asking") return;
    this.#state = "over";
    this.#release();
    this.#reject(error);
    this.#giveUp.abort(error);
    this.#stream?.close({ abort: true });
  }

  #release(): void {
    this.#timer?.cancel();
    this.#options.signal?.removeEventListener("abort", this.#aborted);
  }

  #error(code: EpmdErrorCode, what: string, cause?: unknown): EpmdError {
    const { at, request } = this.#options;
    const about = at.nodeName === undefined ? "" : ` ${at.nodeName}`;
    const detail = cause instanceof Error ? `: ${cause.message}` : "";
    return new EpmdError(code, `${request.op}${about}: the epmd at ${at.host}:${at.port} ${what}${detail}`, at, {
      cause,
    });
  }
}

/** Bytes put together from pieces, in a buffer that doubles. */
class Received {
  #buffer = new Uint8Array(256);
  length = 0;

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.length);
  }

  add(piece: Uint8Array): void {
    const needed = this.length + piece.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
      larger.set(this.bytes);
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.length);
    this.length = needed;
  }
}
