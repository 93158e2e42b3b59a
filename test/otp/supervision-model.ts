/** What is known of a child to the model. */
export interface ModelSpec {
  readonly id: number;
  readonly restart: "permanent" | "transient" | "temporary";
  readonly significant: boolean;
}

export interface ModelRules {
  readonly strategy: "one_for_one" | "one_for_all" | "rest_for_one";
  readonly autoShutdown: "never" | "any_significant" | "all_significant";
  readonly maxRestarts: number;
  readonly maxSeconds: number;
}

/**
 * What supervisor(3) says that a supervisor does, written down as plainly as it can be, and apart from what it is compared
 * with: a list of who runs, changed in place, and a log of starts and stops.
 */
export class SupervisorModel {
  readonly log: string[] = [];
  ended = false;
  specs: ModelSpec[];
  readonly running = new Set<number>();
  readonly rules: ModelRules;
  #times: number[] = [];

  constructor(specs: readonly ModelSpec[], rules: ModelRules) {
    this.specs = [...specs];
    this.rules = rules;
    for (const { id } of specs) this.#start(id);
  }

  /** A running child ends by itself, at that time. */
  crash(id: number, orderly: boolean, atMs: number): void {
    const spec = this.specs.find((one) => one.id === id)!;
    this.running.delete(id);
    const comesBack = spec.restart === "permanent" || (spec.restart === "transient" && !orderly);
    if (!comesBack) {
      if (spec.restart === "temporary") this.specs = this.specs.filter((one) => one !== spec);
      if (this.#isTheEnd(spec)) this.end();
      return;
    }
    const second = Math.floor(atMs / 1000);
    this.#times.push(second);
    const recent = this.#times.filter((time) => second - time <= this.rules.maxSeconds).length;
    if (recent > this.rules.maxRestarts) return this.end();
    const place = this.specs.indexOf(spec);
    const { strategy } = this.rules;
    if (strategy === "one_for_one") return this.#start(id);
    const affected = strategy === "one_for_all" ? this.specs : this.specs.slice(place);
    for (const other of [...affected].reverse()) this.stop(other.id);
    this.specs = this.specs.filter((other) => !affected.includes(other) || other.restart !== "temporary");
    for (const other of affected) if (other.restart !== "temporary") this.#start(other.id);
  }

  /** All stop, the last first. */
  end(): void {
    for (const { id } of [...this.specs].reverse()) this.stop(id);
    this.ended = true;
  }

  stop(id: number): void {
    if (this.running.delete(id)) this.log.push(`stop ${id}`);
  }

  #start(id: number): void {
    this.running.add(id);
    this.log.push(`start ${id}`);
  }

  #isTheEnd(spec: ModelSpec): boolean {
    if (!spec.significant) return false;
    if (this.rules.autoShutdown === "any_significant") return true;
    const others = this.specs.filter((other) => other.significant && this.running.has(other.id));
    return this.rules.autoShutdown === "all_significant" && others.length === 0;
  }
}
