import { ArgumentError, type BackoffOptions, backoffOf } from "../base/index.ts";
import { type Destination, isOrderly } from "../runtime/index.ts";
import {
  Atom,
  atom,
  atomText,
  type Export,
  inspect,
  isList,
  isTuple,
  type Pid,
  type Term,
  TupleValue,
  tuple,
} from "../term/index.ts";
import { checkRate, type Rate } from "./asks.ts";
import { ACK_OPTION, ALREADY_SUBSCRIBED } from "./messages.ts";

/**
 * What the end of a subscription means for its consumer. `permanent`: the consumer ends too, with the same reason.
 * `transient`: only if the reason is none of `normal`, `shutdown`, `{shutdown, _}`. `temporary`: it lives on.
 */
export type CancelMode = "permanent" | "transient" | "temporary";

/** How a consumer subscribes to a producer. Only what is given travels; the defaults are the consumer's own business. */
export interface SubscriptionOptions {
  /** Events that are asked for and not yet received, at most. Default 1000. */
  readonly maxDemand?: number;
  /** More is asked for once no more than these are outstanding. Default: half of `maxDemand`, rounded down. */
  readonly minDemand?: number;
  /** Default `permanent`. */
  readonly cancel?: CancelMode;
  /** For a producer with a PartitionDispatcher: which partition. */
  readonly partition?: unknown;
  /**
   * For a producer with a BroadcastDispatcher. In Elixir: `&Mod.fun/1`, a function that exists there. In TypeScript: one of its
   * `selectors` by name, an atom or a string.
   */
  readonly selector?: Export | Atom | string;
}

/** A subscription yet to be made, by whomever: all of it travels. */
export interface SubscribeTo extends SubscriptionOptions {
  readonly to: Destination;
}

/** What only the subscribing stage does; the producer never notices. */
export interface OwnOptions {
  /**
   * Subscribes anew when the producer is lost, because its node is (`noconnection`), because it was told to stop (`shutdown`) or
   * because it is not there (`noproc`), whatever `cancel` says. `handleResubscribe` is asked each time. What was on its way is
   * gone: see `position`.
   */
  readonly resubscribe?: BackoffOptions;
  /**
   * True: confirms what it has handled, to a producer of this library with events for one consumer each (demand or partition
   * dispatcher). What it did not confirm when it is gone is sent to others, or to itself when it is back: each event is handled
   * at least once, rather than at most once. Other producers never notice. Not for a ConsumerSupervisor.
   */
  readonly ack?: boolean;
  /** Asks for no more events than these in a time; `maxDemand` is at most `rate.events` then. Default: no limit. */
  readonly rate?: Rate;
}

/** A subscription that a stage makes itself. */
export interface Subscribe extends SubscribeTo, OwnOptions {}

/** The options that the consumer's own side goes by, with their defaults. */
export interface ParsedOptions {
  readonly maxDemand: number;
  readonly minDemand: number;
  readonly cancel: CancelMode;
}

/**
 * One end of a subscription as the other one knows it: `{Peer, Tag}`, which is also what it is as a term.
 * The peer is a pid, or `{Name, Node}` as it was subscribed to.
 */
export class Subscription extends TupleValue {
  constructor(peer: Pid | TupleValue, tag: unknown) {
    super(2);
    this[0] = peer;
    this[1] = tag;
  }

  get peer(): Pid | TupleValue {
    return this[0] as Pid | TupleValue;
  }

  get subscriptionTag(): Term {
    return this[1] as Term;
  }
}

/** Names of {@link OwnOptions}. */
const OWN = ["resubscribe", "rate", "ack"];
/** Whether a consumer ends with a subscription of this mode that ended for this reason. Source: gen_stage.md §4.5. */
export function endsConsumer(cancel: CancelMode, reason: Term): boolean {
  if (reason === ALREADY_SUBSCRIBED) return false;
  return cancel === "permanent" || (cancel === "transient" && !isOrderly(reason));
}

const DEFAULT_MAX_DEMAND = 1_000;
const CANCEL_MODES = ["temporary", "transient", "permanent"];
const WIRE_NAMES = new Map([
  ["maxDemand", "max_demand"],
  ["minDemand", "min_demand"],
]);

