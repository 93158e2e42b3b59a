import {
  type ChildSpec,
  child,
  DynamicSupervisor,
  GenServer,
  type InitResult,
  ignore,
  Supervisor,
  startServer,
  stop,
  supervise,
  superviseDynamically,
} from "../../src/otp/index.ts";
import { addChild } from "../../src/otp/supervisor/supervising-process.ts";
import { call, type ExitError, type ProcessCore, Reason } from "../../src/runtime/index.ts";
import { Atom, atom, isTuple, type Pid, type Term, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";
import type { EndReason, LeafSpec, Spec, Step } from "./supervision-model.ts";
import { inOrder, type Scenario, type Seen } from "./supervision-scenario.ts";

const REASONS: Record<EndReason, unknown> = {
  normal: Reason.normal,
  shutdown: Reason.shutdown,
  shutdown_tuple: tuple(Reason.shutdown, 1),
  crash: atom("crashed"),
  kill: Reason.killed,
};

/** Plays a scenario with our supervisors, under a simulated clock. */
export async function play({ tree, steps }: Scenario): Promise<Seen[]> {
  const real = new RealTree();
  const seen = [await real.start(tree)];
  for (const step of steps) seen.push(await real.take(step));
  return seen;
}

/** A tree of our supervisors whose children write to a log what happens to them. */
class RealTree {
  readonly #world = new World();
  readonly #log: string[] = [];
  readonly #pids = new Map<number, Pid>();
  readonly #starts = new Map<number, number>();
  #top: ProcessCore | undefined;

  async start(tree: Spec): Promise<Seen> {
    const started = startServer(this.#world.user, this.#supervisor(tree), {});
    const [outcome] = await Promise.allSettled([started, this.#world.settle()]);
    if (outcome.status === "fulfilled") this.#top = this.#world.runtime.find(outcome.value.pid);
    return this.#seen(0, undefined, undefined);
  }

  async take(step: Step): Promise<Seen> {
    const before = this.#log.length;
    const [reply] = await Promise.all([this.#do(step), this.#world.settle()]);
    return this.#seen(before, reply, step);
  }

  async #do(step: Step): Promise<string | undefined> {
    switch (step.op) {
      case "elapse":
        this.#world.clock.elapse(step.ms);
        return undefined;
      case "end":
        this.#core(step.id)?.exit(REASONS[step.reason]);
        return undefined;
      case "kill_supervisor":
        this.#core(step.id)?.exit(Reason.killed);
        return undefined;
      case "start_child": {
        const spec = this.#spec(step.child);
        return addChild(this.#world.user, this.#pids.get(step.supervisor)!, spec).then(
          (pid) => (pid === undefined ? "ignored" : "ok"),
          (error: unknown) => failureWord((error as ExitError).reason),
        );
      }
    }
    const supervisor = this.#pids.get(step.supervisor)!;
    const isDynamic = this.#core(step.supervisor)?.behaviour.label?.startsWith("Dynamic");
    const child = isDynamic ? this.#pids.get(step.id) : step.id;
    return replyWord(await call(this.#world.user, supervisor, tuple(atom(step.op), child as object)));
  }

  #seen(before: number, reply: string | undefined, step: Step | undefined): Seen {
    const leaves = [...this.#pids].filter(([, pid]) =>
      this.#world.runtime.find(pid)?.behaviour.label?.endsWith("Leaf"),
    );
    const running = this.#top?.alive ? leaves.map(([id]) => id).sort((a, b) => a - b) : undefined;
    if (running === undefined && leaves.length > 0) throw new Error("children have outlived the tree");
    return { log: inOrder(this.#log.slice(before), step), reply, running };
  }

  #core(id: number): ProcessCore | undefined {
    return this.#world.runtime.find(this.#pids.get(id)!);
  }

  #spec(spec: Spec): ChildSpec {
    const { id, restart, significant } = spec;
    const common = { id, restart, significant };
    if (spec.kind !== "leaf") return child(this.#supervisor(spec), common);
    return child(this.#leaf(spec), { ...common, ...(spec.brutal && { shutdown: "brutal_kill" }) });
  }

  #supervisor(spec: Spec): new () => Supervisor | DynamicSupervisor {
    const tree = this;
    if (spec.kind === "dynamic") {
      return class extends DynamicSupervisor {
        override init() {
          tree.#began("init", spec.id, this.process.pid);
          return superviseDynamically(spec);
        }
      };
    }
    if (spec.kind === "leaf") throw new Error("a worker is no supervisor");
    return class extends Supervisor {
      override init() {
        tree.#began("init", spec.id, this.process.pid);
        return supervise(
          spec.children.map((one) => tree.#spec(one)),
          spec,
        );
      }
    };
  }

  #leaf({ id, starts }: LeafSpec): new () => GenServer {
    const tree = this;
    return class Leaf extends GenServer {
      override init(): InitResult {
        const before = tree.#starts.get(id) ?? 0;
        tree.#starts.set(id, before + 1);
        const outcome = starts[before] ?? "ok";
        tree.#began(outcome, id, this.process.pid);
        this.process.trapExit = true;
        if (outcome === "ignore") return ignore();
        if (outcome === "fail") return stop(atom("no_luck"));
        if (outcome === "crash") throw new Error("no luck at all");
      }
      override terminate() {
        tree.#log.push(`stop ${id}`);
      }
    };
  }

  #began(what: string, id: number, pid: Pid): void {
    this.#pids.set(id, pid);
    this.#log.push(`${what} ${id}`);
  }
}

/** The word for what a supervisor replied. */
function replyWord(reply: Term): string {
  if (reply instanceof Atom) return reply.tag;
  const [tag, value] = isTuple(reply) ? (Array.from(reply) as Term[]) : [];
  if (tag === atom("ok")) return value === atom("undefined") ? "ignored" : "ok";
  return failureWord(value!);
}

const WORDS = ["already_started", "already_present", "not_found", "running", "restarting"];

function failureWord(reason: Term): string {
  const tag = isTuple(reason) ? reason[0] : reason;
  return tag instanceof Atom && WORDS.includes(tag.tag) ? tag.tag : "failed";
}
