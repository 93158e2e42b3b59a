import { isOrderly } from "../../runtime/index.ts";
import { Pid, type Term, termKey } from "../../term/index.ts";
import type { AutoShutdown, CheckedSpec, RestartType } from "./child-spec.ts";
import { addRestart, type Intensity } from "./restart-intensity.ts";

export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one";

export interface Rules extends Intensity {
  readonly strategy: Strategy;
  readonly autoShutdown: AutoShutdown;
}

/** A child and its process: none while it is not running, `restarting` while its restart has failed and is tried again. */
export interface Child {
  readonly spec: CheckedSpec;
  readonly pid: Pid | "restarting" | undefined;
}

/** All that a supervisor's decisions depend on. Children stand in the order of their start. */
export interface Supervision {
  readonly rules: Rules;
  readonly children: readonly Child[];
  readonly restarts: readonly number[];
}

export type SupervisionEvent =
  /** A process has ended, maybe a child. */
  | { readonly kind: "exited"; readonly pid: Pid; readonly reason: unknown; readonly nowMs: number }
  /** It is time to try again to restart a child. */
  | { readonly kind: "retry"; readonly id: Term; readonly nowMs: number }
  /** An effect `start` was done; without a pid when the start function said `ignore`. */
  | { readonly kind: "started"; readonly id: Term; readonly pid: Pid | undefined }
  /** An effect `start` of a restart has failed. What was to be done after it is void. */
  | { readonly kind: "failed"; readonly id: Term };

export type SupervisionEffect =
  | { readonly kind: "stop"; readonly spec: CheckedSpec; readonly pid: Pid }
  | { readonly kind: "start"; readonly spec: CheckedSpec }
  /** Come back with `retry`, behind what else waits. */
  | { readonly kind: "retry"; readonly id: Term }
  /** The supervisor ends with `shutdown`. */
  | { readonly kind: "shutdown"; readonly because: "reached_max_restart_intensity" | "auto_shutdown" };

/** What to do, in this order, and the state as it is when that has been done but for what starts tell of themselves. */
export type Step = readonly [effects: readonly SupervisionEffect[], state: Supervision];

/** The decisions of OTP's supervisor. Source: supervisor(3); what happens in which order is its implementation's. */
export function step(state: Supervision, event: SupervisionEvent): Step {
  switch (event.kind) {
    case "exited": {
      const child = state.children.find(({ pid }) => pid instanceof Pid && pid.key === event.pid.key);
      return child === undefined ? [[], state] : exited(state, child, event.reason, event.nowMs);
    }
    case "retry": {
      const child = findChild(state, event.id);
      return child?.pid === "restarting" ? restart(state, child, event.nowMs) : [[], state];
    }
    case "started":
      return [[], event.pid === undefined ? dropped(state, event.id) : withPid(state, event.id, event.pid)];
    case "failed":
      return [[{ kind: "retry", id: event.id }], withPid(state, event.id, "restarting")];
  }
}

/** Whether a child that has ended by itself is to run again. */
export function wantsRestart(type: RestartType, reason: unknown): boolean {
  return type === "permanent" || (type === "transient" && !isOrderly(reason));
}

export function findChild(state: Supervision, id: Term): Child | undefined {
  const key = termKey(id);
  return state.children.find(({ spec }) => termKey(spec.id) === key);
}

/** With a child more, at the end. */
export function added(state: Supervision, child: Child): Supervision {
  return { ...state, children: [...state.children, child] };
}

/** With that child not running; without it when it is temporary. */
export function dropped(state: Supervision, id: Term): Supervision {
  return findChild(state, id)?.spec.restart === "temporary" ? removed(state, id) : withPid(state, id, undefined);
}

/** Without that child. */
export function removed(state: Supervision, id: Term): Supervision {
  const child = findChild(state, id);
  return { ...state, children: state.children.filter((other) => other !== child) };
}

function exited(state: Supervision, child: Child, reason: unknown, nowMs: number): Step {
  const { spec } = child;
  if (wantsRestart(spec.restart, reason)) return restart(state, child, nowMs);
  const left = dropped(state, spec.id);
  return [endsWith(left, spec) ? [{ kind: "shutdown", because: "auto_shutdown" }] : [], left];
}

/** Whether the end of this child, for good, is that of the supervisor. */
function endsWith({ rules, children }: Supervision, { significant }: CheckedSpec): boolean {
  if (!significant || rules.autoShutdown === "never") return false;
  if (rules.autoShutdown === "any_significant") return true;
  return !children.some(({ spec, pid }) => spec.significant && pid !== undefined);
}

function restart(state: Supervision, child: Child, nowMs: number): Step {
  const { id } = child.spec;
  const { restarts, exceeded } = addRestart(state.restarts, nowMs, state.rules);
  const ended = dropped({ ...state, restarts }, id);
  if (exceeded) return [[{ kind: "shutdown", because: "reached_max_restart_intensity" }], ended];
  const at = ended.children.findIndex(({ spec }) => spec === child.spec);
  const first = state.rules.strategy === "one_for_all" ? 0 : at;
  const last = state.rules.strategy === "one_for_one" ? at : ended.children.length - 1;
  return restartRange(ended, first, last);
}

/** Stops those between two places, the last first, and starts them again. Temporary ones do not come back. */
function restartRange(state: Supervision, first: number, last: number): Step {
  const { children } = state;
  const range = children.slice(first, last + 1);
  const stops = range
    .toReversed()
    .flatMap(({ spec, pid }) => (pid instanceof Pid ? [{ kind: "stop" as const, spec, pid }] : []));
  const again = range.filter(({ spec }) => spec.restart !== "temporary").map(({ spec }) => ({ spec, pid: undefined }));
  const starts = again.map(({ spec }) => ({ kind: "start" as const, spec }));
  return [
    [...stops, ...starts],
    { ...state, children: [...children.slice(0, first), ...again, ...children.slice(last + 1)] },
  ];
}

function withPid(state: Supervision, id: Term, pid: Child["pid"]): Supervision {
  const child = findChild(state, id);
  return {
    ...state,
    children: state.children.map((other) => (other === child ? { spec: other.spec, pid } : other)),
  };
}
