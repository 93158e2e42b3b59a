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

export interface KeeperOptions {
  readonly reconnect: Required<ReconnectOptions>;
  readonly clock: Clock;
  readonly random: Random;
  /** Connects; every failure is told by {@link Keeper.down} as well. */
  readonly connect: (node: string) => Promise<void>;
}

interface Kept {
  failures: number;
  retry: Timer | undefined;
}

/** The waits with their defaults. Throws ArgumentError `reconnect` for those that cannot be. */
export function reconnectOf(options: ReconnectOptions = {}): Required<ReconnectOptions> {
  const { minDelayMs = 1_000, maxDelayMs = 30_000, jitter = 0.5 } = options;
  if (!(minDelayMs > 0 && maxDelayMs >= minDelayMs)) {
    throw new ArgumentError("reconnect", "minDelayMs has to be above 0 and at most maxDelayMs");
  }
  if (!(jitter >= 0 && jitter <= 1)) throw new ArgumentError("reconnect", "jitter has to be from 0 to 1");
  return { minDelayMs, maxDelayMs, jitter };
}

/** Keeps connections to certain nodes: makes them at once, and again whenever they are lost or could not be made. */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #kept = new Map<string, Kept>();

  constructor(options: KeeperOptions) {
    this.#options = options;
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
    const { reconnect, random } = this.#options;
    const whole = Math.min(reconnect.minDelayMs * 2 ** Math.min(failures, 30), reconnect.maxDelayMs);
    return whole * (1 - reconnect.jitter * (random.u32() / 2 ** 32));
  }
}
