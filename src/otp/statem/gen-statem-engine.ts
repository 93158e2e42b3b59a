import type { From } from "../../runtime/index.ts";
import { equals, isTuple, Pid, type Term, type Tuple } from "../../term/index.ts";
import { Stop } from "../server/results.ts";
import type { InsertedEvent, StatemEvent, TimeoutType } from "./gen-statem-events.ts";
import {
  type Action,
  type Actions,
  Hibernate,
  KeepState,
  NextEvent,
  NextState,
  Postpone,
  postpone,
  RepeatState,
  ReplyAction,
  StopAndReply,
  Timeout,
} from "./gen-statem-results.ts";

/** What is to be done at once, in this order. */
export type Effect =
  | { readonly kind: "reply"; readonly from: From | Tuple; readonly value: unknown }
  /** To be followed by `timedOut(id)` after `time` milliseconds, or at that time of the clock. */
  | { readonly kind: "start_timer"; readonly id: number; readonly time: number; readonly abs: boolean }
  | { readonly kind: "cancel_timer"; readonly id: number }
  | Trace;

/** What happens, for those who watch. Only while `traced`. */
export type Trace =
  | { readonly kind: "in"; readonly event: StatemEvent; readonly state: unknown }
  | {
      readonly kind: "consume" | "postpone";
      readonly event: StatemEvent;
      readonly state: unknown;
      readonly next: unknown;
    }
  | { readonly kind: "timeout_set"; readonly timeout: Timeout; readonly state: unknown };

/** Why it cannot go on, in OTP's words. */
export type Fault =
  | "bad_return_from_state_function"
  | "bad_state_enter_return_from_state_function"
  | "bad_action_from_state_function"
  | "bad_state_enter_action_from_state_function"
  | "bad_reply_action_from_state_function";

/** What follows the effects. */
export type Next =
  /** The state's callback is to be run; what it gives goes to `returned`. */
  | { readonly kind: "callback"; readonly event: StatemEvent; readonly state: unknown }
  /** The next event from outside is awaited, for `receive` or `timedOut`. */
  | { readonly kind: "wait" }
  | { readonly kind: "stop"; readonly reason: unknown }
  /** The callback has given what it must not give. */
  | { readonly kind: "fault"; readonly fault: Fault; readonly given: unknown };

export interface Step {
  readonly effects: readonly Effect[];
  readonly next: Next;
}

/** A timeout that will be due; without an id it is due already, and handled once no event waits. */
interface Pending {
  readonly of: TimeoutType;
  readonly id: number | undefined;
  readonly content: unknown;
}

/** One event from its first callback to the transition, which comes after the last enter call. */
interface Transition {
  readonly event: StatemEvent;
  /** The state that will be. */
  state: unknown;
  /** True from the first enter call on. */
  entering: boolean;
  postpone: boolean;
  readonly inserted: InsertedEvent[];
  readonly timeouts: Timeout[];
}

const EVENT_TYPES: ReadonlySet<unknown> = new Set([
  "call",
  "cast",
  "info",
  "internal",
  "timeout",
  "state_timeout",
  "generic_timeout",
]);

/**
 * The rules of gen_statem(3) without processes, time or callbacks: events and results of callbacks go in, effects and the
 * next callback come out.
 *
 * ```mermaid
 * stateDiagram-v2
 *   wait --> callback: receive, timedOut
 *   callback --> callback: returned, with enter calls, inserted and postponed events, or timeouts of 0 to come
 *   callback --> wait: returned, and nothing is left
 *   callback --> stop: returned stop
 *   callback --> fault: returned what it must not
 * ```
 */
export class StatemEngine {
  /** True while somebody wants to be told of what happens. */
  traced = false;
  /** The state; changing it from outside is no change of state, as `sys:replace_state` is none. */
  state: unknown;
  readonly #stateEnter: boolean;
  /** Events that come before any from outside, the next one last. */
  readonly #queue: StatemEvent[] = [];
  /** Oldest first. */
  #postponed: StatemEvent[] = [];
  /** Of each type at most one; those that are due in the order in which they became due. */
  #timeouts: Pending[] = [];
  #transition: Transition;
  #effects: Effect[] = [];
  #lastId = 0;

