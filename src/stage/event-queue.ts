/** Some events, and what is to be done when the loop has been through them. */
interface Part<E> {
  readonly events: readonly E[];
  readonly handled: () => void;
}

/** Events to be looped over as they come, by one loop. */
export class EventQueue<E> implements AsyncIterable<E> {
  readonly #parts: Part<E>[] = [];
  /** How far into the first part. */
  #at = 0;
  #ended = false;
  /** The loop, when it waits for an event. */
  #waiting: ((result: IteratorResult<E, undefined>) => void) | undefined;

  /** Adds events, 1 or more. `handled` is called when the loop comes back after the last of them. */
  put(events: readonly E[], handled: () => void): void {
    this.#parts.push({ events, handled });
    this.#feed();
  }

  /** No more will come. */
  end(): void {
    this.#ended = true;
    this.#feed();
  }

  [Symbol.asyncIterator](): AsyncIterator<E, undefined> {
    return {
      next: () =>
        new Promise((resolve) => {
          this.#waiting = resolve;
          this.#finishPart();
          this.#feed();
        }),
    };
  }

  #finishPart(): void {
    const part = this.#parts[0];
    if (part === undefined || this.#at < part.events.length) return;
    this.#parts.shift();
    this.#at = 0;
    part.handled();
  }

  #feed(): void {
    const waiting = this.#waiting;
    const part = this.#parts[0];
    if (waiting === undefined || (part === undefined && !this.#ended)) return;
    this.#waiting = undefined;
    waiting(part === undefined ? { done: true, value: undefined } : { done: false, value: part.events[this.#at++]! });
  }
}
