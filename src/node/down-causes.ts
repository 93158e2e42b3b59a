/** How the latest connection to a node ended. */
export interface DownCause {
  readonly reason: string;
  readonly error: Error | undefined;
}

/** Lost nodes of which it is known why. */
const MAX_DOWN_CAUSES = 1_000;

/** Why there is no connection to a node. Names come from peers too, even from those that prove nothing, so only the latest are kept. */
export class DownCauses {
  readonly #causes = new Map<string, DownCause>();

  get(node: string): DownCause | undefined {
    return this.#causes.get(node);
  }

  remember(node: string, cause: DownCause): void {
    this.#causes.delete(node);
    this.#causes.set(node, cause);
    const [oldest] = this.#causes.keys();
    if (oldest !== undefined && this.#causes.size > MAX_DOWN_CAUSES) this.#causes.delete(oldest);
  }

  forget(node: string): void {
    this.#causes.delete(node);
  }
}
