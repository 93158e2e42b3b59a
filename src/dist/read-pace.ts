import type { ByteStream, Clock } from "../base/index.ts";

/** More packets than this in one chunk, all of them small and none of them answered, are a flood. */
const FLOOD_PACKETS = 24;
const SMALL_PACKET_BYTES = 512;

/** Bytes of a flood gather for so long before they are read. */
const GATHER_MS = 1;

/** What a chunk was. */
export interface Chunk {
  readonly bytes: number;
  readonly packets: number;
  /** Something was sent meanwhile. */
  readonly answered: boolean;
  /** What it led to has been handled. */
  readonly settled: boolean;
}

/**
 * When a connection reads on: at once, but for two cases. Once messages come faster than they are handled, what has come is handled
 * first. And a flood is read in larger pieces than the peer writes it in: both sides spend most of the time on the pieces
 * else, since each wakes the other.
 */
export class ReadPace {
  readonly #clock: Clock;
  readonly #stream: ByteStream;
  #paused = false;

  constructor(clock: Clock, stream: ByteStream) {
    this.#clock = clock;
    this.#stream = stream;
  }

  /** A chunk was read. */
  after({ bytes, packets, answered, settled }: Chunk): void {
    if (this.#paused) return;
    const isFlood = packets > FLOOD_PACKETS && bytes < packets * SMALL_PACKET_BYTES && !answered;
    if (settled && !isFlood) return;
    this.#paused = true;
    this.#stream.pause();
    if (isFlood) this.#clock.setTimer(GATHER_MS, this.#resume);
    else this.#clock.defer(this.#resume);
  }

  readonly #resume = (): void => {
    this.#paused = false;
    this.#stream.resume();
  };
}
