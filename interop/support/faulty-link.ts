import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Seen from the side that dialled. */
export type Direction = "there" | "back";

/** A piece of stream is at most so long, so that a slow link is slow and not now and then. */
const PIECE_BYTES = 8 * 1024;

/**
 * A TCP connection's way through a network that has faults: forwards what is dialled at its port to another one, and can
 * lose, delay and slow down what goes there or back. What is lost is lost silently, the end of the stream too.
 */
export class FaultyLink implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #lost = new Set<Direction>();
  readonly #changes = new Map<Direction, (data: Buffer) => Buffer>();
  #listener: (direction: Direction, bytes: Buffer) => void = () => {};
  #targetPort = 0;
  #delayMs = 0;
  #bytesPerSecond = Number.POSITIVE_INFINITY;

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => this.#forward(socket));
  }

  static async listen(): Promise<FaultyLink> {
    const server = createServer({ noDelay: true, allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FaultyLink(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Where what is dialled here goes. */
  leadTo(port: number): void {
    this.#targetPort = port;
  }

  /** Tells of everything that comes in, either way, before anything is done to it. */
  overhear(listener: (direction: Direction, bytes: Buffer) => void): void {
    this.#listener = listener;
  }

  /** Nothing goes these ways any more. */
  lose(...directions: Direction[]): void {
    for (const direction of directions) this.#lost.add(direction);
  }

  /** Everything arrives again, on connections that are made from now on. */
  heal(): void {
    this.#lost.clear();
  }

  /** Everything takes so long on its way, each way. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Not more than so many bytes go each way. */
  slowDown(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** What goes this way goes through a function first. */
  alter(direction: Direction, change: (data: Buffer) => Buffer): void {
    this.#changes.set(direction, change);
  }

  /** Ends the connections on both sides as a router does that knows nothing of them. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #forward(near: Socket): void {
    const far = connect({ port: this.#targetPort, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on("error", () => {}); // "close" follows
      socket.once("close", () => this.#sockets.delete(socket));
    }
    void this.#carry("there", near, far);
    void this.#carry("back", far, near);
  }

  async #carry(direction: Direction, from: Socket, to: Socket): Promise<void> {
    // Pieces leave in their order: each waits for the one before it.
    let last = Promise.resolve();
    try {
      for await (const read of from as AsyncIterable<Buffer>) {
        const data = this.#changes.get(direction)?.(read) ?? read;
        this.#listener(direction, data);
        for (let at = 0; at < data.length; at += PIECE_BYTES) {
          const piece = data.subarray(at, at + PIECE_BYTES);
          await sleep((piece.length / this.#bytesPerSecond) * 1_000);
          last = this.#later(last, () => this.#lost.has(direction) || to.write(piece));
        }
      }
    } catch {
      // The end of a stream that was cut is an end too.
    }
    await this.#later(last, () => this.#lost.has(direction) || to.end());
  }

  async #later(last: Promise<void>, act: () => unknown): Promise<void> {
    const due = this.#delayMs > 0 ? sleep(this.#delayMs) : undefined;
    await last;
    await due;
    act();
  }
}
