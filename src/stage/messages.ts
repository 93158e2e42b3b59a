import { ArgumentError } from "../base/index.ts";
import { type Atom, atom, inspect, isList, isTuple, Pid, type Term, type Tuple, tuple } from "../term/index.ts";

const GEN_PRODUCER = atom("$gen_producer");
const GEN_CONSUMER = atom("$gen_consumer");
const SUBSCRIBE = atom("subscribe");
const ASK = atom("ask");
const CANCEL = atom("cancel");
const SUBSCRIBE_REQUEST = atom("$subscribe");
const INFO_REQUEST = atom("$info");
const DEMAND_REQUEST = atom("$demand");
const ESTIMATE_REQUEST = atom("$estimate_buffered_count");
/** Not of GenStage: understood by stages of this library only. */
const DRAIN_REQUEST = atom("$tiebeam_drain");
const ACK = atom("tiebeam_ack");
const ON = atom("on");

/** The option of a subscription that offers to confirm events. Producers that do not know it ignore it. */
export const ACK_OPTION = "tiebeam_ack";

/** Refuses a second subscription of one consumer; never ends that consumer. */
export const ALREADY_SUBSCRIBED = atom("already_subscribed");

/** What a new subscription takes the place of. */
export interface Current {
  readonly tag: Term;
  readonly reason: Term;
}

/** What consumers tell producers; undefined for an operation that the protocol does not have. */
export type ProducerOperation =
  | { readonly kind: "subscribe"; readonly current: Current | undefined; readonly options: Term }
  | { readonly kind: "ask"; readonly count: number }
  | { readonly kind: "cancel"; readonly reason: Term }
  | { readonly kind: "ack"; readonly count: number }
  | undefined;

/** What producers tell consumers; undefined for a payload that the protocol does not have. */
export type ConsumerOperation =
  | { readonly kind: "events"; readonly events: Term[] }
  | { readonly kind: "cancel"; readonly reason: Term }
  | { readonly kind: "acks" }
  | undefined;

/** A message between stages: `{'$gen_producer' | '$gen_consumer', {Pid, Tag}, Operation}`. Source: gen_stage.md §2. */
export type StageMessage =
  | { readonly to: "producer"; readonly pid: Pid; readonly tag: Term; readonly operation: ProducerOperation }
  | { readonly to: "consumer"; readonly pid: Pid; readonly tag: Term; readonly operation: ConsumerOperation };

/** A call or cast that every stage understands. Source: gen_stage.md §2.5. */
export type StageRequest =
  | { readonly kind: "subscribe"; readonly current: Current | undefined; readonly to: Term; readonly options: Term }
  | { readonly kind: "info"; readonly message: Term }
  | { readonly kind: "demand"; readonly mode: Term | undefined }
  | { readonly kind: "estimate" }
  | { readonly kind: "drain" };

/** Reads a message between stages; undefined when it is something else. */
export function readStageMessage(message: unknown): StageMessage | undefined {
  if (!isTuple(message) || message.length !== 3) return undefined;
  const [kind, from, payload] = message as readonly Term[];
  if (kind !== GEN_PRODUCER && kind !== GEN_CONSUMER) return undefined;
  if (!isTuple(from) || from.length !== 2 || !(from[0] instanceof Pid)) return undefined;
  const [pid, tag] = from as readonly unknown[] as readonly [Pid, Term];
  return kind === GEN_PRODUCER
    ? { to: "producer", pid, tag, operation: readProducerOperation(payload) }
    : { to: "consumer", pid, tag, operation: readConsumerOperation(payload) };
}

/** Events that can be counted here. A BEAM has no such bound. */
const MOST = Number.MAX_SAFE_INTEGER;

function readProducerOperation(payload: Term | undefined): ProducerOperation {
  if (!isTuple(payload)) return undefined;
  const [operation, first, second] = payload as readonly Term[];
  if (operation === ASK && payload.length === 2 && (Number.isSafeInteger(first) || typeof first === "bigint")) {
    // More than can be counted, which is as good as no end of them. One below 0 is asked for as little as 0.
    return { kind: "ask", count: Number(first) > MOST ? MOST : Number(first) };
  }
  if (operation === CANCEL && payload.length === 2) return { kind: "cancel", reason: first as Term };
  if (operation === ACK && payload.length === 2 && Number.isSafeInteger(first)) {
    return { kind: "ack", count: first as number };
  }
  if (operation === SUBSCRIBE && payload.length === 3) {
    return { kind: "subscribe", current: readCurrent(first), options: second as Term };
  }
  return undefined;
}

