import type { Point } from "./settling.ts";

/** A point that is reached once as many events have been confirmed. */
interface Mark {
  readonly at: number;
  readonly point: Point;
}

/**
 * What one consumer has been sent and is not known to be done with. With confirmations the events themselves are kept, to be
 * sent to others when it is lost, and no more than a window of them; without, only their number is known, from how consumers ask.
 */
export class Ledger {
  readonly #kept: unknown[] | undefined;
  readonly #window: number;
  readonly #marks: Mark[] = [];
  #sent = 0;
  #asked = 0;
  /** Of what it asked for: what the dispatcher was told. */
  #granted = 0;
  /** Events that it is known to be done with. */
  #done = 0;

  /** `window`: the consumer says what it is done with, and is granted no more than so many events beyond that. */
  constructor(window?: number) {
    this.#kept = window === undefined ? undefined : [];
    this.#window = window ?? Number.POSITIVE_INFINITY;
  }

  get sent(): number {
    return this.#sent;
  }

  get asked(): number {
    return this.#asked;
  }

  /** Events sent that it may not be done with. */
  get unconfirmed(): number {
    return this.#sent - this.#done;
  }

  send(events: readonly unknown[]): void {
    this.#sent += events.length;
    if (this.#kept !== undefined) for (const event of events) this.#kept.push(event);
  }

  /** It asks; gives how many events it may get beyond those granted before. */
  ask(count: number): number {
    this.#asked += count;
    // Who does not confirm asks anew for what it is done with. What it asks for ahead it cannot be done with yet.
    if (this.#kept === undefined) this.#done = Math.min(this.#done + count, this.#sent);
    return this.#grant();
  }

  /** It is done with the first `count` of them; gives how many it may get now, having asked before. */
  confirm(count: number): number {
    this.#done += this.#kept?.splice(0, Math.max(0, count)).length ?? 0;
    while (this.#marks.length > 0 && this.#marks[0]!.at <= this.#done) this.#marks.shift()!.point.awaited--;
    return this.#grant();
  }

  #grant(): number {
    const granted = Math.min(this.#asked, this.#done + this.#window);
    const more = granted - this.#granted;
    this.#granted = granted;
    return more;
  }

  /** Has the point wait for what it was sent until now, if that is to be confirmed. */
  mark(point: Point): void {
    if (this.#kept === undefined || this.#kept.length === 0) return;
    point.awaited++;
    this.#marks.push({ at: this.#sent, point });
  }

  /** The events to be sent to others, none without confirmations; and the points that go behind them. */
  takeBack(): { readonly events: readonly unknown[]; readonly points: readonly Point[] } {
    return { events: this.#kept?.splice(0) ?? [], points: this.#marks.splice(0).map(({ point }) => point) };
  }
}
