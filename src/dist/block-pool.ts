import type { Blocks } from "../etf/index.ts";

/** Bytes that a pool keeps for later: a few blocks for messages of a megabyte. */
const KEPT_BYTES = 8 * 1024 * 1024;

/**
 * Blocks that have left and can be written to again. Making and clearing a large one, and having it collected, costs more than
 * what it is for: a copy of the bytes of a message.
 */
export class BlockPool implements Blocks {
  /** The one that was used last is the last one. */
  readonly #blocks: Uint8Array[] = [];
  #bytes = 0;

  take(bytes: number): Uint8Array {
    const size = roundedUp(bytes);
    const index = this.#blocks.findLastIndex(({ length }) => length === size);
    if (index < 0) return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
    const [block] = this.#blocks.splice(index, 1);
    this.#bytes -= size;
    return block!;
  }

  /** Keeps the whole block of which this is a part, instead of those that were used longest ago. */
  give({ buffer }: Uint8Array): void {
    if (buffer.byteLength > KEPT_BYTES) return;
    this.#blocks.push(new Uint8Array(buffer));
    this.#bytes += buffer.byteLength;
    while (this.#bytes > KEPT_BYTES) this.#bytes -= this.#blocks.shift()!.length;
  }

  /** Gives all of them up. */
  clear(): void {
    this.#blocks.length = 0;
    this.#bytes = 0;
  }
}

/** The next power of two, so that messages of about the same size use the same blocks. */
function roundedUp(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(bytes));
}
