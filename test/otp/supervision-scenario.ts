import { SeededRandom } from "../../src/testing/index.ts";
import {
  type DynamicSpec,
  type EndReason,
  type LeafSpec,
  type Spec,
  type StartOutcome,
  type Step,
  type SupervisorSpec,
  TreeModel,
} from "./supervision-model.ts";

/** What is to be seen of one step. */
export interface Seen {
  /** Starts and stops, in their order, see {@link inOrder}. */
  readonly log: readonly string[];
  readonly reply: string | undefined;
  /** The workers that run afterwards, sorted; undefined once the supervisor at the top has ended. */
  readonly running: readonly number[] | undefined;
}

export interface Scenario {
  readonly seed: number;
  readonly tree: SupervisorSpec;
  readonly steps: readonly Step[];
  /** What the model says: first of the start, then of every step. */
  readonly expected: readonly Seen[];
}

const STEPS = 14;
const DEPTH = 3;
/** Children of a DynamicSupervisor have ids of their own, so that a log tells them. */
const FIRST_DYNAMIC_ID = 1_000;

/**
 * A random tree, and what is to happen to it: each step is possible in the state that the model is in then.
 *
 * `timed`: time passes between the steps; otherwise every restart counts for as long as the tree lives.
 */
export function scenario(seed: number, { timed }: { readonly timed: boolean }): Scenario {
  const maker = new Maker(seed, timed);
  const tree = maker.supervisor(1, { restart: "temporary", significant: false });
  const model = new TreeModel(tree);
  const expected = [seenOf(model, 0, undefined, undefined)];
  const steps: Step[] = [];
  while (steps.length < STEPS && model.top !== undefined) {
    const step = maker.step(model);
    if (step === undefined) continue;
    steps.push(step);
    const before = model.log.length;
    const reply = model.apply(step);
    expected.push(seenOf(model, before, reply, step));
  }
  return { seed, tree, steps, expected };
}

function seenOf(model: TreeModel, before: number, reply: string | undefined, step: Step | undefined): Seen {
  const running = model.top && model.leaves().sort((a, b) => a - b);
  return { log: inOrder(model.log.slice(before), step), reply, running };
}

/**
 * The log of one step without the orders that nothing says: those in which the children of a DynamicSupervisor stop, and in
 * which a supervisor that was killed is replaced while what was below it ends.
 */
export function inOrder(log: readonly string[], step: Step | undefined): string[] {
  if (step?.op === "kill_supervisor") {
    return [...log.filter((line) => !line.startsWith("stop")), ...log.filter((line) => line.startsWith("stop")).sort()];
  }
  const ordered: string[] = [];
  let together: string[] = [];
  for (const line of [...log, ""]) {
    const [what, id] = line.split(" ");
    if (what === "stop" && Number(id) >= FIRST_DYNAMIC_ID) together.push(line);
    else {
      ordered.push(...together.sort(), line);
      together = [];
    }
  }
  return ordered.slice(0, -1);
}

class Maker {
  readonly #random: SeededRandom;
  readonly #timed: boolean;
  #ids = 0;
  #dynamicIds = FIRST_DYNAMIC_ID;

  constructor(seed: number, timed: boolean) {
    this.#random = new SeededRandom(seed);
    this.#timed = timed;
  }

  supervisor(depth: number, { restart, significant }: Pick<SupervisorSpec, "restart" | "significant">): SupervisorSpec {
    const autoShutdown = this.#random.pick(["never", "never", "any_significant", "all_significant"] as const);
    const common = { id: this.#ids++, restart, significant, ...this.#intensity(), autoShutdown };
    const strategy = this.#random.pick(["one_for_one", "one_for_all", "rest_for_one"] as const);
    const children = Array.from({ length: 1 + this.#random.below(4) }, () => this.#child(depth + 1, autoShutdown));
    return { kind: "supervisor", strategy, children, ...common };
  }

  /** Undefined where chance asked for what cannot be done now. */
  step(model: TreeModel): Step | undefined {
    const leaves = model.leaves();
    const supervisors = model.supervisors();
    const { spec, children } = this.#random.pick(supervisors);
    const child = children.length > 0 ? this.#random.pick(children).spec : undefined;
    const dice = this.#random.below(20);
    if (dice < 9 && leaves.length > 0) {
      const reasons: EndReason[] = ["normal", "shutdown", "shutdown_tuple", "crash", "crash", "kill"];
      return { op: "end", id: this.#random.pick(leaves), reason: this.#random.pick(reasons) };
    }
    if (dice === 9) return { op: "kill_supervisor", id: spec.id };
    if (dice < 13) {
      const dynamic = spec.kind === "dynamic";
      const known = dynamic || this.#random.below(4) > 0 ? undefined : child?.id;
      const id = known ?? (dynamic ? this.#dynamicIds++ : this.#ids++);
      return { op: "start_child", supervisor: spec.id, child: this.#leaf(id, "never", 2) };
    }
    if (dice < 18 && spec.kind === "supervisor") {
      const op = this.#random.pick(["terminate_child", "restart_child", "delete_child"] as const);
      return { op, supervisor: spec.id, id: child && this.#random.below(10) > 0 ? child.id : 999 };
    }
    if (dice === 18 && spec.kind === "dynamic" && child) {
      return { op: "terminate_child", supervisor: spec.id, id: child.id };
    }
    return this.#timed ? { op: "elapse", ms: this.#random.pick([400, 1000, 1600, 3000]) } : undefined;
  }

  #child(depth: number, autoShutdown: SupervisorSpec["autoShutdown"]): Spec {
    const dice = this.#random.below(10);
    if (dice < 6) return this.#leaf(this.#ids++, autoShutdown);
    const common = this.#common(autoShutdown);
    if (depth <= DEPTH && dice < 9) return this.supervisor(depth, common);
    return { kind: "dynamic", id: this.#ids++, ...common, ...this.#intensity() } satisfies DynamicSpec;
  }

  /** One in `odds` of the first starts may go wrong: a tree of which many do is over soon. */
  #leaf(id: number, autoShutdown: SupervisorSpec["autoShutdown"], odds = 25): LeafSpec {
    const outcomes: StartOutcome[] = ["ok", "ok", "ok", "fail", "fail", "ignore", "crash"];
    const first: StartOutcome = this.#random.below(odds) > 0 ? "ok" : this.#random.pick(outcomes);
    const later = Array.from({ length: this.#random.below(5) }, () => this.#random.pick(outcomes));
    const starts = this.#random.below(3) > 0 ? [] : [first, ...later];
    return { kind: "leaf", id, ...this.#common(autoShutdown), brutal: this.#random.below(5) === 0, starts };
  }

  #common(autoShutdown: SupervisorSpec["autoShutdown"]): Pick<SupervisorSpec, "restart" | "significant"> {
    const restart = this.#random.pick(["permanent", "permanent", "transient", "temporary"] as const);
    const may = autoShutdown !== "never" && restart !== "permanent";
    return { restart, significant: may && this.#random.below(2) === 0 };
  }

  #intensity() {
    const maxRestarts = this.#random.pick([0, 1, 2, 3, 5, 8]);
    return { maxRestarts, maxSeconds: this.#timed ? 1 + this.#random.below(4) : 3_600 };
  }
}
