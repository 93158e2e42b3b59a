import { noReply, reply, stop } from "../otp/index.ts";
import { Reason } from "../runtime/index.ts";
import { Producer } from "../stage/index.ts";
import { atom, tuple } from "../term/index.ts";

/** What a {@link LineProducer} is started with. */
export interface LineProducerArgs {
  readonly lines: AsyncIterator<Uint8Array, void, undefined>;
}

/**
 * A stage of the lines of an input: each is one event, a binary.
 *
 * It is one line ahead of what consumers have asked for, so that it sees the end of the input when the last line has been
 * taken, and not when somebody asks for more; `GenStage.from` reads nothing ahead. It ends with `normal` when all lines have
 * been sent.
 */
export class LineProducer extends Producer<Uint8Array> {
  #lines!: AsyncIterator<Uint8Array, void, undefined>;
  #ahead!: Promise<IteratorResult<Uint8Array, void>>;
  /** Events that were asked for and have not been read yet. */
  #wanted = 0;
  #isReading = false;
  /** Read, and about to be emitted. */
  #batch: Uint8Array[] = [];

  override init({ lines }: LineProducerArgs): void {
    this.#lines = lines;
    this.#readAhead();
  }

  handleDemand(demand: number): void {
    this.#wanted += demand;
    if (!this.#isReading) void this.#read();
  }

  /** A stray call or cast is no reason to lose lines that were read already. */
  override handleCall() {
    return reply(tuple(atom("error"), atom("bad_call")));
  }

  override handleCast(): void {}

  override handleInfo(): void {}

  #readAhead(): void {
    this.#ahead = this.#lines.next();
    this.#ahead.then(
      ({ done }) => {
        if (done) this.process.later(() => stop(Reason.normal), { afterEvents: true });
      },
      (error) => {
        this.process.later(() => {
          throw error;
        });
      },
    );
  }

  /** Reads what is wanted, without holding the mailbox; what comes in one turn of the event loop is emitted together. */
  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      while (this.#wanted > 0) {
        const line = await this.#ahead;
        if (line.done) return;
        this.#wanted--;
        if (this.#batch.push(line.value) === 1) this.process.later(() => noReply({ events: this.#takeBatch() }));
        this.#readAhead();
      }
    } catch {
      // The stage ends with it: see #readAhead.
    } finally {
      this.#isReading = false;
    }
  }

  #takeBatch(): Uint8Array[] {
    const batch = this.#batch;
    this.#batch = [];
    return batch;
  }
}
