import type { ByteStream, ByteStreamHandler, Endpoint } from "../../src/base/index.ts";

/** A handler that records, and lets a test wait for what it looks for. */
export class Recorder implements ByteStreamHandler {
  readonly chunks: Uint8Array[] = [];
  length = 0;
  drains = 0;
  ends: (Error | undefined)[] = [];
  stream!: ByteStream;
  remote: Endpoint | undefined;
  local: Endpoint | undefined;
  onData: (bytes: Uint8Array) => void = () => {};
  readonly #waiting = new Set<{ when: () => boolean; done: () => void }>();

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  data(bytes: Uint8Array): void {
    this.chunks.push(bytes.slice());
    this.length += bytes.length;
    this.onData(bytes);
    this.#check();
  }

  drained(): void {
    this.drains++;
    this.#check();
  }

  closed(error?: Error): void {
    this.ends.push(error);
    this.#check();
  }

  until(when: () => boolean): Promise<void> {
    if (when()) return Promise.resolve();
    return new Promise((done) => void this.#waiting.add({ when, done }));
  }

  #check(): void {
    for (const waiter of this.#waiting) {
      if (!waiter.when()) continue;
      this.#waiting.delete(waiter);
      waiter.done();
    }
  }
}
