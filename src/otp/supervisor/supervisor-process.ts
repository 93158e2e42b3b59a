import { Exit, ExitError, type From, type ProcessCore, Reason } from "../../runtime/index.ts";
import { type Atom, atom, mapOf, Pid, type Term, type Tuple, tuple } from "../../term/index.ts";
import type { GenServerClass } from "../server/gen-server-process.ts";
import { exposedStart, type StartOutcome, startChild } from "./child-process.ts";
import { type CheckedSpec, type ChildSpec, checkSpec, checkUnique, readSpec } from "./child-spec.ts";
import { childRecord, counts, pidTerm, specTerm } from "./child-terms.ts";
import type { Supervise, SuperviseOptions } from "./supervise.ts";
import { readRequest, SupervisingProcess } from "./supervising-process.ts";
import {
  added,
  type Child,
  dropped,
  findChild,
  type Rules,
  removed,
  type Step,
  type Supervision,
  step,
  wantsRestart,
} from "./supervision.ts";
import { checkRules } from "./supervisor-rules.ts";

const OK = atom("ok");
const ERROR = atom("error");
const UNDEFINED = atom("undefined");
const RETRY = "try_again_restart";

/** Runs a supervisor in a process: decisions are {@link step}'s, this does them. Source: supervisor.md. */
export class SupervisorProcess extends SupervisingProcess {
  #state: Supervision = { rules: checkRules({}), children: [], restarts: [] };

  constructor(core: ProcessCore, serverClass: GenServerClass) {
    super(core, serverClass, "Supervisor");
  }

  /** The process of a child, if it runs. */
  runningChild(id: Term): Pid | undefined {
    const pid = findChild(this.#state, id)?.pid;
    return pid instanceof Pid ? pid : undefined;
  }

  protected async launch({ children, options }: Supervise<SuperviseOptions>): Promise<void> {
    const rules = checkRules(options);
    for (const spec of startSpecs(children, rules)) {
      this.#state = added(this.#state, { spec, pid: undefined });
    }
    this.#state = { ...this.#state, rules };
    for (const { spec } of this.#state.children) {
      const outcome = await this.#start(spec);
      if (outcome.kind === "failed") {
        const failure = tuple(atom("failed_to_start_child"), spec.id as object, outcome.reason as object);
        throw new Exit(tuple(Reason.shutdown, failure));
      }
    }
  }

  protected answer(request: Term, from: From): unknown {
    const [name, argument] = readRequest(request);
    if (argument === undefined) {
      if (name === "which_children") return this.#state.children.map(childTerm).reverse();
      return name === "count_children" ? counts(this.#state.children) : undefined;
    }
    if (name === "start_child") return this.#startChild(argument, from.pid.node);
    const child = this.#find(argument, name === "get_childspec" || name === "which_child");
    switch (name) {
      case "get_childspec":
        return child === undefined ? error("not_found") : tuple(OK, specTerm(child.spec));
      case "which_child":
        return child === undefined ? error("not_found") : tuple(OK, childTerm(child));
      case "terminate_child":
        return child === undefined ? error("not_found") : this.#terminateChild(child);
      case "restart_child":
        return notRunning(child) ?? this.#restartChild(child!);
      case "delete_child":
        return notRunning(child) ?? this.#deleteChild(child!);
    }
    return undefined;
  }

  protected override cast(request: Term): void | Promise<void> {
    const [name, id] = readRequest(request);
    if (name !== RETRY || id === undefined) return super.cast(request);
    return this.guarded(
      () => this.#do(step(this.#state, { kind: "retry", id, nowMs: this.core.runtime.clock.now() })),
      () => {},
    );
  }

  protected childEnded(pid: Pid, reason: unknown): Promise<void> {
    const child = this.#find(pid, true);
    if (child !== undefined && (child.spec.restart === "permanent" || wantsRestart("transient", reason))) {
      this.report("child_terminated", child.spec, reason);
    }
    return this.#do(step(this.#state, { kind: "exited", pid, reason, nowMs: this.core.runtime.clock.now() }));
  }

  protected async addChild(spec: ChildSpec): Promise<Pid | undefined> {
    const [pid, failure] = await this.#add(checkSpec(spec, this.#state.rules.autoShutdown));
    if (failure !== undefined) throw new ExitError("start", spec.id, failure);
    return pid;
  }

  protected async stopChildren(): Promise<void> {
    for (const { spec, pid } of this.#state.children.toReversed())
      if (pid instanceof Pid) await this.stop({ spec, pid });
    this.#state = { ...this.#state, children: [] };
  }

  /** The record `state` of OTP's supervisor, as OTP 24 to 27 have it. */
  protected override state(): Term {
    const { rules, children, restarts } = this.#state;
    const ids = children.map(({ spec }) => spec.id).reverse();
    const records = mapOf(children.map(({ spec, pid }) => [spec.id, childRecord(spec, pidTerm(pid)) as Term] as const));
    const name = this.core.name === undefined ? this.core.pid : atom(this.core.name);
    return tuple(
      atom("state"),
      tuple(atom("local"), name),
      atom(rules.strategy),
      tuple(ids, records),
      UNDEFINED,
      rules.maxRestarts,
      rules.maxSeconds,
      [...restarts],
      0,
      atom(rules.autoShutdown),
      atom(this.server.constructor.name),
      [],
    ) as Term;
  }

  /** Does what was decided, in its order. A start that fails makes what was to follow it void. */
  async #do([effects, state]: Step): Promise<void> {
    this.#state = state;
    for (const effect of effects) {
      switch (effect.kind) {
        case "stop":
          await this.stop(effect);
          break;
        case "start": {
          const outcome = await this.#start(effect.spec);
          if (outcome.kind !== "failed") break;
          this.report("start_error", effect.spec, outcome.reason);
          return this.#do(step(this.#state, { kind: "failed", id: effect.spec.id }));
        }
        case "retry":
          this.core.deliver(tuple(atom("$gen_cast"), tuple(atom(RETRY), effect.id as object)));
          break;
        case "shutdown":
          this.core.runtime.logger.error(`${this.label} ${this.core.pid} shuts down: ${effect.because}`);
          return this.end(Reason.shutdown);
      }
    }
  }

  async #start(spec: CheckedSpec): Promise<StartOutcome> {
    const outcome = wrapped(await startChild(this.core, spec.start));
    if (outcome.kind !== "failed") {
      const pid = outcome.kind === "started" ? outcome.pid : undefined;
      [, this.#state] = step(this.#state, { kind: "started", id: spec.id, pid });
    }
    return outcome;
  }

  async #startChild(term: Term, peer: string): Promise<unknown> {
    try {
      const { autoShutdown } = this.#state.rules;
      const spec = readSpec(term, autoShutdown, (mfa) => exposedStart(this.core, peer, mfa));
      const [pid, failure, info] = await this.#add(spec);
      return failure === undefined ? tuple(OK, pidTerm(pid), ...(info as object[])) : tuple(ERROR, failure as object);
    } catch (problem) {
      if (problem instanceof Exit) return tuple(ERROR, problem.reason as object);
      throw problem;
    }
  }

  async #add(spec: CheckedSpec): Promise<[pid: Pid | undefined, failure: unknown, info: readonly unknown[]]> {
    const present = findChild(this.#state, spec.id)?.pid;
    if (present instanceof Pid) return [undefined, tuple(atom("already_started"), present), []];
    if (findChild(this.#state, spec.id) !== undefined) return [undefined, atom("already_present"), []];
    const outcome = wrapped(await startChild(this.core, spec.start));
    if (outcome.kind === "failed") {
      this.report("start_error", spec, outcome.reason);
      return [undefined, tuple(outcome.reason as object, childRecord(spec, UNDEFINED)), []];
    }
    const pid = outcome.kind === "started" ? outcome.pid : undefined;
    if (pid !== undefined || spec.restart !== "temporary") this.#state = added(this.#state, { spec, pid });
    return [pid, undefined, outcome.kind === "started" ? outcome.info : []];
  }

  async #terminateChild({ spec, pid }: Child): Promise<unknown> {
    if (pid instanceof Pid) await this.stop({ spec, pid });
    this.#state = dropped(this.#state, spec.id);
    return OK;
  }

  async #restartChild({ spec }: Child): Promise<unknown> {
    const outcome = await this.#start(spec);
    if (outcome.kind === "failed") return tuple(ERROR, outcome.reason as object);
    return outcome.kind === "ignored" ? tuple(OK, UNDEFINED) : tuple(OK, outcome.pid, ...(outcome.info as object[]));
  }

  #deleteChild({ spec }: Child): Atom {
    this.#state = removed(this.#state, spec.id);
    return OK;
  }

