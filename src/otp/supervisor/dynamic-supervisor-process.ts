import { ArgumentError } from "../../base/index.ts";
import { Exit, ExitError, type From, type ProcessCore, Reason } from "../../runtime/index.ts";
import { atom, isTuple, Pid, type Term, type Tuple, tuple } from "../../term/index.ts";
import type { GenServerClass } from "../server/gen-server-process.ts";
import { exposedStart, type StartOutcome, startChild } from "./child-process.ts";
import { type CheckedSpec, type ChildSpec, checkSpec, readSpec } from "./child-spec.ts";
import { counts, pidTerm } from "./child-terms.ts";
import { addRestart, type Intensity } from "./restart-intensity.ts";
import type { DynamicOptions, Supervise } from "./supervise.ts";
import { readRequest, SupervisingProcess } from "./supervising-process.ts";
import { type Child, wantsRestart } from "./supervision.ts";
import { checkIntensity } from "./supervisor-rules.ts";

const OK = atom("ok");
const ERROR = atom("error");
const IGNORE = atom("ignore");
const NOT_FOUND = tuple(ERROR, atom("not_found"));
const RESTART = atom("$gen_restart");

/** Runs a dynamic supervisor in a process. Source: supervisor.md §2. */
export class DynamicSupervisorProcess extends SupervisingProcess {
  /** By the key of the pid; of one that is `restarting`, the pid that it had. */
  readonly #children = new Map<string, Child>();
  #intensity: Intensity = checkIntensity({});
  #restarts: readonly number[] = [];
  #maxChildren = Number.POSITIVE_INFINITY;
  #extraArguments: readonly unknown[] = [];

  constructor(core: ProcessCore, serverClass: GenServerClass, kind = "DynamicSupervisor") {
    super(core, serverClass, kind);
  }

  protected async launch({ options }: Supervise<DynamicOptions>): Promise<void> {
    const { maxChildren = Number.POSITIVE_INFINITY, extraArguments = [] } = options;
    if (!(maxChildren >= 0)) throw new ArgumentError("maxChildren", `must not be negative, got ${maxChildren}`);
    this.#intensity = checkIntensity(options);
    this.#maxChildren = maxChildren;
    this.#extraArguments = extraArguments;
  }

