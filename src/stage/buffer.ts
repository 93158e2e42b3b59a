/** Which events survive when a full buffer gets more: the newest, or those that are in it. */
export type BufferKeep = "last" | "first";

/** What {@link EventBuffer.put} had to let go. */
export interface Overflow {
  readonly discarded: number;
  /** Infos whose place in the order was lost with the events before them: they are due now. */
  readonly infos: readonly unknown[];
}

/** A run of events up to the next info. */
export interface Taken<Out> {
  readonly events: Out[];
  /** Due after these events. */
  readonly infos: readonly unknown[];
}

/** Infos waiting for all events before a position. */
interface Mark {
  readonly position: number;
  readonly infos: unknown[];
}

/** Room for taken events that may be kept before the rest is moved together. */
const MAX_SLACK = 1_024;

/**
 * A producer's events that nobody has asked for yet, in order, and between them the infos that are to be delivered in
 * their turn. Source: gen_stage.md §5.6.
 */
export class EventBuffer<Out> {
  readonly #capacity: number;
  readonly #keep: BufferKeep;
  #events: Out[] = [];
  /** Index in `#events` of the oldest event. */
  #head = 0;
  /** Events that were ever put, those discarded on arrival not counted: a place in the order. */
  #position = 0;
  readonly #marks: Mark[] = [];

  /** @param capacity - events, `Infinity` for no limit. */
  constructor(capacity: number, keep: BufferKeep) {
    this.#capacity = capacity;
    this.#keep = keep;
  }

  /** Events in it; infos are not counted. */
  get size(): number {
    return this.#events.length - this.#head;
  }

  /** Appends events, within the capacity. */
  put(events: readonly Out[]): Overflow {
    const room = this.#capacity - this.size;
    if (events.length <= room || this.#keep === "first") {
      const kept = Math.min(events.length, Math.max(room, 0));
      for (let i = 0; i < kept; i++) this.#events.push(events[i]!);
      this.#position += kept;
      return { discarded: events.length - kept, infos: [] };
    }
    for (const event of events) this.#events.push(event);
    this.#position += events.length;
    const discarded = events.length - room;
    this.#head += discarded;
    this.#compact();
    return { discarded, infos: this.#dueInfos() };
  }

  /** Puts events before all others, whatever the capacity: they had left before. So had the infos that are due after them. */
  putBack(events: readonly Out[], infos: readonly unknown[] = []): void {
    if (events.length === 0) return;
    this.#events = [...events, ...this.#events.slice(this.#head)];
    this.#head = 0;
    const position = this.#position - this.size + events.length;
    if (infos.length > 0) this.#marks.unshift({ position, infos: [...infos] });
  }

  /** Takes events, at most `count`, stopping where infos are attached. With nothing to take both lists are empty. */
  take(count: number): Taken<Out> {
    const oldest = this.#position - this.size;
    const toMark = (this.#marks[0]?.position ?? Number.POSITIVE_INFINITY) - oldest;
    const end = this.#head + Math.min(count, this.size, toMark);
    const events = this.#events.slice(this.#head, end);
    this.#head = end;
    this.#compact();
    return { events, infos: events.length === 0 ? [] : this.#dueInfos() };
  }

  /** Queues an info behind the events; false when there are none, so that it is due at once. */
  putInfo(info: unknown): boolean {
    if (this.size === 0) return false;
    const last = this.#marks.at(-1);
    if (last?.position === this.#position) last.infos.push(info);
    else this.#marks.push({ position: this.#position, infos: [info] });
    return true;
  }

  #dueInfos(): unknown[] {
    const oldest = this.#position - this.size;
    const due: unknown[] = [];
    while (this.#marks.length > 0 && this.#marks[0]!.position <= oldest) due.push(...this.#marks.shift()!.infos);
    return due;
  }

  #compact(): void {
    if (this.#head === this.#events.length) {
      this.#events = [];
      this.#head = 0;
    } else if (this.#head > MAX_SLACK && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
  }
}
