import { decode } from "../../src/etf/index.ts";
import { type CastResult, noReply, reply, stop } from "../../src/otp/index.ts";
import { Exit } from "../../src/runtime/index.ts";
import {
  type CancelReason,
  Consumer,
  type ConsumerOptions,
  Producer,
  ProducerConsumer,
  type ProducerOptions,
  type Subscription,
  type WireOptions,
  withOptions,
} from "../../src/stage/index.ts";
import {
  type Atom,
  atom,
  ImproperList,
  inspect,
  isTuple,
  Pid,
  Ref,
  type Term,
  type TupleValue,
  tuple,
  tupleFrom,
} from "../../src/term/index.ts";
import { remotePid, TestNode } from "./harness.ts";
import { nodeIn, ownPid, type Recording, roleIn } from "./recordings.ts";

/** One thing that a stage did: a message it sent, a monitor, a call of a callback, its exit. */
type Step = readonly [kind: string, term: Term];

/** How the recorded stage was made, where it is not the usual one. */
export interface RoleOptions extends ProducerOptions, ConsumerOptions {
  /** The producer answers demand with nothing; or with one event, the demand itself. Default: it counts up from 0. */
  readonly emits?: "nothing" | "demand";
  /** The producer ends with `normal` behind its last event. */
  readonly bounded?: boolean;
  /** What the producer_consumer makes of an event. */
  readonly becomes?: (event: number) => readonly number[];
  /** What the consumer's `handleSubscribe` returns. */
  readonly manual?: boolean;
}

/**
 * Puts a stage of ours in the place of one role: gives it what that role got, in the recorded order, and notes what it does.
 * Both lists are in the recording's terms: our pid and references are replaced by those that stand in their place there.
 */
export async function replay(
  recording: Recording,
  role: string,
  options: RoleOptions,
): Promise<{ recorded: string[]; ours: string[]; node: TestNode }> {
  const messages = recording.messages.map(([from, to, kind, hex]) => ({
    from: roleIn(from),
    to: roleIn(to),
    kind,
    term: decode(Buffer.from(hex, "hex")) as Term,
  }));
  const node = new TestNode(nodeIn(recording.messages.find(([from]) => roleIn(from) === role)![0]));
  for (const [from, to] of recording.messages) for (const whom of [from, to]) node.connected.add(nodeIn(whom));
  const steps: Step[] = [];
  let stagePid: Pid | undefined;
  node.onSignal = (signal) => {
    // What the BEAM does by itself for a process that ends was not recorded.
    if (stagePid !== undefined && node.runtime.find(stagePid) === undefined) return;
    if (signal.op === "monitor") steps.push(["monitor", signal.ref]);
    if (signal.op === "demonitor") steps.push(["demonitor", signal.ref]);
    if ("message" in signal) steps.push(["send", signal.message as Term]);
  };
  const batches = messages.filter(isEventsOf(role)).map(({ term }) => eventsOf(term));
  const limit = options.emits === "demand" ? batches.length : Math.max(-1, ...batches.flat()) + 1;
  const stage = await (role === "producer_consumer"
    ? node.start(ProbeProducerConsumer, { args: { steps, ...options } })
    : role.startsWith("producer")
      ? node.start(ProbeProducer, { args: { steps, limit, ...options } })
      : node.start(ProbeConsumer, { args: { steps, ...options } }));

  stagePid = stage.pid;

  const recordedPid = messages
    .map(({ from, to, kind, term }) => (from === role && to !== role ? ownPid(kind, term) : undefined))
    .find(Boolean);
  const toOurs = new Map<string, Term>();
  const toRecorded = new Map<string, Term>([[stage.pid.key, recordedPid ?? stage.pid]]);
  if (recordedPid !== undefined) toOurs.set(recordedPid.key, stage.pid);
  const recordedMonitors = messages.filter(({ from, kind }) => from === role && kind === "monitor");
  const learnReferences = () => {
    const made = steps.filter(([kind]) => kind === "monitor").map(([, ref]) => ref as Ref);
    made.forEach((ref, index) => {
      const there = recordedMonitors[index] && ((recordedMonitors[index].term as unknown as Term[])[3] as Ref);
      if (there === undefined) return;
      toOurs.set(there.key, ref);
      toRecorded.set(ref.key, there);
    });
  };

  const core = node.runtime.find(stage.pid)!;
  learnReferences();
  for (const { from, to, kind, term } of messages) {
    if (to !== role || from === role) continue;
    if (kind === "send") {
      const message = substitute(term, toOurs);
      node.runtime.accept({ op: "send", from: remotePid("driver@x"), to: stage.pid, message });
    } else if (kind === "down") {
      const [, ref, , object, reason] = substitute(term, toOurs) as unknown as [Atom, Ref, Atom, Pid | Term[], Term];
      const peer = object instanceof Pid ? object.node : (object[1] as Atom).tag;
      if (reason === atom("noconnection")) {
        node.connected.delete(peer);
        node.runtime.nodeDown(peer);
      } else {
        const name = object instanceof Pid ? object : (object[0] as Atom).tag;
        node.runtime.accept({ op: "down", from: name, to: stage.pid, ref, reason });
      }
      await node.clock.settle();
      node.connected.add(peer);
    }
    await node.clock.settle();
    learnReferences();
  }

  // GenStage demonitors after a DOWN too, to flush; nothing is sent for that.
  const isMoot = (index: number) =>
    messages[index]!.kind === "demonitor" &&
    messages
      .slice(0, index)
      .some(({ kind, term }) => kind === "down" && refKey(term) === refKey(messages[index]!.term));
  const recorded = messages
    .filter(({ from, to, kind }, index) => from === role && to !== role && OWN_STEPS.has(kind) && !isMoot(index))
    .map(({ kind, term }): Step => [kind, kind.endsWith("monitor") ? firstRef(term) : term]);
  const ours = [...steps];
  if (!core.alive) ours.push(["exit", core.exitReason as Term]);
  const monitors = new Set(recordedMonitors.map(({ term }) => refKey(term)));
  // A reference that belongs to nothing else is as good as any other.
  const isFresh = (id: Pid | Ref) =>
    id instanceof Ref && id.node === node.runtime.identity.node && !monitors.has(id.key);
  const text = ([kind, term]: Step) =>
    `${kind} ${inspect(rewrite(substitute(term, toRecorded), (id) => (isFresh(id) ? atom("fresh") : id)))}`;
  return { recorded: withProducers(recorded.map(text)), ours: ours.map(text), node };
}

