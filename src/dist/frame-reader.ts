/** Takes the frames of a {@link FrameReader}. */
export interface FrameSink {
  /** A frame is the bytes from `start` to `end`, which are valid during the call only. */
  frame(bytes: Uint8Array, start: number, end: number): void;
  /** A frame announces more than is accepted. Nothing is read any more. */
  tooLarge(length: number, limit: number): void;
}

/** The largest place that is kept: enough for a fragment of a BEAM. */
const KEPT_BYTES = 128 * 1024;

/**
 * Splits a stream of bytes into frames with a length of 2 or 4 bytes before them.
 *
 * A frame that lies wholly in a chunk is a range of it: making a view costs more than reading a small message. Any other
 * is put together in a place that the next one uses again, or, if it is large, in one of its own; neither is made before
 * the length is known and was found to be acceptable.
 */
export class FrameReader {
  #lengthBytes: 2 | 4;
  #maxBytes: number;
  /** The length so far, while its bytes arrive. */
  #length = 0;
  #lengthRead = 0;
  /** Where a frame is being put together. */
  #partial: Uint8Array | undefined;
  #filled = 0;
  #kept = new Uint8Array(0);
  #stopped = false;

  constructor(lengthBytes: 2 | 4, maxBytes: number) {
    this.#lengthBytes = lengthBytes;
    this.#maxBytes = maxBytes;
  }

  /** Changes the form, from the next frame on: also for what is left of a chunk when called from within `frame`. */
  expect(lengthBytes: 2 | 4, maxBytes: number): void {
    this.#lengthBytes = lengthBytes;
    this.#maxBytes = maxBytes;
  }

  /** Reads nothing any more; what is left of a chunk is dropped. */
  stop(): void {
    this.#stopped = true;
    this.#partial = undefined;
    this.#kept = new Uint8Array(0);
  }

  /** Takes a chunk and gives its frames to the sink. */
  push(chunk: Uint8Array, sink: FrameSink): void {
    let at = 0;
    while (at < chunk.length && !this.#stopped) {
      if (this.#partial !== undefined) at = this.#fill(chunk, at, sink);
      else if (this.#lengthRead < this.#lengthBytes) at = this.#readLength(chunk, at, sink);
      else at = this.#begin(chunk, at, sink);
    }
  }

  #readLength(chunk: Uint8Array, at: number, sink: FrameSink): number {
    while (at < chunk.length && this.#lengthRead < this.#lengthBytes) {
      this.#length = this.#length * 256 + chunk[at++]!;
      this.#lengthRead++;
    }
    if (this.#lengthRead < this.#lengthBytes) return at;
    if (this.#length > this.#maxBytes) {
      this.stop();
      sink.tooLarge(this.#length, this.#maxBytes);
    } else if (this.#length === 0) {
      this.#emit(chunk, at, at, sink);
    }
    return at;
  }

  #begin(chunk: Uint8Array, at: number, sink: FrameSink): number {
    const end = at + this.#length;
    if (end <= chunk.length) {
      this.#emit(chunk, at, end, sink);
      return end;
    }
    this.#partial = this.#place(this.#length);
    this.#filled = 0;
    return this.#fill(chunk, at, sink);
  }

  #fill(chunk: Uint8Array, at: number, sink: FrameSink): number {
    const partial = this.#partial!;
    const end = Math.min(chunk.length, at + this.#length - this.#filled);
    partial.set(chunk.subarray(at, end), this.#filled);
    this.#filled += end - at;
    if (this.#filled === this.#length) {
      this.#partial = undefined;
      this.#emit(partial, 0, this.#length, sink);
    }
    return end;
  }

  #place(length: number): Uint8Array {
    if (length > KEPT_BYTES) return new Uint8Array(length);
    if (length > this.#kept.length) this.#kept = new Uint8Array(Math.min(2 * length, KEPT_BYTES));
    return this.#kept;
  }

  #emit(bytes: Uint8Array, start: number, end: number, sink: FrameSink): void {
    this.#length = 0;
    this.#lengthRead = 0;
    sink.frame(bytes, start, end);
  }
}
