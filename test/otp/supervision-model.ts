/** What a start of a child comes to. */
export type StartOutcome = "ok" | "ignore" | "fail" | "crash";

interface Common {
  readonly id: number;
  readonly restart: "permanent" | "transient" | "temporary";
  readonly significant: boolean;
}

/** A worker. It says when it starts, and when it is told to stop; one that is to be killed outright cannot say the latter. */
export interface LeafSpec extends Common {
  readonly kind: "leaf";
  readonly brutal: boolean;
  /** What its starts come to, one after the other; all that follow go well. */
  readonly starts: readonly StartOutcome[];
}

interface Intensity {
  readonly maxRestarts: number;
  readonly maxSeconds: number;
}

export interface SupervisorSpec extends Common, Intensity {
  readonly kind: "supervisor";
  readonly strategy: "one_for_one" | "one_for_all" | "rest_for_one";
  readonly autoShutdown: "never" | "any_significant" | "all_significant";
  readonly children: readonly Spec[];
}

export interface DynamicSpec extends Common, Intensity {
  readonly kind: "dynamic";
}

export type Spec = LeafSpec | SupervisorSpec | DynamicSpec;

/** One thing that happens to a tree. */
export type Step =
  | { readonly op: "end"; readonly id: number; readonly reason: EndReason }
  | { readonly op: "kill_supervisor"; readonly id: number }
  | { readonly op: "start_child"; readonly supervisor: number; readonly child: LeafSpec }
  | {
      readonly op: "terminate_child" | "restart_child" | "delete_child";
      readonly supervisor: number;
      readonly id: number;
    }
  | { readonly op: "elapse"; readonly ms: number };

export type EndReason = "normal" | "shutdown" | "shutdown_tuple" | "crash" | "kill";

interface Child {
  readonly spec: Spec;
  /** The supervisor that runs, or true for a worker. */
  running: Running | true | undefined;
}

/** A supervisor that runs. */
interface Running {
  readonly spec: SupervisorSpec | DynamicSpec;
  readonly above: Running | undefined;
  children: Child[];
  restarts: number[];
}

/**
 * What supervisor(3) and Elixir's DynamicSupervisor say that trees of supervisors do, written down as plainly as it can be and
 * apart from what it is compared with: who runs is changed in place, starts and stops go to a log.
 */
export class TreeModel {
  readonly log: string[] = [];
  top: Running | undefined;
  #nowMs = 0;
  readonly #starts = new Map<number, number>();

  constructor(spec: SupervisorSpec) {
    const started = this.#start(spec, undefined);
    this.top = typeof started === "string" || started === true ? undefined : started;
  }

  /** Does it, and gives the word of the reply where there is one. */
  apply(step: Step): string | undefined {
    switch (step.op) {
      case "elapse":
        this.#nowMs += step.ms;
        return undefined;
      case "end": {
        const [above, child] = this.#find(step.id);
        child.running = undefined;
        this.#ended(above!, child, !["crash", "kill"].includes(step.reason));
        return undefined;
      }
      case "kill_supervisor": {
        const [above, child] = this.#find(step.id);
        this.#orphan(child.running as Running);
        child.running = undefined;
        if (above === undefined) this.top = undefined;
        else this.#ended(above, child, false);
        return undefined;
      }
      case "start_child":
        return this.#startChild(this.supervisor(step.supervisor), step.child);
    }
    const supervisor = this.supervisor(step.supervisor);
    const child = supervisor.children.find(({ spec }) => spec.id === step.id);
    if (child === undefined) return "not_found";
    if (step.op === "terminate_child") {
      this.#stop(child);
      if (child.spec.restart === "temporary" || supervisor.spec.kind === "dynamic") forget(supervisor, child);
      return "ok";
    }
    if (child.running !== undefined) return "running";
    if (step.op === "restart_child") return this.#startInto(supervisor, child);
    forget(supervisor, child);
    return "ok";
  }

  /** The workers that run. */
  leaves(): number[] {
    return this.#all().flatMap(({ spec, running }) => (running === true ? [spec.id] : []));
  }

  /** The supervisors that run, the top included. */
  supervisors(): Running[] {
    const inner = this.#all().flatMap(({ running }) => (typeof running === "object" ? [running] : []));
    return this.top === undefined ? [] : [this.top, ...inner];
  }

  supervisor(id: number): Running {
    return this.supervisors().find(({ spec }) => spec.id === id)!;
  }

  #start(spec: Spec, above: Running | undefined): Running | true | "ignore" | "fail" {
    if (spec.kind === "leaf") {
      const before = this.#starts.get(spec.id) ?? 0;
      this.#starts.set(spec.id, before + 1);
      const outcome = spec.starts[before] ?? "ok";
      this.log.push(`${outcome} ${spec.id}`);
      return outcome === "ok" ? true : outcome === "ignore" ? "ignore" : "fail";
    }
    this.log.push(`init ${spec.id}`);
    const supervisor: Running = { spec, above, children: [], restarts: [] };
    if (spec.kind === "dynamic") return supervisor;
    supervisor.children = spec.children.map((child) => ({ spec: child, running: undefined }));
    for (const child of [...supervisor.children]) {
      if (this.#startInto(supervisor, child) !== "failed") continue;
      this.#stopAll(supervisor);
      return "fail";
    }
    return supervisor;
  }

