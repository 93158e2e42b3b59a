import { ArgumentError, type Clock, type Random, type Timer } from "../base/index.ts";

/** How long to wait before a node that was lost is connected to again. */
export interface ReconnectOptions {
  /** The wait after a loss; it doubles with each try that fails. Default 1,000. */
  readonly minDelayMs?: number;
  /** The longest wait. Default 30,000. */
  readonly maxDelayMs?: number;
  /** The part of a wait that is random, from 0 to 1, so that many nodes do not come back at once. Default 0.5. */
  readonly jitter?: number;
}

export interface KeeperOptions extends ReconnectOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Connects; every failure is told by {@link Keeper.down} as well. */
  readonly connect: (node: string) => Promise<void>;
}

interface Kept {
  failures: number;
  retry: Timer | undefined;
}

const DEFAULT_MIN_DELAY_MS = 1_000;
const DEFAULT_MAX_DELAY_MS = 30_000;
const DEFAULT_JITTER = 0.5;

/** Keeps connections to certain nodes: makes them at once, and again whenever they are lost or could not be made. */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #minDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #jitter: number;
  readonly #kept = new Map<string, Kept>();

  /** @throws ArgumentError `reconnect` for waits that cannot be. */
  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#minDelayMs = options.minDelayMs ?? DEFAULT_MIN_DELAY_MS;
    this.#maxDelayMs = options.maxDelayMs ?? DEFAULT_MAX_DELAY_MS;
    this.#jitter = options.jitter ?? DEFAULT_JITTER;
    if (!(this.#minDelayMs > 0 && this.#maxDelayMs >= this.#minDelayMs)) {
      throw new ArgumentError("reconnect", "minDelayMs has to be above 0 and at most maxDelayMs");
    }
    if (!(this.#jitter >= 0 && this.#jitter <= 1)) throw new ArgumentError("reconnect", "jitter has to be from 0 to 1");
  }

  /** Connects to a node and stays connected, until the function that is returned is called. The connection stays even then. */
  keep(node: string): () => void {
    if (!this.#kept.has(node)) {
      this.#connect(node);
      this.#kept.set(node, { failures: 0, retry: undefined });
    }
    return () => this.#forget(node);
  }

  /** A connection is up, whoever made it. */
  up(node: string): void {
    const kept = this.#kept.get(node);
    if (kept === undefined) return;
    kept.retry?.cancel();
    kept.retry = undefined;
    kept.failures = 0;
  }

  /** A connection is gone, or could not be made. */
  down(node: string): void {
    const kept = this.#kept.get(node);
    if (kept === undefined || kept.retry !== undefined) return;
    kept.retry = this.#options.clock.setTimer(this.#delayMs(kept.failures++), () => {
      kept.retry = undefined;
      this.#connect(node);
    });
  }

  /** Keeps nothing any more. */
  stop(): void {
    for (const node of [...this.#kept.keys()]) this.#forget(node);
  }

  #connect(node: string): void {
    this.#options.connect(node).catch(() => {}); // `down` is told too
  }

  #forget(node: string): void {
    this.#kept.get(node)?.retry?.cancel();
    this.#kept.delete(node);
  }

  #delayMs(failures: number): number {
    const whole = Math.min(this.#minDelayMs * 2 ** Math.min(failures, 30), this.#maxDelayMs);
    return whole * (1 - this.#jitter * (this.#options.random.u32() / 2 ** 32));
  }
}