/** Of events that waited until their subscription was over GenStage says `{:pid, Tag}`: it no longer knows the producer. */
function withProducers(steps: readonly string[]): string[] {
  return steps.map((step) =>
    step.replace(/\{:pid, (#Reference<[^>]*>)\}/, (nobody, tag) => {
      const known = steps.find((other) => other.startsWith("callback") && other.includes(`>, ${tag}}`)) ?? "";
      return /\{#PID<[^>]*>, #Reference<[^>]*>\}/.exec(known)?.[0] ?? nobody;
    }),
  );
}

const OWN_STEPS = new Set(["send", "monitor", "demonitor", "callback", "exit"]);

const firstRef = (term: Term): Ref => (term as unknown as Term[]).find((part) => part instanceof Ref) as Ref;
const refKey = (term: Term): string => firstRef(term).key;

const isEventsOf = (role: string) => (message: { from: string; term: Term }) =>
  message.from === role && isTuple(message.term) && message.term.tag === "$gen_consumer";

const eventsOf = (term: Term): number[] => {
  const payload = (term as unknown as Term[])[2];
  return Array.isArray(payload) && !isTuple(payload) ? payload.filter((event) => typeof event === "number") : [];
};

/** Replaces pids and references. */
function rewrite(term: Term, replace: (id: Pid | Ref) => Term): Term {
  if (term instanceof Pid || term instanceof Ref) return replace(term);
  const all = (parts: Iterable<unknown>) => Array.from(parts, (part) => rewrite(part as Term, replace));
  if (isTuple(term)) return tupleFrom(all(term)) as unknown as Term;
  if (Array.isArray(term)) return all(term);
  return term instanceof ImproperList ? new ImproperList(all(term.items), rewrite(term.tail as Term, replace)) : term;
}

const substitute = (term: Term, map: ReadonlyMap<string, Term>) => rewrite(term, (id) => map.get(id.key) ?? id);

interface ProbeArgs extends RoleOptions {
  readonly steps: Step[];
}

const callback = (name: string, ...args: unknown[]) =>
  ["callback", tuple(atom(name), ...(args as object[])) as unknown as Term] as const;

const keywordList = (options: WireOptions) =>
  Object.entries(options).map(([name, value]) => tuple(atom(name), value as object));

const cancelTerm = ({ kind, reason }: CancelReason) => tuple(atom(kind), reason as object);

const PROBE_STOP = tuple(atom("probe_stop"), atom("normal")) as unknown as Term;

/** The recorded stages' own behaviour, on the producing side. */
class ProbeProducer extends Producer<Term> {
  #args!: ProbeArgs & { limit: number };
  #next = 0;

  override init(args: ProbeArgs & { limit: number }) {
    this.#args = args;
    const { steps: _steps, limit: _limit, emits: _emits, manual: _manual, bounded: _bounded, ...options } = args;
    return withOptions(options);
  }

  handleDemand(demand: number): CastResult<Term> {
    const { emits, limit, steps } = this.#args;
    steps.push(callback("handle_demand", demand));
    if (emits === "nothing") return;
    if (emits === "demand") return noReply({ events: this.#next++ < limit ? [demand] : [] });
    const events: Term[] = [];
    while (events.length < demand && this.#next < limit) events.push(this.#next++);
    if (this.#args.bounded && this.#next === limit) this.process.asyncInfo(PROBE_STOP);
    return noReply({ events });
  }

  override handleSubscribe(_side: "consumer", options: WireOptions, from: Subscription) {
    this.#args.steps.push(callback("handle_subscribe", atom("consumer"), keywordList(options), from));
    return this.#args.manual ? ("manual" as "automatic") : "automatic";
  }

  override handleCancel(reason: CancelReason, from: Subscription) {
    this.#args.steps.push(callback("handle_cancel", cancelTerm(reason), from));
  }

  override handleCall(request: Term, from: TupleValue) {
    this.#args.steps.push(callback("handle_call", request, from));
    const [operation, argument] = request as unknown as [Atom, Term];
    if (operation.tag === "queue") return reply(atom("ok"), { events: argument as Term[] });
    return stop(argument, atom("ok"));
  }

  override handleCast(request: Term): CastResult<Term> {
    this.#args.steps.push(callback("handle_cast", request));
    if (request === atom("crash")) throw new Exit(atom("boom"));
  }

  override handleInfo(message: Term) {
    this.#args.steps.push(callback("handle_info", message));
    return inspect(message) === inspect(PROBE_STOP) ? stop(atom("normal")) : undefined;
  }
}

/** The recorded stages' own behaviour, in the middle. */
class ProbeProducerConsumer extends ProducerConsumer<number, number> {
  #args!: ProbeArgs;
  #producer: Subscription | undefined;

  override init(args: ProbeArgs) {
    this.#args = args;
  }

  handleEvents(events: number[], from: Subscription) {
    this.#args.steps.push(callback("handle_events", events, from));
    return noReply({ events: events.flatMap((event) => this.#args.becomes?.(event) ?? []) });
  }

  override handleSubscribe(side: "producer" | "consumer", options: WireOptions, from: Subscription) {
    if (side === "producer") this.#producer = from;
    this.#args.steps.push(callback("handle_subscribe", atom(side), keywordList(options), from));
  }

  override handleCancel(reason: CancelReason, from: Subscription) {
    this.#args.steps.push(callback("handle_cancel", cancelTerm(reason), from));
  }

  override handleCall(request: Term, from: TupleValue) {
    this.#args.steps.push(callback("handle_call", request, from));
    const [operation, argument] = request as unknown as [Atom, Term];
    if (operation.tag === "cancel") this.process.cancel(this.#producer!, argument);
    return reply(atom("ok"));
  }

  override handleInfo(message: Term) {
    this.#args.steps.push(callback("handle_info", message));
  }
}

/** The recorded stages' own behaviour, on the consuming side. */
class ProbeConsumer extends Consumer<Term> {
  #args!: ProbeArgs;
  #last: Subscription | undefined;

  override init(args: ProbeArgs) {
    this.#args = args;
    return withOptions({ subscribeTo: args.subscribeTo ?? [] });
  }

  handleEvents(events: Term[], from: Subscription) {
    this.#args.steps.push(callback("handle_events", events, from));
  }

  override handleSubscribe(_side: "producer", options: WireOptions, from: Subscription) {
    this.#last = from;
    this.#args.steps.push(callback("handle_subscribe", atom("producer"), keywordList(options), from));
    return this.#args.manual ? "manual" : "automatic";
  }

  override handleCancel(reason: CancelReason, from: Subscription) {
    this.#args.steps.push(callback("handle_cancel", cancelTerm(reason), from));
  }

  override handleCall(request: Term, from: TupleValue) {
    this.#args.steps.push(callback("handle_call", request, from));
    const [operation, argument] = request as unknown as [Atom, Term];
    if (operation.tag === "ask") this.process.ask(this.#last!, argument as number);
    if (operation.tag === "cancel") this.process.cancel(this.#last!, argument);
    if (operation.tag === "queue") return reply(atom("ok"), { events: argument as never[] });
    return reply(atom("ok"));
  }

  override handleCast(request: Term) {
    this.#args.steps.push(callback("handle_cast", request));
  }

  override handleInfo(message: Term) {
    this.#args.steps.push(callback("handle_info", message));
  }
}
