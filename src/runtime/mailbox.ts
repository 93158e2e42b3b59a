const FIRST_CAPACITY = 8;

/** A queue of messages in arrival order: a ring buffer that doubles when full, so `put` and `take` cost the same at any length. */
export class Mailbox {
  #ring: unknown[] = [];
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  put(message: unknown): void {
    if (this.#size === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#size++) & (this.#ring.length - 1)] = message;
  }

  /** The oldest message, which leaves the mailbox. Only to be called while `size` is above zero. */
  take(): unknown {
    const message = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    if (--this.#size === 0 && this.#ring.length > 1024) this.clear();
    return message;
  }

  /** All messages, the oldest first; they stay. */
  toArray(): unknown[] {
    return Array.from({ length: this.#size }, (_, i) => this.#ring[(this.#head + i) & (this.#ring.length - 1)]);
  }

  /** Forgets all messages and gives their room back. */
  clear(): void {
    this.#ring = [];
    this.#head = 0;
    this.#size = 0;
  }

  #grow(): void {
    const grown = new Array<unknown>(Math.max(FIRST_CAPACITY, this.#ring.length * 2));
    for (let i = 0; i < this.#size; i++) grown[i] = this.#ring[(this.#head + i) & (this.#ring.length - 1)];
    this.#ring = grown;
    this.#head = 0;
  }
}
