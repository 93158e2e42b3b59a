/**
 * What one consumer has been sent and is not known to be done with. With confirmations the events themselves are kept, to be
 * sent to others when it is lost; without, only their number is known, from how consumers ask.
 */
export class Ledger {
  readonly #kept: unknown[] | undefined;
  #sent = 0;
  #asked = 0;
  #firstAsk: number | undefined;

  /** `confirms`: the consumer says what it is done with. */
  constructor(confirms: boolean) {
    this.#kept = confirms ? [] : undefined;
  }

  get sent(): number {
    return this.#sent;
  }

  get asked(): number {
    return this.#asked;
  }

  /** Events sent that it may not be done with. It asks anew for what it is done with, and the first ask was for nothing yet. */
  get unconfirmed(): number {
    return this.#kept?.length ?? Math.max(0, this.#sent - (this.#asked - (this.#firstAsk ?? 0)));
  }

  send(events: readonly unknown[]): void {
    this.#sent += events.length;
    if (this.#kept !== undefined) for (const event of events) this.#kept.push(event);
  }

  ask(count: number): void {
    this.#firstAsk ??= count;
    this.#asked += count;
  }

  /** The consumer is done with the first `count` of them. */
  confirm(count: number): void {
    this.#kept?.splice(0, Math.max(0, count));
  }

  /** The events to be sent to others; none without confirmations. */
  takeBack(): readonly unknown[] {
    return this.#kept?.splice(0) ?? [];
  }
}
