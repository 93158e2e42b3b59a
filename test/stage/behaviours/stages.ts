import { type CastResult, noReply, reply, stop } from "../../../src/otp/index.ts";
import type { ProcessCore } from "../../../src/runtime/index.ts";
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
import {
  askMessage,
  cancelledMessage,
  cancelMessage,
  eventsMessage,
  subscribeMessage,
} from "../../../src/stage/messages.ts";
import { atom, inspect, isTuple, type Pid, type Ref, type Term, tuple } from "../../../src/term/index.ts";
import { integers, TestNode } from "../harness.ts";

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

/** Stages on one node, and what can be done with them from outside. */
export class Stages {
  readonly node: TestNode;

  constructor(node = new TestNode()) {
    this.node = node;
  }

  producer(given: Behaviour = {}, name?: string) {
    return this.#start(Counter, given, name);
  }

  producerConsumer(given: Behaviour = {}, name?: string) {
    return this.#start(Doubler, given, name);
  }

  consumer(given: Behaviour = {}, name?: string) {
    return this.#start(Forwarder, given, name);
  }

  /** A consumer of one producer. */
  consumerOf(to: Subscribe["to"], options: Omit<Subscribe, "to"> = {}, given: Behaviour = {}) {
    return this.consumer({ ...given, subscribeTo: [{ to, ...options }] });
  }

  async #start<S extends Counter | Doubler | Forwarder>(
    stage: (new () => S) & { last: S },
    given: Behaviour,
    name?: string,
  ) {
    const { pid } = await this.node.start(stage, { args: given, ...(name !== undefined && { name }) });
    const { last } = stage;
    const reasons = this.ends(pid);
    return { pid, stage: last, notes: last.notes, reasons };
  }

  /** The reason for which a process ends, as text, once it has. */
  ends(pid: Pid): string[] {
    const reasons: string[] = [];
    this.node.core.monitor(pid, (reason) => reasons.push(inspect(reason as Term)));
    return reasons;
  }

  settle() {
    return this.node.clock.settle();
  }

  async send(pid: Pid, message: unknown) {
    void this.node.core.send(pid, message, false);
    await this.settle();
  }

  async cast(pid: Pid, request: unknown) {
    void this.node.process.cast(pid, request);
    await this.settle();
  }

  /** The answer as text. */
  async call(pid: Pid, request: unknown): Promise<string> {
    return this.answer(this.node.process.call(pid, request));
  }

  /** What comes of a promise, as text: `error` and its reason when it is rejected. */
  async answer(promise: Promise<unknown>): Promise<string> {
    const text = promise.then(
      (value) => inspect(value as Term),
      (error: { reason?: Term; message: string }) => `error ${inspect(error.reason ?? error.message)}`,
    );
    await this.settle();
    return text;
  }

  async kill(pid: Pid) {
    this.node.core.sendExit(pid, atom("kill"));
    await this.settle();
  }

  isAlive(pid: Pid): boolean {
    return this.node.runtime.find(pid) !== undefined;
  }

  /** A process that plays a consumer of `producer` by hand. */
  handConsumer(producer: Pid, tag: Term = "tag") {
    const hand = this.#hand(producer);
    const { pid } = hand.core;
    return {
      ...hand,
      subscribe: (options: unknown = []) => hand.tell(subscribeMessage(pid, tag, undefined, options)),
      ask: (count: number) => hand.tell(askMessage(pid, tag, count)),
      cancel: (reason: unknown) => hand.tell(cancelMessage(pid, tag, reason)),
    };
  }

  /** A process that plays a producer by hand, and a consumer that has subscribed to it. */
  handProducer(options: Omit<Subscribe, "to"> = {}, given: Behaviour = {}) {
    return this.#handProducer(options, (subscribeTo) => this.consumer({ ...given, subscribeTo }));
  }

  /** A process that plays a producer by hand, and a producer_consumer that has subscribed to it. */
  handProducerOfMiddle(options: Omit<Subscribe, "to"> = {}, given: Behaviour = {}) {
    return this.#handProducer(options, (subscribeTo) => this.producerConsumer({ ...given, subscribeTo }));
  }

  async #handProducer<S extends { pid: Pid }>(
    options: Omit<Subscribe, "to">,
    start: (subscribeTo: Subscribe[]) => Promise<S>,
  ) {
    const inbox: Term[] = [];
    const core = this.node.spawn(inbox);
    const stage = await start([{ to: core.pid, ...options }]);
    const hand = this.#hand(stage.pid, core, inbox);
    const tag = ((inbox[0] as unknown as Term[])[1] as unknown as Term[])[1] as Ref;
    const asks = () =>
      hand
        .got()
        .filter((text) => text.startsWith("{:ask"))
        .map((text) => Number(/\d+/.exec(text)?.[0]));
    return {
      ...hand,
      ...stage,
      tag,
      asks,
      emit: (...events: unknown[]) => hand.tell(eventsMessage(core.pid, tag, events)),
      cancel: (reason: unknown) => hand.tell(cancelledMessage(core.pid, tag, reason)),
    };
  }

  #hand(stage: Pid, core: ProcessCore | undefined = undefined, inbox: Term[] = []) {
    const own = core ?? this.node.spawn(inbox);
    return {
      core: own,
      inbox,
      /** The third part of each message that it got. */
      got: () => inbox.map((message) => inspect((message as unknown as Term[])[2])),
      tell: async (message: unknown) => {
        void own.send(stage, message, false);
        await this.settle();
      },
      end: async (reason: unknown) => {
        own.exit(reason);
        await this.settle();
      },
    };
  }
}