  constructor(initial: unknown, options: { stateEnter: boolean }) {
    this.state = initial;
    this.#stateEnter = options.stateEnter;
    this.#transition = this.#begin({ type: "internal", content: "init_state" });
  }

  /** The event that is being handled, or was last. */
  get event(): StatemEvent {
    return this.#transition.event;
  }

  get postponed(): readonly StatemEvent[] {
    return this.#postponed;
  }

  /** The timeouts that are to come. */
  get timeouts(): readonly { readonly of: TimeoutType; readonly content: unknown }[] {
    return this.#timeouts;
  }

  /** Enters the initial state. */
  start(actions: Actions): Step {
    return this.#follow([...listOf(actions), postpone(false)], true);
  }

  /** An event from outside. Only while waiting. */
  receive(event: StatemEvent): Step {
    if (this.traced) this.#effects.push({ kind: "in", event, state: this.state });
    return this.#handle(event);
  }

  /** A timer fired. Undefined if it had been cancelled before. Only while waiting. */
  timedOut(id: number): Step | undefined {
    const due = this.#timeouts.find((timeout) => timeout.id === id);
    return due && this.#expire(due);
  }

  /** The callback that was asked for has given this. */
  returned(result: unknown): Step {
    const transition = this.#transition;
    if (result instanceof StopAndReply) return this.#stopAndReply(result);
    if (result instanceof Stop && result.reply.length === 0) return this.#end({ kind: "stop", reason: result.reason });
    if (result instanceof KeepState) return this.#follow(listOf(result.actions), false);
    if (result instanceof RepeatState) return this.#follow(listOf(result.actions), true);
    if (!(result instanceof NextState)) return this.#fault("bad_return_from_state_function", result);
    const changes = !same(result.state, transition.state);
    if (changes && transition.entering) return this.#fault("bad_state_enter_return_from_state_function", result);
    transition.state = result.state;
    return this.#follow(listOf(result.actions), changes);
  }

