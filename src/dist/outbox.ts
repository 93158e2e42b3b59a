import type { ByteStream, Clock } from "../base/index.ts";
import { Writer } from "../etf/index.ts";
import { BlockPool } from "./block-pool.ts";

/** Outgoing bytes leave at the latest when they are this many. */
const FLUSH_BYTES = 64 * 1024;

/** The block of a connection that has little to say. It grows with what is written, and shrinks once there is nothing to say. */
const FIRST_BLOCK_BYTES = 1024;

/**
 * What a connection has written and its stream does not have yet. It leaves in one write with the end of the turn, with the end
 * of the chunk that is being read, or as soon as it is much.
 */
export class Outbox {
  readonly blocks = new BlockPool();
  /** Where frames are written; {@link wrote} follows each. */
  readonly writer = new Writer(FIRST_BLOCK_BYTES, this.blocks);
  /** Bytes that the stream was given. */
  bytesGiven = 0;
  readonly #clock: Clock;
  readonly #stream: ByteStream;
  readonly #emptied: () => void;
  /** Blocks that the stream still has bytes of. */
  readonly #leaving: Uint8Array[] = [];
  #held = false;
  #flushDue = false;
  #closed = false;

  /** `emptied`: all that was written has left. */
  constructor(clock: Clock, stream: ByteStream, emptied: () => void) {
    this.#clock = clock;
    this.#stream = stream;
    this.#emptied = emptied;
  }

  /** Bytes that have not left this process. */
  get queuedBytes(): number {
    return this.writer.size + this.#stream.queuedBytes;
  }

  /** Something was written. */
  wrote(): void {
    if (this.writer.size >= FLUSH_BYTES) {
      this.flush();
    } else if (!this.#flushDue) {
      this.#flushDue = true;
      if (!this.#held) this.#clock.defer(() => this.flush());
    }
  }

  /** A chunk is being read: what is answered meanwhile leaves with {@link release}. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    if (this.#flushDue) this.flush();
  }

  /** Gives everything to the stream now. */
  flush(): void {
    this.#flushDue = false;
    if (this.#closed || this.writer.size === 0) return;
    const chunk = this.writer.take();
    this.bytesGiven += chunk.length;
    this.#stream.write(chunk);
    // What the kernel has taken may be overwritten; anything else keeps its block until it has left.
    if (this.#stream.queuedBytes === 0) {
      this.writer.reuse();
      this.#reclaim();
      this.#emptied();
    } else {
      // The next block will hold about as much.
      this.#leaving.push(this.writer.replace(Math.min(this.writer.bytes.length, FLUSH_BYTES)));
    }
  }

  /** There was nothing to send for a while: gives up what was kept for it. */
  rest(): void {
    this.blocks.clear();
    if (this.queuedBytes === 0 && this.writer.bytes.length > FIRST_BLOCK_BYTES) this.writer.replace(FIRST_BLOCK_BYTES);
  }

  /** The last bytes of a block, which need not be one of the writer's, were given to the stream. */
  giveBack(bytes: Uint8Array): void {
    if (this.#stream.queuedBytes === 0) this.blocks.give(bytes);
    else this.#leaving.push(bytes);
  }

  /** The stream has taken everything. */
  drained(): void {
    this.#reclaim();
    if (this.queuedBytes === 0) this.#emptied();
  }

  /** Gives nothing any more. */
  close(): void {
    this.#closed = true;
  }

  #reclaim(): void {
    for (const block of this.#leaving) this.blocks.give(block);
    this.#leaving.length = 0;
  }
}
