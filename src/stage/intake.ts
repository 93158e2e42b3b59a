/** Something that waits in an {@link Intake}. */
type Entry = () => void | Promise<void>;

/**
 * What has come to a producer_consumer from its producers and waits for demand of its consumers: messages of events, ends of
 * subscriptions, and infos, in their order. Source: gen_stage.md §5.4.
 *
 * Demand is looked at between entries and not within one: a message is handled as a whole, and what its consumers have not
 * asked for goes to the buffer.
 */
export class Intake {
  readonly #isReady: () => boolean;
  #entries: Entry[] = [];
  #next = 0;
  #running = false;

  /** `isReady`: whether anything may be handled, which is when consumers have asked for more than they got. */
  constructor(isReady: () => boolean) {
    this.#isReady = isReady;
  }

  get isEmpty(): boolean {
    return this.#next === this.#entries.length;
  }

  /** Adds an entry, and handles what may be handled. */
  put(entry: Entry): void | Promise<void> {
    this.#entries.push(entry);
    return this.run();
  }

  /** Handles entries for as long as they may be. */
  run(): void | Promise<void> {
    if (this.#running) return; // demand that an entry causes is seen when that entry is over
    this.#running = true;
    return this.#go();
  }

  #go(): void | Promise<void> {
    while (!this.isEmpty && this.#isReady()) {
      const pending = this.#take()();
      if (pending instanceof Promise) return pending.then(() => this.#go());
    }
    this.#running = false;
  }

  #take(): Entry {
    const entry = this.#entries[this.#next++]!;
    if (this.isEmpty) {
      this.#entries = [];
      this.#next = 0;
    }
    return entry;
  }
}
