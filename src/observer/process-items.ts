import { OtpProcess } from "../otp/index.ts";
import type { MonitorTarget, ProcessCore } from "../runtime/index.ts";
import { atom, atomTerm, atomText, isList, isTuple, Pid, type Term, type Tuple, tuple } from "../term/index.ts";
import { badarg, mfaTerm, pairs, placeTerm } from "./terms.ts";
import { currentFunction, initialCall, parentOf, type View } from "./view.ts";

const UNDEFINED = atom("undefined");
const WORD_BYTES = 8;

/**
 * Bytes that a process with an empty server takes in V8, and a message, link or monitor of it; measured, and rounded. What
 * its state refers to is not in it: nobody knows to whom an object of JavaScript belongs.
 */
const PROCESS_BYTES = 4_000;
const ENTRY_BYTES = 200;

/** An estimate, good for telling a process with a long queue from others. */
export function memoryOf(core: ProcessCore): number {
  const entries = core.queueLength + core.links.peers().length + core.monitors.size + core.watches.size;
  return PROCESS_BYTES + ENTRY_BYTES * entries;
}

/** The items that `process_info/1` tells, in its order. */
const DEFAULT_ITEMS = [
  "current_function", "initial_call", "status", "message_queue_len", "links", "dictionary", "trap_exit", "error_handler",
  "priority", "group_leader", "total_heap_size", "heap_size", "stack_size", "reductions", "garbage_collection", "suspending",
]; // biome-ignore format: a list

/** Each item of `process_info/2`. What there is nothing of in JavaScript has the value of a process that never needed it. */
const ITEMS: Readonly<Record<string, (core: ProcessCore, view: View) => unknown>> = {
  async_dist: () => false,
  binary: () => [],
  catchlevel: () => 0,
  current_function: (core) => mfaTerm(currentFunction(core)),
  current_location: (core) => placeTerm(currentFunction(core)),
  current_stacktrace: (core) => [placeTerm(currentFunction(core))],
  dictionary: dictionaryOf,
  error_handler: () => atom("error_handler"),
  fullsweep_after: () => 0,
  garbage_collection: () => [
    ...pairs({ max_heap_size: maxHeapSize, min_bin_vheap_size: 0, min_heap_size: 0, fullsweep_after: 0, minor_gcs: 0 }),
  ],
  garbage_collection_info: () => [],
  group_leader: (core) => core.groupLeader,
  heap_size: (core) => Math.ceil(memoryOf(core) / WORD_BYTES),
  initial_call: (core) => mfaTerm(core.behaviour instanceof OtpProcess ? ["proc_lib", "init_p", 5] : initialCall(core)),
  label: (core) => core.behaviour.label ?? UNDEFINED,
  last_calls: () => false,
  links: (core) => core.links.peers(),
  max_heap_size: () => maxHeapSize,
  memory: memoryOf,
  message_queue_data: () => atom("on_heap"),
  message_queue_len: (core) => core.queueLength,
  messages: (core) => core.waiting(),
  min_bin_vheap_size: () => 0,
  min_heap_size: () => 0,
  monitored_by: (core) => [...core.watches].map(({ watcher }) => watcher),
  monitors: (core) => [...core.monitors.values()].map(({ target }) => monitorTerm(target)),
  parent: (core, view) => parentOf(view, core)?.pid ?? UNDEFINED,
  priority: () => atom("normal"),
  reductions: (core) => core.handled,
  registered_name: (core) => (core.name === undefined ? [] : atomTerm(core.name)),
  sequential_trace_token: () => [],
  stack_size: () => 0,
  status: (core) => atom(core.held ? "running" : core.queueLength > 0 ? "runnable" : "waiting"),
  suspending: () => [],
  total_heap_size: (core) => Math.ceil(memoryOf(core) / WORD_BYTES),
  trace: () => 0,
  trap_exit: (core) => core.trapExit,
};

const maxHeapSize = { error_logger: false, include_shared_binaries: false, kill: false, size: 0 };

/** `process_info/1`: what a process tells of itself unasked. */
export function defaultInfo(view: View, core: ProcessCore): Tuple[] {
  const named = core.name === undefined ? [] : ["registered_name"];
  return [...named, ...DEFAULT_ITEMS].map((item) => infoItem(view, core, atom(item)));
}

/** `process_info/2`: one item, or a list of them. @throws ErlangError `badarg` for what is none. */
export function askedInfo(view: View, core: ProcessCore, asked: Term): Tuple | Tuple[] | [] {
  if (isList(asked)) return (asked as Term[]).map((item) => infoItem(view, core, item));
  // Alone, and only alone, the name of a process without one is an empty list without the item.
  if (atomText(asked) === "registered_name" && core.name === undefined) return [];
  return infoItem(view, core, asked);
}

function infoItem(view: View, core: ProcessCore, item: Term): Tuple {
  if (isTuple(item) && item.length === 2 && atomText(item[0]) === "dictionary") {
    const entry = dictionaryOf(core, view).find(([key]) => key === item[1]);
    return tuple(item, (entry?.[1] ?? UNDEFINED) as object);
  }
  const name = atomText(item) ?? "";
  if (!Object.hasOwn(ITEMS, name)) throw badarg();
  return tuple(atom(name), ITEMS[name]!(core, view) as object);
}

/** What `proc_lib` keeps in the dictionary of an OTP process. */
function dictionaryOf(core: ProcessCore, view: View): Tuple[] {
  if (!(core.behaviour instanceof OtpProcess)) return [];
  const ancestors: object[] = [];
  const seen = new Set([core]);
  for (let next = parentOf(view, core); next !== undefined && !seen.has(next); next = parentOf(view, next)) {
    seen.add(next);
    ancestors.push(next.name === undefined ? next.pid : (atomTerm(next.name) as object));
  }
  return pairs({ $initial_call: mfaTerm(initialCall(core)), $ancestors: ancestors });
}

/** `{process, Pid | {Name, Node}}` */
function monitorTerm(target: MonitorTarget): Tuple {
  const object = target instanceof Pid ? target : tuple(atomTerm(target.name) as object, atom(target.node));
  return tuple(atom("process"), object);
}