function readConsumerOperation(payload: Term | undefined): ConsumerOperation {
  if (isList(payload)) return { kind: "events", events: payload };
  if (isTuple(payload) && payload.length === 2 && payload[0] === ACK && payload[1] === ON) return { kind: "acks" };
  if (isTuple(payload) && payload.length === 2 && payload[0] === CANCEL) {
    return { kind: "cancel", reason: payload[1] as Term };
  }
  return undefined;
}

/** `{OldTag, Reason}`, or nil. */
function readCurrent(term: Term | undefined): Current | undefined {
  if (!isTuple(term) || term.length !== 2) return undefined;
  return { tag: term[0] as Term, reason: term[1] as Term };
}

/** Reads a request to a stage; undefined when it is one for the user's code. */
export function readStageRequest(request: Term): StageRequest | undefined {
  if (request === DEMAND_REQUEST) return { kind: "demand", mode: undefined };
  if (request === ESTIMATE_REQUEST) return { kind: "estimate" };
  if (request === DRAIN_REQUEST) return { kind: "drain" };
  if (!isTuple(request)) return undefined;
  const [kind, first, second, third] = request as readonly Term[];
  if (kind === SUBSCRIBE_REQUEST && request.length === 4) {
    return { kind: "subscribe", current: readCurrent(first), to: second as Term, options: third as Term };
  }
  if (kind === INFO_REQUEST && request.length === 2) return { kind: "info", message: first as Term };
  if (kind === DEMAND_REQUEST && request.length === 2) return { kind: "demand", mode: first as Term };
  return undefined;
}

export function subscribeMessage(consumer: Pid, tag: unknown, current: Current | undefined, options: unknown): Tuple {
  const replaced = current === undefined ? null : tuple(current.tag, current.reason);
  return tuple(GEN_PRODUCER, tuple(consumer, tag as object), tuple(SUBSCRIBE, replaced, options as object));
}

export function askMessage(consumer: Pid, tag: unknown, count: number): Tuple {
  return tuple(GEN_PRODUCER, tuple(consumer, tag as object), tuple(ASK, count));
}

/** A consumer is done with so many more events. Sent only to producers that said {@link acksMessage}. */
export function ackMessage(consumer: Pid, tag: unknown, count: number): Tuple {
  return tuple(GEN_PRODUCER, tuple(consumer, tag as object), tuple(ACK, count));
}

/** A producer wants events confirmed. Sent only to consumers that offered it. */
export function acksMessage(producer: Pid, tag: unknown): Tuple {
  return tuple(GEN_CONSUMER, tuple(producer, tag as object), tuple(ACK, ON));
}

/** A consumer gives a subscription up. */
export function cancelMessage(consumer: Pid, tag: unknown, reason: unknown): Tuple {
  return tuple(GEN_PRODUCER, tuple(consumer, tag as object), tuple(CANCEL, reason as object));
}

export function eventsMessage(producer: Pid, tag: unknown, events: readonly unknown[]): Tuple {
  return tuple(GEN_CONSUMER, tuple(producer, tag as object), events);
}

/** A subscription is over, says its producer. */
export function cancelledMessage(producer: Pid, tag: unknown, reason: unknown): Tuple {
  return tuple(GEN_CONSUMER, tuple(producer, tag as object), tuple(CANCEL, reason as object));
}

/** `{:'$subscribe', Current, To, Options}`: to be called or cast. */
export function subscribeRequest(current: Current | undefined, to: unknown, options: unknown): Tuple {
  const replaced = current === undefined ? null : tuple(current.tag, current.reason);
  return tuple(SUBSCRIBE_REQUEST, replaced, to as object, options as object);
}

/** `{:'$info', Message}`: to be called or cast. */
export function infoRequest(message: unknown): Tuple {
  return tuple(INFO_REQUEST, message as object);
}

/** Tells a stage of this library to end when it is done with what it has. To be called. */
export function drainRequest(): Atom {
  return DRAIN_REQUEST;
}

/** `{:'$demand', Mode}`: to be cast. Throws ArgumentError for another mode, by which the stage would end. */
export function demandRequest(mode: "forward" | "accumulate"): Tuple {
  if (mode !== "forward" && mode !== "accumulate") {
    throw new ArgumentError("demand", `expected demand to be forward or accumulate, got: ${inspect(mode)}`);
  }
  return tuple(DEMAND_REQUEST, atom(mode));
}