/** The options as a keyword list, in the order in which they were given. */
export function keywords(
  options: SubscriptionOptions & Pick<OwnOptions, "ack"> & { readonly to?: unknown },
): TupleValue[] {
  const list: TupleValue[] = [];
  for (const [name, value] of Object.entries(options)) {
    if (name === "to" || OWN.includes(name) || value === undefined) continue;
    const term = name === "cancel" ? atom(value as string) : value;
    list.push(tuple(atom(WIRE_NAMES.get(name) ?? name), term as object) as unknown as TupleValue);
  }
  if (options.ack) list.push(tuple(atom(ACK_OPTION), true) as unknown as TupleValue);
  return list;
}

/** A keyword list as an object, for callbacks; of a key that is there twice the first counts. Undefined if it is none. */
export function keywordObject(options: Term): Readonly<Record<string, Term>> | undefined {
  if (!isList(options)) return undefined;
  const object: Record<string, Term> = Object.create(null);
  for (const entry of options) {
    const name = isTuple(entry) && entry.length === 2 ? atomText(entry[0]) : undefined;
    if (name === undefined) return undefined;
    if (!(name in object)) object[name] = (entry as unknown as TupleValue)[1] as Term;
  }
  return object;
}

/** Checks options as GenStage does, in its order and with its words; the text says what is wrong. Source: gen_stage.md §3. */
export function parseOptions(options: Term): ParsedOptions | string {
  const given = keywordObject(options);
  if (given === undefined) return `expected the options to be a keyword list, got: ${inspect(options)}`;
  return parseGiven(given);
}

/** Those of a subscription that has been made, so that nothing can be wrong with them. */
export function parsedOptions(options: Readonly<Record<string, Term>>): ParsedOptions {
  return parseGiven(options) as ParsedOptions;
}

/** What a consumer may have at a time, as it says itself; strangers may say anything. */
export function maxDemandOf({ max_demand: given }: Readonly<Record<string, Term>>): number {
  return Number.isSafeInteger(given) && (given as number) >= 1 ? (given as number) : DEFAULT_MAX_DEMAND;
}

function parseGiven(given: Readonly<Record<string, Term>>): ParsedOptions | string {
  const { max_demand: maxDemand = DEFAULT_MAX_DEMAND } = given;
  const wrongMax = problemOf("max_demand", maxDemand, 1, Number.POSITIVE_INFINITY);
  if (wrongMax !== undefined) return wrongMax;
  const max = maxDemand as number;
  const { min_demand: minDemand = Math.floor(max / 2) } = given;
  const wrongMin = problemOf("min_demand", minDemand, 0, max - 1);
  if (wrongMin !== undefined) return wrongMin;
  const cancel = given.cancel === undefined ? "permanent" : modeOf(given.cancel);
  if (cancel === undefined) {
    return `expected :cancel to be one of [:temporary, :transient, :permanent], got: ${inspect(given.cancel)}`;
  }
  return { maxDemand: max, minDemand: minDemand as number, cancel };
}

/** @throws ArgumentError `BADARG` for options that would be refused, for callers who have no log to look into. */
export function checkOptions(options: SubscriptionOptions & OwnOptions): ParsedOptions {
  if (options.resubscribe !== undefined) backoffOf(options.resubscribe, "resubscribe");
  if (options.rate !== undefined) checkRate(options.rate);
  const parsed = parseOptions(keywords(options) as unknown as Term);
  if (typeof parsed === "string") throw new ArgumentError("options", parsed);
  return parsed;
}

/** @throws ArgumentError `BADARG` as {@link checkOptions}, and for options that another stage cannot be told. */
export function checkTravelling(options: SubscriptionOptions): void {
  const own = OWN.find((name) => Object.hasOwn(options, name));
  if (own !== undefined) throw new ArgumentError(own, "is for subscriptions that a stage makes itself");
  checkOptions(options);
}

function modeOf(term: Term): CancelMode | undefined {
  return term instanceof Atom && CANCEL_MODES.includes(term.tag) ? (term.tag as CancelMode) : undefined;
}

function problemOf(name: string, value: Term, least: number, most: number): string | undefined {
  if (!Number.isSafeInteger(value)) return `expected :${name} to be an integer, got: ${inspect(value)}`;
  if ((value as number) < least) return `expected :${name} to be equal to or greater than ${least}, got: ${value}`;
  if ((value as number) > most) return `expected :${name} to be equal to or less than ${most}, got: ${value}`;
  return undefined;
}
