import { setTimeout as sleep } from "node:timers/promises";
import {
  Atom,
  atom,
  broadcastDispatcher,
  type CancelReason,
  type CastResult,
  Consumer,
  ConsumerSupervisor,
  child,
  demandDispatcher,
  Exit,
  type From,
  GenServer,
  ignore,
  isTuple,
  mod,
  type Node,
  noReply,
  type Pid,
  Producer,
  ProducerConsumer,
  type ProducerOptions,
  partitionDispatcher,
  reply,
  type Subscribe,
  type Subscription,
  stop,
  superviseEvents,
  type Term,
  type Tuple,
  tuple,
  withOptions,
} from "../../src/index.ts";
import type { WireOptions } from "../../src/stage/index.ts";

/** The options of `Fixtures.ProbeStage`, where they are described. */
interface ProbeOptions {
  readonly type: Atom;
  readonly name?: Atom;
  readonly count?: number | Atom;
  readonly at_end?: Atom;
  readonly dispatcher?: Atom | Tuple;
  readonly demand?: Atom;
  readonly buffer_size?: number | Atom;
  readonly buffer_keep?: Atom;
  readonly subscribe_to?: readonly Tuple[];
  readonly becomes?: Atom;
  readonly answer?: Atom | Tuple;
  readonly answers?: Atom;
  readonly on_events?: Atom | Tuple;
  readonly slow?: number;
  readonly ignored?: boolean;
  readonly restart?: Atom;
  readonly max_restarts?: number;
}

interface ProbeArgs {
  readonly recorder: Pid;
  readonly role: Atom;
  readonly options: ProbeOptions;
}

/** Offers the stages of `Fixtures.ProbeStage` in TypeScript, to be started in the same way. */
export function exposeProbeStages(node: Node): void {
  node.expose(mod("Fixtures.ProbeStage"), {
    start: async (recorder: Pid, role: Atom, options: ProbeOptions) => {
      const args: ProbeArgs = { recorder, role, options };
      try {
        const { pid } = await node.start(STAGES[options.type.tag] as new () => GenServer, {
          args,
          ...(options.name && { name: options.name }),
        });
        return tuple(atom("ok"), pid);
      } catch (error) {
        const { reason } = error as Exit;
        return reason === IGNORE ? IGNORE : tuple(atom("error"), reason as object);
      }
    },
  });
}

const IGNORE = atom("ignore");

const tagOf = (term: unknown) => (term instanceof Atom ? term.tag : undefined);

/** What the stages of all roles have in common. */
class Probe {
  readonly options: ProbeOptions;
  readonly #args: ProbeArgs;
  readonly #send: (to: Pid, message: unknown) => void;
  /** Subscriptions to producers, the latest first. */
  readonly producers: Subscription[] = [];

  constructor(args: ProbeArgs, send: (to: Pid, message: unknown) => void) {
    this.#args = args;
    this.options = args.options;
    this.#send = send;
  }

  record(name: string, ...args: unknown[]): void {
    const { recorder, role } = this.#args;
    this.#send(recorder, tuple(atom("entry"), role, tuple(atom(name), ...(args as object[]))));
  }

  subscribed(side: "producer" | "consumer", options: WireOptions, from: Subscription) {
    const list = Object.entries(options).map(([name, value]) => tuple(atom(name), value as object));
    this.record("handle_subscribe", atom(side), list, from);
    if (side === "producer") this.producers.unshift(from);
    const { answer, answers } = this.options;
    if (answer === undefined || (answers !== undefined && answers.tag !== side)) return "automatic";
    if (isTuple(answer)) return stop(answer[1]);
    return answer.tag === "manual" ? "manual" : (answer as never);
  }

  cancelled({ kind, reason }: CancelReason, from: Subscription): void {
    this.record("handle_cancel", tuple(atom(kind), reason as object), from);
  }

  /** Takes its time, if the options say so. */
  handle(
    events: Term[],
    from: Subscription,
    next: () => CastResult<Term>,
  ): CastResult<Term> | Promise<CastResult<Term>> {
    this.record("handle_events", events, from);
    const { slow } = this.options;
    if (slow === undefined) return next();
    return sleep(slow).then(() => {
      this.record("handled", events.length);
      return next();
    });
  }

  /** The result of `handleEvents`, where the options say what it is to be. */
  afterEvents(events: unknown[]): CastResult<never> {
    const { on_events: what } = this.options;
    if (isTuple(what)) return stop(what[1]);
    return what === undefined ? noReply() : noReply({ events } as never);
  }