  #begin(event: StatemEvent): Transition {
    return { event, state: this.state, entering: false, postpone: false, inserted: [], timeouts: [] };
  }

  #handle(event: StatemEvent): Step {
    this.#transition = this.#begin(event);
    return this.#step({ kind: "callback", event, state: this.state });
  }

  /** Does the actions; then the enter call, if one is due, or the transition. */
  #follow(actions: readonly Action[], enter: boolean): Step {
    const transition = this.#transition;
    for (const action of actions) {
      const fault = this.#act(action);
      if (fault !== undefined) return this.#fault(fault, action);
    }
    if (!enter || !this.#stateEnter) return this.#transit();
    transition.entering = true;
    const event: StatemEvent = { type: "enter", content: this.state };
    return this.#step({ kind: "callback", event, state: transition.state });
  }

  #act(action: Action): Fault | undefined {
    const transition = this.#transition;
    if (action instanceof ReplyAction) return this.#reply(action) ? undefined : "bad_action_from_state_function";
    if (action instanceof Postpone) {
      if (action.on && transition.entering) return "bad_state_enter_action_from_state_function";
      transition.postpone = action.on;
      return undefined;
    }
    if (action instanceof NextEvent) {
      if (transition.entering) return "bad_state_enter_action_from_state_function";
      if (!isInsertable(action.event)) return "bad_action_from_state_function";
      transition.inserted.push(action.event);
      if (this.traced) this.#effects.push({ kind: "in", event: action.event, state: transition.state });
      return undefined;
    }
    if (action instanceof Timeout) {
      if (!isTime(action)) return "bad_action_from_state_function";
      transition.timeouts.push(action);
      return undefined;
    }
    return action instanceof Hibernate ? undefined : "bad_action_from_state_function";
  }

  /** False if there is nobody to reply to. */
  #reply({ from, value }: ReplyAction): boolean {
    if (!isFrom(from)) return false;
    this.#effects.push({ kind: "reply", from, value });
    return true;
  }

  #stopAndReply({ reason, replies }: StopAndReply): Step {
    for (const reply of listOf(replies)) {
      if (!(reply instanceof ReplyAction && this.#reply(reply))) {
        return this.#fault("bad_reply_action_from_state_function", reply);
      }
    }
    return this.#end({ kind: "stop", reason });
  }

  #transit(): Step {
    const { event, state, inserted, timeouts, ...asked } = this.#transition;
    if (asked.postpone) this.#postponed.push(event);
    if (this.traced) {
      this.#effects.push({ kind: asked.postpone ? "postpone" : "consume", event, state: this.state, next: state });
    }
    this.#cancel({ type: "timeout" });
    if (!same(state, this.state)) {
      this.#cancel({ type: "state_timeout" });
      this.#putFirst(this.#postponed);
      this.#postponed = [];
      this.state = state;
    }
    this.#putFirst(inserted);
    const last = timeouts.filter((timeout, i) => !timeouts.some((later, j) => j > i && sameType(later.of, timeout.of)));
    for (const timeout of last) this.#set(timeout);
    if (this.traced) this.#traceSet(last);
    return this.#goOn();
  }

  #putFirst(events: readonly StatemEvent[]): void {
    for (let i = events.length - 1; i >= 0; i--) this.#queue.push(events[i]!);
  }

  #set({ of, time, content, abs }: Timeout): void {
    if (time === "update") {
      const at = this.#timeouts.findIndex((pending) => sameType(pending.of, of));
      if (at < 0) this.#timeouts.push({ of, id: undefined, content });
      else this.#timeouts[at] = { ...this.#timeouts[at]!, content };
      return;
    }
    this.#cancel(of);
    if (time === "cancel" || time === Number.POSITIVE_INFINITY) return;
    const id = time === 0 ? undefined : ++this.#lastId;
    this.#timeouts.push({ of, id, content });
    if (id !== undefined) this.#effects.push({ kind: "start_timer", id, time, abs });
  }

  /** The last one first, as OTP does. */
  #traceSet(timeouts: readonly Timeout[]): void {
    for (const timeout of [...timeouts].reverse()) {
      if (Number.isFinite(timeout.time)) this.#effects.push({ kind: "timeout_set", timeout, state: this.state });
    }
  }

  #cancel(of: TimeoutType): void {
    const at = this.#timeouts.findIndex((timeout) => sameType(timeout.of, of));
    if (at < 0) return;
    const [{ id } = { id: undefined }] = this.#timeouts.splice(at, 1);
    if (id !== undefined) this.#effects.push({ kind: "cancel_timer", id });
  }

  #goOn(): Step {
    const event = this.#queue.pop();
    if (event !== undefined) return this.#handle(event);
    const due = this.#timeouts.find(({ id }) => id === undefined);
    return due === undefined ? this.#step({ kind: "wait" }) : this.#expire(due);
  }

  #expire(due: Pending): Step {
    this.#timeouts.splice(this.#timeouts.indexOf(due), 1);
    return this.receive({ ...due.of, content: due.content } as StatemEvent);
  }

  #fault(fault: Fault, given: unknown): Step {
    return this.#end({ kind: "fault", fault, given });
  }

  /** The state that was asked for last is the one in which it ends. */
  #end(next: Next): Step {
    this.state = this.#transition.state;
    return this.#step(next);
  }

  #step(next: Next): Step {
    const effects = this.#effects;
    this.#effects = [];
    return { effects, next };
  }
}

function listOf<T>(items: T | readonly T[]): readonly T[] {
  return Array.isArray(items) && !isTuple(items) ? items : [items as T];
}

/** Erlang's `=:=`. */
function same(a: unknown, b: unknown): boolean {
  return a === b || equals(a as Term, b as Term);
}

function sameType(a: TimeoutType, b: TimeoutType): boolean {
  if (a.type !== "generic_timeout" || b.type !== "generic_timeout") return a.type === b.type;
  return same(a.name, b.name);
}

function isFrom(from: unknown): from is Tuple {
  return isTuple(from) && from.length === 2 && from[0] instanceof Pid;
}

function isInsertable(event: InsertedEvent): boolean {
  return EVENT_TYPES.has(event.type) && (event.type !== "call" || isFrom(event.from));
}

function isTime({ time, abs }: Timeout): boolean {
  if (time === Number.POSITIVE_INFINITY || time === "cancel") return true;
  if (time === "update") return !abs;
  return Number.isInteger(time) && (abs || time >= 0);
}
