const FIRST_CAPACITY = 8;

/** Room that an empty queue keeps for what comes next. */
const MAX_EMPTY_CAPACITY = 1024;

/** What all queues have that have never held anything. */
const NOTHING: unknown[] = [];

/** A queue in order of arrival: a ring buffer that doubles when full, so `put` and `take` cost the same at any length. */
export class Queue<T> {
  #ring: unknown[] = NOTHING;
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  put(item: T): void {
    if (this.#size === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#size++) & (this.#ring.length - 1)] = item;
  }

  /** The oldest item, which leaves the queue. Only to be called while `size` is above zero. */
  take(): T {
    const item = this.#ring[this.#head] as T;
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    if (--this.#size === 0 && this.#ring.length > MAX_EMPTY_CAPACITY) this.clear();
    return item;
  }

  /** All items, the oldest first; they stay. */
  toArray(): T[] {
    return Array.from({ length: this.#size }, (_, i) => this.#ring[(this.#head + i) & (this.#ring.length - 1)] as T);
  }

  /** Forgets all items and gives their room back. */
  clear(): void {
    this.#ring = NOTHING;
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
