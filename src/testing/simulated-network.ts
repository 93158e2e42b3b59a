import { ArgumentError, type Clock, type Transport } from "../base/index.ts";
import type { Path } from "./memory-stream.ts";
import { MemoryNetwork } from "./memory-transport.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** How fast the way from one host to another is. */
export interface LinkSpeed {
  /** Milliseconds that bytes are under way: always the same, or between two bounds. Within a stream order is kept. */
  readonly delayMs?: number | readonly [least: number, most: number];
  /** Bytes that get through per second, default no bound. */
  readonly bytesPerSecond?: number;
}

export interface SimulatedNetworkOptions {
  readonly clock: Clock;
  /** Where delays come from. */
  readonly random: SeededRandom;
  /** The speed of every link that has none of its own, default without delay. */
  readonly speed?: LinkSpeed | undefined;
  /** Longest piece given to `data` at once, default 64 KiB. */
  readonly maxChunkBytes?: number | undefined;
}

/**
 * A network between named hosts, with the faults that networks have. Streams behave as TCP's do: what is under way on
 * a link that is blocked waits, and arrives in its order once the link is free again, unless an end gave up meanwhile.
 */
export class SimulatedNetwork {
  readonly #options: SimulatedNetworkOptions;
  readonly #network: MemoryNetwork;
  readonly #lanes = new Map<string, Lane>();
  readonly #down = new Set<string>();

  constructor(options: SimulatedNetworkOptions) {
    const { clock, maxChunkBytes } = options;
    this.#options = options;
    this.#network = new MemoryNetwork({ clock, ...(maxChunkBytes !== undefined && { maxChunkBytes }) }, (from, to) =>
      this.#lane(from, to),
    );
  }

  /** Streams of which an end is still open. */
  get openStreams(): number {
    return this.#network.openStreams;
  }

  /** Places that listen. */
  get listeners(): number {
    return this.#network.listeners;
  }

  /** The network as seen from a host. To be reached from others it has to listen at its own name. */
  from(host: string): Transport {
    return this.#network.from(host);
  }

  /** Resets all streams between two hosts; both ends learn it at once. New ones can be made right away. */
  cut(one: string, other: string): void {
    this.#network.cut((a, b) => (a.host === one && b.host === other) || (a.host === other && b.host === one));
  }

  /** Lets nothing through from one host to another any more. The other way stays as it is. */
  block(from: string, to: string): void {
    this.#lane(from, to).isCut = true;
  }

  /** Ends every {@link block}; what waited arrives. */
  heal(): void {
    for (const lane of this.#lanes.values()) lane.isCut = false;
    this.#network.resume();
  }

  /** Changes how fast the way from one host to another is. What is under way already keeps its time. */
  setSpeed(from: string, to: string, speed: LinkSpeed): void {
    this.#lane(from, to).setSpeed(speed);
  }

  /** A host is gone with its streams, without a word to anybody: the others find out when they miss it. */
  crash(host: string): void {
    this.#down.add(host);
    this.#network.vanish(host);
  }

  /** A host is back, with nothing of what it had: ends of old streams are reset when they send something. */
  restart(host: string): void {
    this.#down.delete(host);
    this.#network.resume();
  }

  #lane(from: string, to: string): Lane {
    const key = `${from} ${to}`;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      const { clock, random, speed } = this.#options;
      lane = new Lane(clock, random, () => this.#down.has(from) || this.#down.has(to));
      lane.setSpeed(speed ?? {});
      this.#lanes.set(key, lane);
    }
    return lane;
  }
}

/** One direction between two hosts. */
class Lane implements Path {
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #isDown: () => boolean;
  #least = 0;
  #most = 0;
  #bytesPerMs = Number.POSITIVE_INFINITY;
  /** When the last byte that was sent will have left. */
  #busyUntil = 0;
  isCut = false;

  constructor(clock: Clock, random: SeededRandom, isDown: () => boolean) {
    this.#clock = clock;
    this.#random = random;
    this.#isDown = isDown;
  }

  setSpeed({ delayMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY }: LinkSpeed): void {
    const [least, most] = typeof delayMs === "number" ? [delayMs, delayMs] : delayMs;
    if (!(least >= 0 && most >= least)) throw new ArgumentError("delayMs", `no delay is ${least} to ${most} ms`);
    if (!(bytesPerSecond > 0)) throw new ArgumentError("bytesPerSecond", `must be above 0, got ${bytesPerSecond}`);
    this.#least = least;
    this.#most = most;
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  get blocked(): boolean {
    return this.isCut || this.#isDown();
  }

  arrival(bytes: number): number {
    this.#busyUntil = Math.max(this.#busyUntil, this.#clock.now()) + bytes / this.#bytesPerMs;
    return this.#busyUntil + this.#least + this.#random.below(this.#most - this.#least + 1);
  }
}
