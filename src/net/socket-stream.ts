import type { Socket } from "node:net";
import type { ByteStream, ByteStreamHandler, Clock, Timer } from "../base/index.ts";
import type { BusyWait } from "./busy-wait.ts";

export interface SocketStreamOptions {
  readonly clock: Clock;
  /** How long a stream that was closed in order waits for the other side's end. */
  readonly lingerMs: number;
  /** What the owner is told when the socket fails. */
  readonly asError: (cause: Error) => Error;
  readonly certifies?: ByteStream["certifies"];
  readonly busyWait: BusyWait;
}

/**
 * A connected socket as a ByteStream.
 *
 * Nothing thrown by the handler leaves a socket event: it breaks this stream, and the handler's `closed` gets it.
 */
export class SocketStream implements ByteStream {
  readonly certifies?: ByteStream["certifies"];
  readonly #socket: Socket;
  readonly #options: SocketStreamOptions;
  #handler: ByteStreamHandler | undefined;
  #state: "open" | "closing" | "closed" = "open";
  /** Something was written that the kernel has not taken. Asked with every message, and nearer than the socket's own count. */
  #full = false;
  #linger: Timer | undefined;

  constructor(socket: Socket, options: SocketStreamOptions) {
    this.#socket = socket;
    this.#options = options;
    if (options.certifies !== undefined) this.certifies = options.certifies;
    socket.on("error", (error) => this.#finish(options.asError(error)));
    socket.on("end", () => this.#ended());
    socket.on("close", () => this.#finish());
  }

  /** Gives the stream its owner, in the turn in which its socket became ready. */
  attach(handler: ByteStreamHandler): void {
    this.#handler = handler;
  }

  /** The same for an accepted stream. The acceptor's failure costs this stream, not the process. */
  serve(accept: (stream: ByteStream) => ByteStreamHandler): void {
    try {
      this.attach(accept(this));
    } catch {
      this.#socket.destroy();
    }
  }

  get queuedBytes(): number {
    return this.#full ? this.#socket.writableLength : 0;
  }

  write(bytes: Uint8Array, more = false): void {
    if (this.#state !== "open" || bytes.length === 0) return;
    if (more) this.#socket.cork();
    this.#socket.write(bytes, this.#written);
    if (!more) while (this.#socket.writableCorked > 0) this.#socket.uncork();
    if (this.#socket.writableLength > 0) this.#full = true;
  }

  pause(): void {
    if (this.#state === "open") this.#socket.pause();
  }

  resume(): void {
    if (this.#state === "open") this.#socket.resume();
  }

  close(options?: { abort?: boolean }): void {
    if (this.#state === "closed") return;
    if (options?.abort) return void this.#socket.destroy();
    if (this.#state === "closing") return;
    this.#state = "closing";
    this.#socket.resume(); // a paused socket would never see the other side's end
    if (this.#socket.readableEnded) return void this.#socket.destroySoon();
    this.#socket.end(() => {
      if (this.#state === "closed") return;
      this.#linger = this.#options.clock.setTimer(this.#options.lingerMs, () => void this.#socket.destroy());
    });
  }

  /** Bytes from the socket. Those that come after `close` are dropped. */
  receive(bytes: Uint8Array): void {
    if (this.#state !== "open") return;
    const { busyWait } = this.#options;
    busyWait.begin();
    try {
      this.#handler?.data(bytes);
    } catch (error) {
      this.#breakWith(error);
    }
    busyWait.end();
  }

  /** One function for every write, so that a write costs no closure. */
  readonly #written = (): void => {
    if (!this.#full || this.#socket.writableLength > 0) return;
    this.#full = false;
    if (this.#state !== "open") return;
    try {
      this.#handler?.drained();
    } catch (error) {
      this.#breakWith(error);
    }
  };

  /** The other side has ended. What is still queued is sent; with nothing queued this side is over in the same turn. */
  #ended(): void {
    if (this.#socket.writableLength > 0) {
      this.close();
      this.#socket.destroySoon();
    } else {
      this.#socket.destroy();
      this.#finish();
    }
  }

  #finish(error?: Error): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#linger?.cancel();
    try {
      this.#handler?.closed(error);
    } catch {
      // The stream is gone already, and there is nobody left to tell.
    }
  }

  #breakWith(error: unknown): void {
    this.#socket.destroy();
    this.#finish(error instanceof Error ? error : new Error(String(error)));
  }
}
