/** How long the parts of the run took. */
export class StopWatch {
  readonly seconds: Record<string, number> = {};
  #since = performance.now();

  lap(name: string): void {
    const now = performance.now();
    this.seconds[name] = Math.round((now - this.#since) / 1_000);
    this.#since = now;
  }

  toString(): string {
    const total = Object.values(this.seconds).reduce((sum, each) => sum + each, 0);
    const parts = Object.entries(this.seconds).map(([name, each]) => `${name} ${each}`);
    return `${total} s (${parts.join(", ")})`;
  }
}