  #find(idOrPid: Term, byPid: boolean): Child | undefined {
    if (!byPid || !(idOrPid instanceof Pid)) return findChild(this.#state, idOrPid);
    return this.#state.children.find(({ pid }) => pid instanceof Pid && pid.key === idOrPid.key);
  }
}

/** @throws Exit as OTP's supervisor ends for child specs that are wrong. */
function startSpecs(children: readonly ChildSpec[], { autoShutdown }: Rules): CheckedSpec[] {
  try {
    const specs = children.map((spec) => checkSpec(spec, autoShutdown));
    checkUnique(specs);
    return specs;
  } catch (problem) {
    throw problem instanceof Exit ? new Exit(tuple(atom("start_spec"), problem.reason as object)) : problem;
  }
}

/** OTP's supervisor runs start functions in a `catch`: their crash is `{'EXIT', Reason}`. */
function wrapped(outcome: StartOutcome): StartOutcome {
  if (outcome.kind !== "failed" || !outcome.crashed) return outcome;
  return { ...outcome, reason: tuple(atom("EXIT"), outcome.reason as object) };
}

function childTerm({ spec, pid }: Child): Tuple {
  return tuple(spec.id as object, pidTerm(pid), atom(spec.type), spec.modules as object);
}

function notRunning(child: Child | undefined): Tuple | undefined {
  if (child === undefined) return error("not_found");
  if (child.pid === "restarting") return error("restarting");
  return child.pid === undefined ? undefined : error("running");
}

function error(reason: string): Tuple {
  return tuple(ERROR, atom(reason));
}
