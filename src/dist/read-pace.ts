import type { ByteStream, Clock, Timer } from "../base/index.ts";

/** More messages than this in one chunk, all of them small and none of them answered, are a flood. */
const FLOOD_MESSAGES = 24;
const SMALL_MESSAGE_BYTES = 512;

/** Bytes of a flood gather for so long before they are read. */
const GATHER_MS = 1;

/** So many messages are handled in a round of the event loop. */
const PACKETS_PER_ROUND = 2_000;

/** What a chunk was. */
export interface Chunk {
  readonly bytes: number;
  readonly packets: number;
  /** Those of the packets that are messages to processes. */
  readonly messages: number;
  /** Something was sent meanwhile. */
  readonly answered: boolean;
  /** What it led to has been handled. */
  readonly settled: boolean;
}

/**
 * When a connection reads on: at once, but for two cases. Once messages come faster than they are handled, what has come gets
 * the rounds of the event loop that it takes. And a flood is read in larger pieces than the peer writes it in: else each
 * side wakes the other for every piece, which takes most of the time of both.
 */
export class ReadPace {
  readonly #clock: Clock;
  readonly #stream: ByteStream;
  #paused = false;
  #rounds = 0;
  #gathering: Timer | undefined;

  constructor(clock: Clock, stream: ByteStream) {
    this.#clock = clock;
    this.#stream = stream;
  }

  /** A chunk was read. */
  after({ bytes, packets, messages, answered, settled }: Chunk): void {
    if (this.#paused) return;
    const isFlood = messages > FLOOD_MESSAGES && bytes < messages * SMALL_MESSAGE_BYTES && !answered;
    if (settled && !isFlood) return;
    this.#paused = true;
    this.#stream.pause();
    if (settled) {
      this.#gathering = this.#clock.setTimer(GATHER_MS, () => this.#resume());
    } else {
      this.#rounds = Math.ceil(packets / PACKETS_PER_ROUND);
      this.#clock.defer(this.#round);
    }
  }

  /** Nothing is read any more. */
  stop(): void {
    this.#gathering?.cancel();
  }

  readonly #round = (): void => {
    this.#rounds--;
    if (this.#rounds > 0) this.#clock.defer(this.#round);
    else this.#resume();
  };

  #resume(): void {
    this.#paused = false;
    this.#stream.resume();
  }
}
