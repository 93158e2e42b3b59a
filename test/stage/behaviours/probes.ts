import { type CastResult, noReply, reply, stop } from "../../../src/otp/index.ts";
import {
  type CancelReason,
  Consumer,
  type ConsumerOptions,
  Producer,
  ProducerConsumer,
  type ProducerOptions,
  type Subscribe,
  type Subscription,
  type WireOptions,
  withOptions,
} from "../../../src/stage/index.ts";
import { atom, inspect, isTuple, type Term, tuple } from "../../../src/term/index.ts";
import { integers } from "../harness.ts";

/** How a stage of these tests behaves, where not in the usual way. */
export interface Behaviour<Out = Term> extends ProducerOptions<Out>, ConsumerOptions {
  /** Producers: how many events it has; it counts up from 0. Default 0: it emits what it is told to. */
  readonly count?: number;
  /** In place of noting events, and in a producer_consumer of emitting each twice. */
  readonly onEvents?: (events: number[], from: Subscription) => unknown;
  readonly onSubscribe?: (side: "producer" | "consumer") => unknown;
  readonly onCancel?: (reason: CancelReason) => unknown;
  readonly formatDiscarded?: (count: number) => boolean;
}

/** What the callbacks of a stage were given. */
class Notes {
  readonly demands: number[] = [];
  readonly batches: number[][] = [];
  readonly infos: Term[] = [];
  readonly subscriptions: Subscription[] = [];
  readonly options: WireOptions[] = [];
  /** As `{kind, Reason}`. */
  readonly cancels: string[] = [];
  readonly cancelled: Subscription[] = [];
  readonly terminated: string[] = [];
  /** All of it, in the order in which it came. */
  readonly order: string[] = [];

  note<T>(list: T[], what: string, value: T): void {
    list.push(value);
    this.order.push(`${what} ${typeof value === "string" ? value : inspect(value)}`);
  }

  subscribed(options: WireOptions, from: Subscription): void {
    this.options.push(options);
    this.note(this.subscriptions, "subscribed", from);
  }

  cancel({ kind, reason }: CancelReason, from: Subscription): void {
    this.cancelled.push(from);
    this.note(this.cancels, "cancel", inspect(tuple(atom(kind), reason as object)));
  }
}

/** What a stage may be told by call, cast and message: `{queue, Events}`, `{stop, Reason}`; the rest is noted. */
function act(request: Term, notes: Notes): CastResult<Term> {
  if (isTuple(request) && request.tag === "queue") return noReply({ events: request[1] as Term[] });
  if (isTuple(request) && request.tag === "stop") return stop(request[1]);
  notes.note(notes.infos, "info", request);
}

function answer(request: Term, notes: Notes) {
  const result = act(request, notes);
  if (result === undefined) return reply(atom("ok"));
  return result.kind === "stop" ? stop(result.reason, atom("ok")) : reply(atom("ok"), result.next);
}

/** A message that makes a stage emit these events. */
export const queue = (...events: unknown[]) => tuple(atom("queue"), events);

/** The options of a stage without what only these tests know. */
function optionsOf(given: Behaviour) {
  const { count: _c, onEvents: _e, onSubscribe: _s, onCancel: _x, formatDiscarded: _f, ...options } = given;
  return withOptions(options);
}

/** Counts up from 0 as far as it is asked. */
export class Counter extends Producer<Term> {
  readonly notes = new Notes();
  given: Behaviour = {};
  next = 0;
  static last: Counter;

  override init(given: Behaviour = {}) {
    Counter.last = this;
    this.given = given;
    return optionsOf(given);
  }

  handleDemand(demand: number): CastResult<Term> {
    this.notes.note(this.notes.demands, "demand", demand);
    const events = integers(this.next, Math.max(0, Math.min(demand, (this.given.count ?? 0) - this.next)));
    this.next += events.length;
    return noReply({ events });
  }

  override handleSubscribe(side: "consumer", options: WireOptions, from: Subscription) {
    this.notes.subscribed(options, from);
    return this.given.onSubscribe?.(side) as undefined;
  }

  override handleCancel(reason: CancelReason, from: Subscription) {
    this.notes.cancel(reason, from);
    return this.given.onCancel?.(reason) as CastResult<Term>;
  }

  override handleCall(request: Term) {
    return answer(request, this.notes);
  }

  override handleCast(request: Term) {
    return act(request, this.notes);
  }

  override handleInfo(message: Term) {
    return act(message, this.notes);
  }

  override formatDiscarded(count: number): boolean {
    return this.given.formatDiscarded?.(count) ?? true;
  }

  override terminate(reason: unknown) {
    this.notes.note(this.notes.terminated, "terminate", inspect(reason as Term));
  }
}

/** Emits each event twice. */
export class Doubler extends ProducerConsumer<number, Term> {
  readonly notes = new Notes();
  given: Behaviour = {};
  static last: Doubler;

  override init(given: Behaviour = {}) {
    Doubler.last = this;
    this.given = given;
    return optionsOf(given);
  }

  handleEvents(events: number[], from: Subscription): CastResult<Term> {
    this.notes.note(this.notes.batches, "events", events);
    if (this.given.onEvents !== undefined) return this.given.onEvents(events, from) as CastResult<Term>;
    return noReply({ events: events.flatMap((event) => [event, event]) });
  }

  override handleSubscribe(side: "producer" | "consumer", options: WireOptions, from: Subscription) {
    this.notes.subscribed(options, from);
    return this.given.onSubscribe?.(side) as undefined;
  }

  override handleCancel(reason: CancelReason, from: Subscription) {
    this.notes.cancel(reason, from);
    return this.given.onCancel?.(reason) as CastResult<Term>;
  }

  override handleCall(request: Term) {
    return answer(request, this.notes);
  }

  override handleCast(request: Term) {
    return act(request, this.notes);
  }

  override handleInfo(message: Term) {
    return act(message, this.notes);
  }

  override terminate(reason: unknown) {
    this.notes.note(this.notes.terminated, "terminate", inspect(reason as Term));
  }

  subscribe(options: Subscribe) {
    this.process.asyncSubscribe(options);
  }
}

/** Notes what it gets. */
export class Forwarder extends Consumer<number> {
  readonly notes = new Notes();
  given: Behaviour = {};
  static last: Forwarder;

  override init(given: Behaviour = {}) {
    Forwarder.last = this;
    this.given = given;
    return optionsOf(given);
  }

  handleEvents(events: number[], from: Subscription) {
    this.notes.note(this.notes.batches, "events", events);
    return this.given.onEvents?.(events, from) as CastResult;
  }

  override handleSubscribe(side: "producer", options: WireOptions, from: Subscription) {
    this.notes.subscribed(options, from);
    return this.given.onSubscribe?.(side) as undefined;
  }

  override handleCancel(reason: CancelReason, from: Subscription) {
    this.notes.cancel(reason, from);
    return this.given.onCancel?.(reason) as CastResult;
  }

  override handleCall(request: Term) {
    return answer(request, this.notes) as never;
  }

  override handleCast(request: Term) {
    return act(request, this.notes) as CastResult;
  }

  override handleInfo(message: Term) {
    return act(message, this.notes) as CastResult;
  }

  override terminate(reason: unknown) {
    this.notes.note(this.notes.terminated, "terminate", inspect(reason as Term));
  }

  subscribe(options: Subscribe) {
    this.process.asyncSubscribe(options);
  }

  ask(count: number, from = this.notes.subscriptions[0]!) {
    this.process.ask(from, count);
  }

  cancel(reason: unknown, from = this.notes.subscriptions[0]!) {
    this.process.cancel(from, reason);
  }
}
