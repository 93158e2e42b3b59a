import type { ByteStream, ByteStreamHandler, Clock, Endpoint, Timer } from "../base/index.ts";

/** The way from one host to another, in one direction. */
export interface Path {
  /** While true nothing arrives; what was sent waits, as TCP sends it again once it can. */
  readonly blocked: boolean;
  /** The time of the clock at which bytes that leave now arrive. What is due already arrives in the next turn. */
  arrival(bytes: number): number;
}

export interface MemoryStreamOptions {
  readonly clock: Clock;
  readonly maxChunkBytes: number;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** From this end to the other. */
  readonly path: Path;
  /** Both ends are over. */
  readonly onEnded: () => void;
}

interface Parcel {
  readonly bytes: Uint8Array;
  readonly due: number;
}

/** What a delivered piece is overwritten with. */
const STALE = 0xdd;

/** An error as the host's sockets make them: its `code` is the system's name for it. */
export function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** One end of a stream in memory. It holds what it sent and the other end has not yet taken. */
export class MemoryStream implements ByteStream {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #options: MemoryStreamOptions;
  readonly #queue: Parcel[] = [];
  #peer!: MemoryStream;
  #handler: ByteStreamHandler | undefined;
  #queuedBytes = 0;
  #lastDue = 0;
  #paused = false;
  #pumping = false;
  #timer: Timer | undefined;
  #state: "open" | "closing" | "closed" = "open";
  /** What the other end is told behind the queue, once this one was closed. */
  #end: { readonly due: number; readonly error: Error | undefined } | undefined;
  /** Why this end is over. */
  #error: Error | undefined;
  /** The host of this end crashed: nobody answers any more. */
  #gone = false;

  constructor(options: MemoryStreamOptions) {
    this.#options = options;
    this.local = options.local;
    this.remote = options.remote;
  }

  join(peer: MemoryStream): void {
    this.#peer = peer;
    peer.#peer = this;
  }

  /** Gives the stream its owner. What arrived before waits for it, the end of the stream too. */
  attach(handler: ByteStreamHandler): void {
    this.#handler = handler;
    if (this.#state === "closed") this.#tellClosed();
    this.#peer.pump();
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  write(bytes: Uint8Array): void {
    if (this.#state !== "open" || bytes.length === 0) return;
    this.#queue.push({ bytes, due: this.#arrival(bytes.length) });
    this.#queuedBytes += bytes.length;
    this.pump();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#peer.pump();
  }

  close(options?: { abort?: boolean }): void {
    if (this.#state === "closed" || (this.#state === "closing" && !options?.abort)) return;
    if (this.#peer.#gone) return this.#finish(undefined);
    const error = options?.abort ? systemError("ECONNRESET", "the other side aborted the stream") : undefined;
    this.#end = { due: this.#arrival(0), error };
    if (options?.abort) this.#finish(undefined);
    else this.#state = "closing";
    this.pump();
  }

  /** Ends both sides at once, whatever is still on its way. */
  break(error: Error): void {
    for (const end of [this, this.#peer]) {
      end.#end = undefined;
      end.#finish(error);
    }
  }

  /** The host of this end crashed: its owner is told nothing, nor is the other end. */
  vanish(): void {
    this.#gone = true;
    this.#end = undefined;
    this.#finish(undefined);
    if (this.#peer.#state === "closing") this.#peer.#finish(undefined);
  }

  /** Moves what is queued to the other end when it is due, as far as that one reads. */
  pump(): void {
    const first = this.#queue[0] ?? this.#end;
    if (this.#pumping || first === undefined || this.#options.path.blocked) return;
    this.#pumping = true;
    const { clock } = this.#options;
    const deliver = () => {
      this.#pumping = false;
      this.#timer = undefined;
      if (!this.#options.path.blocked) this.#deliver();
    };
    const wait = first.due - clock.now();
    if (wait > 0) this.#timer = clock.setTimer(wait, deliver);
    else clock.defer(deliver);
  }

  #arrival(bytes: number): number {
    this.#lastDue = Math.max(this.#lastDue, this.#options.path.arrival(bytes));
    return this.#lastDue;
  }

  #deliver(): void {
    if (this.#peer.#gone) return this.#finish(systemError("ECONNRESET", "the other side does not know the stream"));
    const held = this.#queuedBytes > 0;
    // Only what was queued when the turn began: an endless exchange of two ends must not keep the clock in one turn.
    let budget = this.#queuedBytes;
    while (budget > 0 && this.#isDue(this.#queue[0]) && this.#peer.#reads()) budget -= this.#deliverChunk();
    if (this.#peer.#state !== "open") this.#dropQueue();
    if (held && this.#queuedBytes === 0 && this.#state !== "closed") this.#handler?.drained();
    if (this.#queue.length === 0 && this.#isDue(this.#end)) this.#deliverEnd();
    else if (this.#queue.length === 0 || this.#peer.#reads()) this.pump();
  }

  #deliverChunk(): number {
    const { bytes, due } = this.#queue[0]!;
    const chunk = bytes.slice(0, this.#options.maxChunkBytes);
    if (chunk.length === bytes.length) this.#queue.shift();
    else this.#queue[0] = { bytes: bytes.subarray(chunk.length), due };
    this.#queuedBytes -= chunk.length;
    this.#peer.#handler!.data(chunk);
    chunk.fill(STALE);
    return chunk.length;
  }

  #deliverEnd(): void {
    const { error } = this.#end!;
    this.#end = undefined;
    this.#finish(undefined);
    this.#peer.#finish(error);
  }

  /** This end is over. What it still has to tell the other one, {@link #end}, goes on its way. */
  #finish(error: Error | undefined): void {
    this.#dropQueue();
    if (this.#end === undefined) this.#timer?.cancel();
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#error = error;
    if (this.#peer.#state === "closed") this.#options.onEnded();
    if (this.#handler !== undefined) this.#tellClosed();
  }

  #tellClosed(): void {
    if (!this.#gone) this.#options.clock.defer(() => this.#handler?.closed(this.#error));
  }

  #dropQueue(): void {
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }

  #isDue(next: { readonly due: number } | undefined): boolean {
    return next !== undefined && next.due <= this.#options.clock.now();
  }

  #reads(): boolean {
    return this.#handler !== undefined && !this.#paused && this.#state === "open";
  }
}
