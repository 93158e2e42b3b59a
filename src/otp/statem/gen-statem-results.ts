import type { From } from "../../runtime/index.ts";
import type { Tuple } from "../../term/index.ts";
import type { Stop } from "../server/results.ts";
import type { InsertedEvent, TimeoutType } from "./gen-statem-events.ts";

/** What a state callback asks for beside the next state. Source: gen_statem(3), action(). */
export type Action = ReplyAction | Postpone | Hibernate | NextEvent | Timeout;

/** One action or several, done in their order. */
export type Actions = Action | readonly Action[];

/** What a state callback may result in. */
export type StateResult<S = unknown> = NextState<S> | KeepState | RepeatState | Stop | StopAndReply;

/** Made by {@link initialState}. */
export class InitialState<S = unknown> {
  readonly state: S;
  readonly actions: Actions;

  constructor(state: S, actions: Actions) {
    this.state = state;
    this.actions = actions;
  }
}

/** Made by {@link nextState}. */
export class NextState<S = unknown> {
  readonly kind = "next_state";
  readonly state: S;
  readonly actions: Actions;

  constructor(state: S, actions: Actions) {
    this.state = state;
    this.actions = actions;
  }
}

/** Made by {@link keepState}. */
export class KeepState {
  readonly kind = "keep_state";
  readonly actions: Actions;

  constructor(actions: Actions) {
    this.actions = actions;
  }
}

/** Made by {@link repeatState}. */
export class RepeatState {
  readonly kind = "repeat_state";
  readonly actions: Actions;

  constructor(actions: Actions) {
    this.actions = actions;
  }
}

/** Made by {@link stopAndReply}. */
export class StopAndReply {
  readonly kind = "stop_and_reply";
  readonly reason: unknown;
  readonly replies: ReplyAction | readonly ReplyAction[];

  constructor(reason: unknown, replies: ReplyAction | readonly ReplyAction[]) {
    this.reason = reason;
    this.replies = replies;
  }
}

/** Made by {@link replyTo}. */
export class ReplyAction {
  readonly kind = "reply";
  readonly from: From | Tuple;
  readonly value: unknown;

  constructor(from: From | Tuple, value: unknown) {
    this.from = from;
    this.value = value;
  }
}

/** Made by {@link postpone}. */
export class Postpone {
  readonly kind = "postpone";
  readonly on: boolean;

  constructor(on: boolean) {
    this.on = on;
  }
}

/** Made by {@link hibernate}. */
export class Hibernate {
  readonly kind = "hibernate";
}

/** Made by {@link nextEvent}. */
export class NextEvent {
  readonly kind = "next_event";
  readonly event: InsertedEvent;

  constructor(event: InsertedEvent) {
    this.event = event;
  }
}

/** When a timeout is due: milliseconds, `Infinity` or `"cancel"` for never, `"update"` for when it is due already. */
export type TimeoutTime = number | "cancel" | "update";

export interface TimeoutOptions {
  /** The time is one of the node's clock, not one from now. */
  readonly abs?: boolean;
}

/** Made by {@link eventTimeout}, {@link stateTimeout} and {@link genericTimeout}. */
export class Timeout {
  readonly kind = "timeout";
  readonly of: TimeoutType;
  readonly time: TimeoutTime;
  readonly content: unknown;
  readonly abs: boolean;

  constructor(of: TimeoutType, time: TimeoutTime, content: unknown, { abs = false }: TimeoutOptions = {}) {
    this.of = of;
    this.time = time;
    this.content = content;
    this.abs = abs;
  }
}

/** The result of `init`: start in that state. `{ok, State, Data, Actions}`; the data is the instance. */
export function initialState<const S>(state: S, actions: Actions = []): InitialState<S> {
  return new InitialState(state, actions);
}

/**
 * Go to that state. Another one than now is a change of state: postponed events are retried, the state timeout ends, and
 * with `state_enter` the new state is told. The same one is {@link keepState}. `{next_state, State, Data, Actions}`
 */
export function nextState<const S>(state: S, actions: Actions = []): NextState<S> {
  return new NextState(state, actions);
}

/** Stay in this state. `{keep_state, Data, Actions}` */
export function keepState(actions: Actions = []): KeepState {
  return new KeepState(actions);
}

/** Stay in this state and, with `state_enter`, enter it once more. It is no change of state. `{repeat_state, Data, Actions}` */
export function repeatState(actions: Actions = []): RepeatState {
  return new RepeatState(actions);
}

/** Answer those calls, and then end as with `stop(reason)`. `{stop_and_reply, Reason, Replies}` */
export function stopAndReply(reason: unknown, replies: ReplyAction | readonly ReplyAction[]): StopAndReply {
  return new StopAndReply(reason, replies);
}

/** Answer a call; `from` may have come here in a message. `{reply, From, Value}` */
export function replyTo(from: From | Tuple, value: unknown): ReplyAction {
  return new ReplyAction(from, value);
}

/** Handle this event again after the next change of state. `postpone(false)` takes that back. */
export function postpone(on = true): Postpone {
  return new Postpone(on);
}

/** Accepted, and without an effect: JavaScript collects its garbage by itself. */
export function hibernate(): Hibernate {
  return new Hibernate();
}

/**
 * Handle this event before any other that waits; several in the order of their actions. A whole event can be given, as one
 * that was received or a call with its `from`. `{next_event, Type, Content}`
 */
export function nextEvent(event: InsertedEvent): NextEvent;
export function nextEvent(
  type: "cast" | "info" | "internal" | "timeout" | "state_timeout",
  content: unknown,
): NextEvent;
export function nextEvent(what: InsertedEvent | string, content?: unknown): NextEvent {
  return new NextEvent(typeof what === "string" ? ({ type: what, content } as InsertedEvent) : what);
}

/**
 * An event `timeout` unless any other event comes first.
 *
 * With 0 it is handled before anything that has not been received yet. A later one of the same type takes the place of an
 * earlier one, `Infinity` and `"cancel"` end it, and `"update"` changes its content only; with none running that is one of 0.
 */
export function eventTimeout(time: TimeoutTime, content?: unknown, options?: TimeoutOptions): Timeout {
  return new Timeout({ type: "timeout" }, time, content, options);
}

/** An event `state_timeout` unless the state changes first. Times as for {@link eventTimeout}. */
export function stateTimeout(time: TimeoutTime, content?: unknown, options?: TimeoutOptions): Timeout {
  return new Timeout({ type: "state_timeout" }, time, content, options);
}

/** An event `generic_timeout` of that name, whatever happens first. Times as for {@link eventTimeout}. `{{timeout, Name}, ...}` */
export function genericTimeout(name: unknown, time: TimeoutTime, content?: unknown, options?: TimeoutOptions): Timeout {
  return new Timeout({ type: "generic_timeout", name }, time, content, options);
}