  handleInfo(message: Term): CastResult<Term> {
    const [operation, argument, relayed] = isTuple(message) ? (Array.from(message) as Term[]) : [];
    if (tagOf(operation) === "emit") return noReply({ events: argument as Term[] });
    if (tagOf(operation) === "relay") {
      const [next, ...rest] = argument as Pid[];
      return this.#send(next!, rest.length === 0 ? relayed : tuple(atom("relay"), rest, relayed as object));
    }
    if (tagOf(message) === "finished") return stop(atom("normal"));
    this.record("handle_info", message);
  }
}

/** What `process` of a stage can do, whatever its role. */
interface StageSteps {
  ask?(from: Subscription, count: number): void;
  cancel?(from: Subscription, reason: unknown): void;
  asyncInfo?(message: unknown): void;
}

function handleCall(request: Term, from: From, probe: Probe, steps: StageSteps) {
  const [operation, argument] = request as unknown as [Atom, Term];
  const [latest] = probe.producers;
  switch (operation.tag) {
    case "emit":
      return reply(atom("ok"), { events: argument as Term[] });
    case "emit_late":
      void from.reply(atom("ok"));
      return noReply({ events: argument as Term[] });
    case "ask":
      steps.ask?.(latest!, argument as number);
      return reply(atom("ok"));
    case "cancel":
      steps.cancel?.(latest!, argument);
      return reply(atom("ok"));
    case "info":
      steps.asyncInfo?.(argument);
      return reply(atom("ok"));
    case "stop":
      return stop(argument, atom("ok"));
  }
  throw new Error(`${operation.tag} is no request`);
}

const dispatchers: Record<string, (argument?: Term) => ProducerOptions["dispatcher"]> = {
  demand: (max) => demandDispatcher(max === undefined ? {} : { maxDemand: max as number }),
  broadcast: () =>
    broadcastDispatcher({
      selectors: { "Fixtures.ProbeStage.even?/1": (event: unknown) => (event as number) % 2 === 0 },
    }),
  partition: (names) => partitionDispatcher({ partitions: names as number | Term[] }),
  parity: (names) => partitionDispatcher({ partitions: names as Term[], hash: parity as never }),
};

function parity(event: number) {
  return event % 10 === 0 ? "none" : [event, atom(event % 2 === 0 ? "even" : "odd")];
}

function producerOptions({ dispatcher, demand, buffer_size, buffer_keep }: ProbeOptions): ProducerOptions {
  const [kind, argument, hash] = isTuple(dispatcher) ? (Array.from(dispatcher) as [Atom, Term, Atom?]) : [dispatcher];
  return {
    ...(kind && { dispatcher: dispatchers[(hash ?? (kind as Atom)).tag]!(argument)! }),
    ...(demand && { demand: demand.tag as "accumulate" }),
    ...(buffer_size !== undefined && { bufferSize: typeof buffer_size === "number" ? buffer_size : Infinity }),
    ...(buffer_keep && { bufferKeep: buffer_keep.tag as "first" }),
  };
}

const KEYS: Record<string, string> = { max_demand: "maxDemand", min_demand: "minDemand" };

function subscribeTo({ subscribe_to: all = [] }: ProbeOptions): Subscribe[] {
  return all.map((entry) => {
    const [to, options] = Array.from(entry) as [Pid, Tuple[]];
    const given = Object.fromEntries(
      Array.from(options, (option) => {
        const [key, value] = Array.from(option) as [Atom, Term];
        return [KEYS[key.tag] ?? key.tag, key.tag === "cancel" ? tagOf(value) : value];
      }),
    );
    return { to, ...given };
  });
}

class ProbeProducer extends Producer<Term> {
  #probe!: Probe;
  #next = 0;

  override init(args: ProbeArgs) {
    if (args.options.ignored) return ignore();
    this.#probe = new Probe(args, (to, message) => void this.process.send(to, message));
    return withOptions<ProducerOptions<Term>>(producerOptions(args.options) as ProducerOptions<Term>);
  }