  protected answer(request: Term, from: From): unknown {
    const [name, argument] = readRequest(request);
    if (argument === undefined) {
      if (name === "which_children") return Array.from(this.#children.values(), childTerm);
      return name === "count_children" ? counts(this.#children.values()) : undefined;
    }
    if (name === "start_child") return this.#startChild(argument, from.pid.node);
    return name === "terminate_child" ? this.#terminateChild(argument) : undefined;
  }

  protected override info(message: Term): void | Promise<void> {
    if (!isTuple(message) || message[0] !== RESTART || !(message[1] instanceof Pid)) return super.info(message);
    const [, pid] = message;
    const child = this.#children.get(pid.key);
    if (child?.pid !== "restarting") return;
    return this.guarded(
      () => this.#restart(pid, child),
      () => {},
    );
  }

  protected childEnded(pid: Pid, reason: unknown): void | Promise<void> {
    const child = this.#children.get(pid.key);
    if (child === undefined) return;
    const { restart } = child.spec;
    if (restart === "permanent" || wantsRestart("transient", reason)) this.report("child_terminated", {}, reason);
    if (wantsRestart(restart, reason)) return this.#restart(pid, child);
    this.#forget(pid);
  }

  /** A child is gone for good; `pid` is the last one that it had. */
  protected childGone(_pid: Pid): void {}

  /** A child was started again. */
  protected childRestarted(_before: Pid, _now: Pid): void {}

  #forget(pid: Pid): void {
    this.#children.delete(pid.key);
    this.childGone(pid);
  }

  protected async addChild(spec: ChildSpec): Promise<Pid | undefined> {
    const outcome = await this.add(checkSpec(spec, "never"));
    if (outcome.kind === "failed") throw new ExitError("start", spec.id, outcome.reason);
    return outcome.kind === "started" ? outcome.pid : undefined;
  }

  /** All at once: what each takes to stop does not add up. */
  protected async stopChildren(): Promise<void> {
    const running = Array.from(this.#children.values()).filter(isRunning);
    this.#children.clear();
    await Promise.all(running.map((child) => this.stop(child)));
  }

  /** The struct of Elixir's DynamicSupervisor, as far as it has a meaning here. */
  protected override state(): Term {
    const { maxRestarts, maxSeconds } = this.#intensity;
    return {
      __struct__: atom("Elixir.DynamicSupervisor"),
      children: Array.from(this.#children.values(), childTerm) as Term[],
      dynamic: this.#children.size,
      extra_arguments: [...this.#extraArguments] as Term[],
      max_children: this.#maxChildren === Number.POSITIVE_INFINITY ? atom("infinity") : this.#maxChildren,
      max_restarts: maxRestarts,
      max_seconds: maxSeconds,
      restarts: [...this.#restarts],
      strategy: atom("one_for_one"),
    };
  }

  async #restart(pid: Pid, { spec }: Child): Promise<void> {
    const { restarts, exceeded } = addRestart(this.#restarts, this.core.runtime.clock.now(), this.#intensity);
    this.#restarts = restarts;
    if (exceeded) {
      this.#children.delete(pid.key);
      this.core.runtime.logger.error(`${this.label} ${this.core.pid} shuts down: reached_max_restart_intensity`);
      return this.end(Reason.shutdown);
    }
    const outcome = await startChild(this.core, spec.start);
    if (outcome.kind === "failed") {
      this.report("start_error", {}, outcome.reason);
      this.#children.set(pid.key, { spec, pid: "restarting" });
      return this.core.deliver(tuple(RESTART, pid));
    }
    if (outcome.kind === "ignored") return this.#forget(pid);
    this.#children.delete(pid.key);
    this.#children.set(outcome.pid.key, { spec, pid: outcome.pid });
    this.childRestarted(pid, outcome.pid);
  }

  async #startChild(term: Term, peer: string): Promise<unknown> {
    const spec = this.#readChild(term, peer);
    if (spec === undefined) return tuple(ERROR, tuple(atom("invalid_child_spec"), term as object));
    return this.startReply(spec);
  }

  /** Starts a child, and gives the reply that tells of it. */
  protected async startReply(spec: CheckedSpec): Promise<unknown> {
    const outcome = await this.add(spec);
    switch (outcome.kind) {
      case "started":
        return tuple(OK, outcome.pid, ...(outcome.info as object[]));
      case "ignored":
        return IGNORE;
      case "failed":
        return tuple(ERROR, outcome.reason as object);
    }
  }

  /** `{{M, F, A}, Restart, Shutdown, Type, Modules}`: the caller has checked it, which does not make it right. */
  #readChild(term: Term, peer: string): CheckedSpec | undefined {
    if (!isTuple(term) || term.length !== 5) return undefined;
    const withId = tuple(atom("undefined"), ...(Array.from(term) as object[])) as Term;
    try {
      return readSpec(withId, "never", (mfa) => exposedStart(this.core, peer, mfa, this.#extraArguments));
    } catch (problem) {
      if (problem instanceof Exit) return undefined;
      throw problem;
    }
  }

  /** Starts a child, and keeps it. */
  protected async add(spec: CheckedSpec): Promise<StartOutcome> {
    if (this.#children.size >= this.#maxChildren) {
      return { kind: "failed", reason: atom("max_children"), crashed: false };
    }
    const outcome = await startChild(this.core, spec.start);
    if (outcome.kind === "started") this.#children.set(outcome.pid.key, { spec, pid: outcome.pid });
    return outcome;
  }

  async #terminateChild(pid: Term): Promise<unknown> {
    const child = pid instanceof Pid ? this.#children.get(pid.key) : undefined;
    if (child === undefined) return NOT_FOUND;
    if (isRunning(child)) await this.stop(child);
    this.#forget(pid as Pid);
    return OK;
  }
}

function isRunning(child: Child): child is Child & { readonly pid: Pid } {
  return child.pid instanceof Pid;
}

function childTerm({ spec, pid }: Child): Tuple {
  return tuple(atom("undefined"), pidTerm(pid), atom(spec.type), spec.modules as object);
}
