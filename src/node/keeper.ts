import { type BackoffOptions, backoffMs, type Clock, type Random, type Timer } from "../base/index.ts";

export interface KeeperOptions {
  readonly reconnect: Required<BackoffOptions>;
  readonly clock: Clock;
  readonly random: Random;
  /** Connects; every failure is told by {@link Keeper.down} as well. */
  readonly connect: (node: string) => Promise<void>;
}

interface Kept {
  failures: number;
  retry: Timer | undefined;
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
    const { clock, random, reconnect } = this.#options;
    kept.retry = clock.setTimer(backoffMs(reconnect, kept.failures++, random), () => {
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
}
