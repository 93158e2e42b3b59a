import { createHash } from "node:crypto";
import { decode } from "../../src/etf/index.ts";
import {
  Atom,
  atom,
  compare,
  Fun,
  ImproperList,
  inspect,
  isPlainObject,
  isTuple,
  Pid,
  Ref,
  type Term,
  tuple,
  tupleFrom,
} from "../../src/term/index.ts";
import { ownPid, type Recording, roleIn } from "./recordings.ts";

/**
 * What was said between each pair of processes, in the order of that pair: `from -> to` and the lines of it; what a stage did by itself
 * (callbacks, its exit) is `from -> `. What differs from one run or release to the next without a meaning is left out: which pids
 * and references there were (they are numbered within the pair), what the nodes were called, where in a file a function failed,
 * which module's version a function came from, and the order of keys in a map. An alias is a reference.
 */
export function conversation(recording: Recording): Map<string, string[]> {
  const messages = recording.messages.filter(([from, to]) => !isInside(from, to));
  const terms = messages.map(([, , , hex]) => decode(Buffer.from(hex, "hex")) as Term);
  const known = rolesOf(messages, terms);
  const pairs = new Map<string, Pair>();
  messages.forEach(([from, to, kind], index) => {
    const term = terms[index]!;
    // Of a few messages the recorder saw only the arrival.
    const isMissed = from === "untraced";
    const sender = isMissed ? (known.get(ownPid("send", term)?.key ?? "") ?? from) : roleIn(from);
    const receiver = to.startsWith("caller") ? known.get(callTag(term)) : roleIn(to);
    const key = `${sender} -> ${receiver}`;
    const pair: Pair = pairs.get(key) ?? { numbers: new Map(), lines: [] };
    pairs.set(key, pair);
    const text = inspect(plain(term, pair.numbers), { limit: Infinity, printableLimit: Infinity });
    pair.lines.push(`${isMissed ? "send" : kind} ${text}`);
  });
  return new Map(Array.from(pairs, ([key, { lines }]): [string, string[]] => [key, lines]).sort());
}

interface Pair {
  /** Of pids and references, by their keys. */
  readonly numbers: Map<string, number>;
  readonly lines: string[];
}

/** Equal for two recordings in which every pair of processes said the same. */
export function hashOf(recording: Recording): string {
  const text = JSON.stringify([...conversation(recording)]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** What GenStage's and Flow's own processes say to each other, or do by themselves, is their affair. */
export const isInside = (from: string, to: string) => INTERNAL.test(from) && (to === "" || INTERNAL.test(to));

const INTERNAL = /^(Flow\.|Supervisor#|stream_monitor#|runner@)/;

/** By the keys of pids and of the references of calls: whose they are. */
function rolesOf(messages: Recording["messages"], terms: readonly Term[]): Map<string, string> {
  const known = new Map<string, string>();
  messages.forEach(([from, , kind], index) => {
    const term = terms[index]!;
    const pid = ownPid(kind, term);
    if (pid === undefined) return;
    known.set(pid.key, roleIn(from));
    if (isTuple(term) && term.tag === "$gen_call") known.set(callTag((term as unknown as Term[])[1]!), roleIn(from));
  });
  return known;
}

/** The reference of a call: of `{From, Tag}`, and of the reply `{Tag, _}`. */
function callTag(term: Term): string {
  const tag = (term as unknown as Term[]).find((part) => part instanceof Ref || part instanceof ImproperList);
  return ((tag instanceof ImproperList ? tag.tail : tag) as Ref | undefined)?.key ?? "";
}

function plain(term: Term, numbers: Map<string, number>): Term {
  const all = (parts: Iterable<unknown>) => Array.from(parts, (part) => plain(part as Term, numbers));
  if (term instanceof Pid || term instanceof Ref) {
    const number = numbers.get(term.key) ?? numbers.size + 1;
    numbers.set(term.key, number);
    return tuple(atom(term instanceof Pid ? "pid" : "ref"), number) as unknown as Term;
  }
  // No list but `[:alias | Ref]` is improper here.
  if (term instanceof ImproperList) return plain(term.tail as Term, numbers);
  if (term instanceof Fun) return atom("function");
  if (term instanceof Atom) return atom(term.tag.replace(/^(h3\w*?)\d\d@/, "$1@"));
  if (typeof term === "string") return term.replace(/#PID<[^>]*>/g, "#PID<>");
  if (isTuple(term)) return tupleFrom(all(term)) as unknown as Term;
  if (term instanceof Map || isPlainObject(term)) {
    const entries = (term instanceof Map ? [...term] : Object.entries(term)) as [Term, Term][];
    return entries.sort(([a], [b]) => compare(a, b)).map((entry) => tupleFrom(all(entry)) as unknown as Term);
  }
  if (!Array.isArray(term)) return term;
  return term.length > 0 && term.every(isFrame) ? atom("stacktrace") : all(term);
}

/** `{Module, Function, ArityOrArguments, Location}` of a stack trace. */
const isFrame = (term: unknown) =>
  isTuple(term) && term.length === 4 && term[0] instanceof Atom && term[1] instanceof Atom && Array.isArray(term[3]);
