/** A part of an event message that is handled by one callback. */
export interface Chunk {
  readonly size: number;
  /** What to ask for once it has been handled; 0 for nothing. */
  readonly ask: number;
  /** Events of it that were never asked for. They are handled, but create no demand. */
  readonly excess: number;
}

/**
 * The accounting of one automatic subscription, on the consumer's side: how a message of events is cut, and which asks
 * follow. Source: gen_stage.md §5.3.
 *
 * A chunk is at most `max - min` events and never spans two messages. It carries an ask, up to `max` again, when it brings
 * what is outstanding down to `min` or below; it is never cut at that point, so asks may exceed the chunk.
 */
export class Demand {
  readonly max: number;
  readonly min: number;
  #outstanding: number;

  /** `max` of at least 1, `min` below it. The first ask, for `max`, is the caller's. */
  constructor(max: number, min: number) {
    this.max = max;
    this.min = min;
    this.#outstanding = max;
  }

  /** Events asked for and not yet received, as far as the asks of all chunks so far have been sent. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Takes a message of `count` events. */
  take(count: number): Chunk[] {
    const chunks: Chunk[] = [];
    let fitting = this.#outstanding;
    for (let left = count; left > 0; ) {
      const size = Math.min(left, this.max - this.min);
      const counted = Math.min(size, fitting);
      chunks.push({ size, ask: this.#count(counted), excess: size - counted });
      fitting -= counted;
      left -= size;
    }
    return chunks;
  }

  #count(received: number): number {
    this.#outstanding -= received;
    if (this.#outstanding > this.min) return 0;
    const ask = this.max - this.#outstanding;
    this.#outstanding = this.max;
    return ask;
  }
}
