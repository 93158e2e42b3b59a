/** A payload is given its room when so much of it has come, as a divisor of what is announced. */
const BELIEVED_GROWTH = 16;

/**
 * The payload of one message, put together from its parts.
 *
 * What a peer announces is not believed before a part of it is here. Parts that come until then wait aside, and are moved
 * into the room for the whole one by one, each beside a later part: copying tens of megabytes at once would hold up the
 * event loop for as many milliseconds.
 */
export class PayloadBuffer {
  readonly #spare: Uint8Array | undefined;
  #length = 0;
  #room: Uint8Array | undefined;
  readonly #aside: Uint8Array[] = [];
  #moved = 0;
  #movedBytes = 0;

  /** `spare`: room that was used before, for as much as fits. */
  constructor(spare?: Uint8Array) {
    this.#spare = spare;
  }

  /** Bytes that have come. */
  get length(): number {
    return this.#length;
  }

  /** Copies a part to the end. `announced`: the bytes of the whole payload, as far as can be told. */
  append(part: Uint8Array, announced: number): void {
    const length = this.#length + part.length;
    if (this.#room !== undefined || announced <= length * BELIEVED_GROWTH) {
      this.#roomFor(length, announced).set(part, this.#length);
      this.#moveOne();
    } else {
      this.#aside.push(new Uint8Array(part)); // a copy: slice() of a Buffer is none
    }
    this.#length = length;
  }

  /** The whole payload. Nothing can be appended after. */
  take(): Uint8Array {
    const room = this.#roomFor(this.#length, this.#length);
    while (this.#moved < this.#aside.length) this.#moveOne();
    return room.subarray(0, this.#length);
  }

  #roomFor(length: number, announced: number): Uint8Array {
    const room = this.#room;
    if (room !== undefined && length <= room.length) return room;
    const size = Math.max(length, announced);
    this.#room =
      room === undefined && this.#spare !== undefined && size <= this.#spare.length
        ? this.#spare
        : // Not cleared: all that is given away of it has been written.
          new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
    if (room !== undefined) this.#room.set(room.subarray(0, this.#length));
    return this.#room;
  }

  #moveOne(): void {
    const part = this.#aside[this.#moved];
    if (part === undefined) return;
    this.#room!.set(part, this.#movedBytes);
    this.#moved++;
    this.#movedBytes += part.length;
  }
}