  handleDemand(demand: number) {
    const { count = 0, at_end } = this.#probe.options;
    this.#probe.record("handle_demand", demand);
    const last = typeof count === "number" ? count : Infinity;
    const events: number[] = [];
    while (events.length < demand && this.#next < last) events.push(this.#next++);
    if (this.#next === last && tagOf(at_end) === "stop") this.process.asyncInfo(atom("finished"));
    return noReply({ events: events as Term[] });
  }

  override handleSubscribe(side: "consumer", options: WireOptions, from: Subscription) {
    return this.#probe.subscribed(side, options, from) as "automatic";
  }

  override handleCancel(reason: CancelReason, from: Subscription) {
    this.#probe.cancelled(reason, from);
  }

  override handleCall(request: Term, from: From) {
    return handleCall(request, from, this.#probe, this.process);
  }

  override handleCast(request: Term) {
    return this.#probe.handleInfo(request);
  }

  override handleInfo(message: Term) {
    return this.#probe.handleInfo(message);
  }

  override terminate(reason: Term) {
    this.#probe.record("terminate", reason);
  }
}

class ProbeConsumer extends Consumer<Term> {
  #probe!: Probe;

  override init(args: ProbeArgs) {
    this.#probe = new Probe(args, (to, message) => void this.process.send(to, message));
    return withOptions({ subscribeTo: subscribeTo(args.options) });
  }

  handleEvents(events: Term[], from: Subscription) {
    return this.#probe.handle(events, from, () => this.#probe.afterEvents(events)) as CastResult;
  }

  override handleSubscribe(side: "producer", options: WireOptions, from: Subscription) {
    return this.#probe.subscribed(side, options, from);
  }

  override handleCancel(reason: CancelReason, from: Subscription) {
    this.#probe.cancelled(reason, from);
  }

  override handleCall(request: Term, from: From) {
    return handleCall(request, from, this.#probe, this.process) as never;
  }

  override handleCast(request: Term) {
    return this.#probe.handleInfo(request) as never;
  }

  override handleInfo(message: Term) {
    return this.#probe.handleInfo(message) as never;
  }

  override terminate(reason: Term) {
    this.#probe.record("terminate", reason);
  }
}

class ProbeProducerConsumer extends ProducerConsumer<Term, Term> {
  #probe!: Probe;

  override init(args: ProbeArgs) {
    this.#probe = new Probe(args, (to, message) => void this.process.send(to, message));
    const { demand: _none, ...options } = producerOptions(args.options);
    return withOptions({ ...options, subscribeTo: subscribeTo(args.options) });
  }

  handleEvents(events: Term[], from: Subscription) {
    const { on_events, becomes } = this.#probe.options;
    return this.#probe.handle(events, from, () => {
      if (on_events !== undefined) return this.#probe.afterEvents(events);
      return noReply({
        events: events.flatMap((event) => BECOMES[becomes?.tag ?? "same"]!(event as number)) as Term[],
      });
    });
  }

  override handleSubscribe(side: "producer" | "consumer", options: WireOptions, from: Subscription) {
    return this.#probe.subscribed(side, options, from);
  }

  override handleCancel(reason: CancelReason, from: Subscription) {
    this.#probe.cancelled(reason, from);
  }

  override handleCall(request: Term, from: From) {
    return handleCall(request, from, this.#probe, this.process);
  }

  override handleCast(request: Term) {
    return this.#probe.handleInfo(request);
  }

  override handleInfo(message: Term) {
    return this.#probe.handleInfo(message);
  }

  override terminate(reason: Term) {
    this.#probe.record("terminate", reason);
  }
}

const BECOMES: Record<string, (event: number) => number[]> = {
  same: (event) => [event],
  doubled: (event) => [event * 2],
  twice: (event) => [event, event],
  nothing: () => [],
};

class ProbeSupervisor extends ConsumerSupervisor<Term> {
  override init({ recorder, role, options }: ProbeArgs) {
    return superviseEvents<Term>(
      (event) => ({
        ...child(ProbeChild, { args: { recorder, role, event } }),
        ...(tagOf(event) === "garbage" && { start: () => atom("garbage") as never }),
        shutdown: 500,
      }),
      {
        subscribeTo: subscribeTo(options),
        ...(options.restart && { restart: options.restart.tag as "transient" }),
        ...(options.max_restarts !== undefined && { maxRestarts: options.max_restarts }),
      },
    );
  }
}

class ProbeChild extends GenServer {
  override init({ recorder, role, event }: { recorder: Pid; role: Atom; event: Term }) {
    this.process.trapExit = true;
    switch (isTuple(event) ? event.tag : tagOf(event)) {
      case "ignore":
        return ignore();
      case "fail":
        return stop((event as unknown as Term[])[1]);
      case "raise":
        throw new Error("no");
      case "throw":
        throw atom("no");
      case "exit":
        throw new Exit(atom("no"));
    }
    void this.process.send(
      recorder,
      tuple(atom("entry"), role, tuple(atom("child"), event as object, this.process.pid)),
    );
    return undefined;
  }

  override handleInfo(message: Term) {
    const [, reason] = message as unknown as [Atom, Term];
    return stop(reason);
  }
}

const STAGES: Record<string, new () => unknown> = {
  producer: ProbeProducer,
  consumer: ProbeConsumer,
  producer_consumer: ProbeProducerConsumer,
  supervisor: ProbeSupervisor,
};