  #startInto(supervisor: Running, child: Child): "ok" | "ignored" | "failed" {
    const started = this.#start(child.spec, supervisor);
    if (started === "fail") return "failed";
    if (started !== "ignore") child.running = started;
    else if (child.spec.restart === "temporary") forget(supervisor, child);
    return started === "ignore" ? "ignored" : "ok";
  }

  #startChild(supervisor: Running, spec: LeafSpec): string {
    const known = supervisor.children.find((child) => child.spec.id === spec.id);
    if (known !== undefined) return known.running ? "already_started" : "already_present";
    const child: Child = { spec, running: undefined };
    supervisor.children.push(child);
    const outcome = this.#startInto(supervisor, child);
    if (outcome === "failed" || (outcome === "ignored" && supervisor.spec.kind === "dynamic"))
      forget(supervisor, child);
    return outcome;
  }

  /** A child has ended by itself. */
  #ended(supervisor: Running, child: Child, orderly: boolean): void {
    const { spec } = supervisor;
    const { restart, significant } = child.spec;
    if (restart === "permanent" || (restart === "transient" && !orderly)) return this.#restart(supervisor, child);
    if (restart === "temporary" || spec.kind === "dynamic") forget(supervisor, child);
    if (spec.kind === "dynamic" || !significant || spec.autoShutdown === "never") return;
    const others = supervisor.children.some((other) => other.spec.significant && other.running !== undefined);
    if (spec.autoShutdown === "any_significant" || !others) this.#end(supervisor);
  }

  /** Also for a restart that has failed: it is tried again at once, and counts again. */
  #restart(supervisor: Running, child: Child): void {
    const { spec } = supervisor;
    const second = Math.floor(this.#nowMs / 1000); // OTP keeps the times of restarts in whole seconds
    supervisor.restarts.push(second);
    if (supervisor.restarts.filter((time) => second - time <= spec.maxSeconds).length > spec.maxRestarts) {
      return this.#end(supervisor);
    }
    const from = supervisor.children.indexOf(child);
    const strategy = spec.kind === "dynamic" ? "one_for_one" : spec.strategy;
    const affected = {
      one_for_one: [child],
      one_for_all: [...supervisor.children],
      rest_for_one: supervisor.children.slice(from),
    }[strategy];
    for (const other of affected.toReversed()) this.#stop(other);
    for (const other of affected) if (other.spec.restart === "temporary") forget(supervisor, other);
    for (const other of affected) {
      if (other.spec.restart === "temporary") continue;
      const outcome = this.#startInto(supervisor, other);
      if (outcome === "failed") return this.#restart(supervisor, other);
      if (outcome === "ignored" && spec.kind === "dynamic") forget(supervisor, other);
    }
  }

  /** A supervisor gives up, which the one above takes for an orderly end. */
  #end(supervisor: Running): void {
    this.#stopAll(supervisor);
    const { above } = supervisor;
    if (above === undefined) {
      this.top = undefined;
      return;
    }
    const child = above.children.find(({ running }) => running === supervisor)!;
    child.running = undefined;
    this.#ended(above, child, true);
  }

  #stopAll(supervisor: Running): void {
    for (const child of supervisor.children.toReversed()) this.#stop(child);
  }

  #stop(child: Child, brutal = child.spec.kind === "leaf" && child.spec.brutal): void {
    const { spec, running } = child;
    if (running === undefined) return;
    child.running = undefined;
    if (running !== true) this.#stopAll(running);
    else if (!brutal) this.log.push(`stop ${spec.id}`);
  }

  /** The children of a supervisor that is no more end by themselves, all at the same time. */
  #orphan(supervisor: Running): void {
    for (const child of supervisor.children) this.#stop(child, false);
  }

  #all(supervisor = this.top): Child[] {
    if (supervisor === undefined) return [];
    return supervisor.children.flatMap((child) => [
      child,
      ...(typeof child.running === "object" ? this.#all(child.running) : []),
    ]);
  }

  #find(id: number): [above: Running | undefined, child: Child] {
    if (this.top?.spec.id === id) return [undefined, { spec: this.top.spec, running: this.top }];
    for (const supervisor of this.supervisors()) {
      const child = supervisor.children.find(({ spec, running }) => spec.id === id && running !== undefined);
      if (child !== undefined) return [supervisor, child];
    }
    throw new Error(`nothing runs as ${id}`);
  }
}

function forget(supervisor: Running, child: Child): void {
  supervisor.children = supervisor.children.filter((other) => other !== child);
}
