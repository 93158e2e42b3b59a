import {
  FRAGMENT_BYTES,
  FRAGMENT_HEAD_BYTES,
  HEADROOM_BYTES,
  type OutgoingMessage,
  putFragmentHead,
  putWholeHead,
  WHOLE_HEAD_BYTES,
} from "./outgoing-message.ts";

/** Bytes that belong into a message at a place of what was encoded of it. */
export interface LentPiece {
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** Bytes that were lent are not there any more: their buffer was transferred before they had left. */
export class LentBytesGone extends Error {}

/** A message with bytes that are lent. They leave as they are, between parts of what was encoded, with a head for each frame. */
export class LentMessage implements OutgoingMessage {
  bytesLeft = 0;
  readonly block: Uint8Array;
  readonly lends = true;
  /** What has not left, the next one last. None is empty, unless its buffer was transferred meanwhile. */
  readonly #pieces: Uint8Array[] = [];
  readonly #sequenceId: number;
  #firstBytes: number;

  /**
   * @param block - what was encoded of the terms, from `start` on.
   * @param lent - in the order of their places in the block.
   * @param sequenceId - 0 for a message in one frame.
   * @param firstBytes - what the first fragment must hold, if it leaves in fragments.
   */
  constructor(block: Uint8Array, start: number, lent: readonly LentPiece[], sequenceId: number, firstBytes: number) {
    this.block = block;
    this.#sequenceId = sequenceId;
    this.#firstBytes = firstBytes;
    let from = start;
    for (const { bytes, at } of lent) {
      this.#push(block.subarray(from, at));
      this.#push(bytes);
      from = at;
    }
    this.#push(block.subarray(from));
    this.#pieces.reverse();
  }

  #push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.bytesLeft += piece.length;
    this.#pieces.push(piece);
  }

  /** @throws LentBytesGone */
  next(): readonly Uint8Array[] {
    const isFirst = this.#firstBytes > 0;
    const isWhole = this.#sequenceId === 0;
    const due = isWhole ? this.bytesLeft : Math.min(isFirst ? this.#firstBytes : FRAGMENT_BYTES, this.bytesLeft);
    const parts = this.#cut(due);
    this.#firstBytes = 0;
    const head = new Uint8Array(isWhole ? WHOLE_HEAD_BYTES : isFirst ? HEADROOM_BYTES : FRAGMENT_HEAD_BYTES);
    if (isWhole) putWholeHead(head, 0, due);
    else putFragmentHead(head, 0, { isFirst, sequenceId: this.#sequenceId, bytes: due, bytesAfter: this.bytesLeft });
    return [head, ...parts];
  }

  /** Takes so many bytes off the front. */
  #cut(count: number): Uint8Array[] {
    const parts: Uint8Array[] = [];
    this.bytesLeft -= count;
    while (count > 0) {
      const piece = this.#pieces.pop()!;
      if (piece.length === 0) throw new LentBytesGone();
      const part = piece.subarray(0, count);
      if (part.length < piece.length) this.#pieces.push(piece.subarray(count));
      parts.push(part);
      count -= part.length;
    }
    return parts;
  }
}
