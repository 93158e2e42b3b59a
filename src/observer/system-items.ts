import { atom, atomText, charlist, isTuple, type Term, type Tuple, tuple } from "../term/index.ts";
import { badarg, pairs } from "./terms.ts";
import type { View } from "./view.ts";

/** The release whose functions these are. */
const OTP_RELEASE = "25";
const DIST_BUF_BUSY_LIMIT = 1_048_576;
const WORD_BYTES = 8;

/** The items of `erlang:system_info/1`. There are no ports, no tables and no code, and one thread runs all processes. */
const ITEMS: Readonly<Record<string, (view: View) => unknown>> = {
  atom_count: () => 0,
  atom_limit: () => 1_048_576,
  creation: ({ node }) => node.creation,
  dirty_cpu_schedulers: () => 0,
  dirty_cpu_schedulers_online: () => 0,
  dirty_io_schedulers: () => 0,
  dist_buf_busy_limit: () => DIST_BUF_BUSY_LIMIT,
  ets_count: () => 0,
  ets_limit: () => 8_192,
  kernel_poll: () => true,
  logical_processors: ({ machine }) => machine.processors,
  logical_processors_available: ({ machine }) => machine.processors,
  logical_processors_online: ({ machine }) => machine.processors,
  machine: () => charlist("tiebeam"),
  multi_scheduling: () => atom("enabled"),
  otp_release: () => charlist(OTP_RELEASE),
  port_count: () => 0,
  port_limit: () => 65_536,
  process_count: ({ runtime }) => runtime.counts().processes,
  process_limit: () => 2 ** 28,
  schedulers: () => 1,
  schedulers_online: () => 1,
  smp_support: () => true,
  system_architecture: ({ machine }) => charlist(machine.architecture),
  system_version: (view) => charlist(`tiebeam on Node.js ${view.machine.engine}\n`),
  thread_pool_size: () => 0,
  threads: () => true,
  version: ({ machine }) => charlist(machine.engine),
  wordsize: () => WORD_BYTES,
};

/** @throws ErlangError `badarg` for an item that there is not. */
export function systemInfo(view: View, item: Term): unknown {
  if (isTuple(item) && item.length === 2 && atomText(item[0]) === "wordsize") return WORD_BYTES;
  const name = atomText(item) ?? "";
  if (!Object.hasOwn(ITEMS, name)) throw badarg();
  return ITEMS[name]!(view);
}

/** `erlang:statistics/1`. @throws ErlangError `badarg` for what is not counted. */
export function statistics(view: View, item: Term): unknown {
  const { machine } = view;
  switch (atomText(item)) {
    case "io":
      return ioOf(view);
    case "reductions":
      return tuple(reductionsOf(view), 0);
    case "run_queue":
    case "total_run_queue_lengths":
      return runQueueOf(view);
    case "runtime":
      return tuple(machine.cpuMs(), 0);
    case "scheduler_wall_time":
    case "scheduler_wall_time_all":
      return schedulerTime(view);
    case "wall_clock":
      return tuple(machine.uptimeMs(), 0);
    case "garbage_collection":
    case "context_switches":
      return atomText(item) === "garbage_collection" ? tuple(0, 0, 0) : tuple(0, 0);
    default:
      throw badarg();
  }
}

/**
 * `erlang:memory/0`: the heap of JavaScript stands for the processes, which live in it, and the rest of what the program
 * holds for the system.
 */
export function memory({ machine }: View): Tuple[] {
  const { total, heap, buffers } = machine.memory();
  return pairs({
    total,
    processes: heap,
    processes_used: heap,
    system: total - heap,
    atom: 0,
    atom_used: 0,
    binary: buffers,
    code: 0,
    ets: 0,
  });
}

/** One kind of it, or several. */
export function memoryOfKind(view: View, kind: Term): unknown {
  const all = new Map(memory(view).map(([name, bytes]) => [name as unknown, bytes]));
  const one = (name: unknown) => {
    if (!all.has(name)) throw badarg();
    return all.get(name);
  };
  return Array.isArray(kind) && !isTuple(kind)
    ? kind.map((name) => tuple(name as object, one(name) as number))
    : one(kind);
}

/** What the event loop was busy and not, as the time of the only scheduler. */
export function schedulerTime({ machine }: View): Tuple[] {
  const { activeMs, idleMs } = machine.eventLoop();
  const micros = (ms: number) => Math.floor(ms * 1000);
  return [tuple(1, micros(activeMs), micros(activeMs + idleMs))];
}

/** `{{input, Bytes}, {output, Bytes}}` of the connections that are up. */
export function ioOf({ node }: View): Tuple {
  let [input, output] = [0, 0];
  for (const { bytesRead, bytesWritten } of node.stats().peers) {
    input += bytesRead;
    output += bytesWritten;
  }
  return tuple(tuple(atom("input"), input), tuple(atom("output"), output));
}

/** `observer_backend:sys_info/0`, in its order. */
export function sysInfo(view: View): Tuple[] {
  const { machine } = view;
  const [[, input], [, output]] = ioOf(view) as unknown as [Tuple, Tuple];
  const from = (...names: string[]) =>
    pairs(Object.fromEntries(names.map((name) => [name, systemInfo(view, atom(name))])));
  return [
    ...pairs({ uptime: machine.uptimeMs(), run_queue: runQueueOf(view), io_input: input, io_output: output }),
    ...from("logical_processors", "logical_processors_online", "logical_processors_available"),
    ...from("schedulers", "schedulers_online"),
    ...pairs({ schedulers_available: 1 }),
    ...from(
      "otp_release",
      "version",
      "system_architecture",
      "kernel_poll",
      "smp_support",
      "threads",
      "thread_pool_size",
    ),
    ...pairs({ wordsize_internal: WORD_BYTES, wordsize_external: WORD_BYTES, alloc_info: [] }),
    ...from("process_count", "atom_limit", "atom_count", "process_limit"),
    ...from("process_count", "port_limit", "port_count", "ets_limit", "ets_count", "dist_buf_busy_limit"),
    ...memory(view),
  ];
}

/** Processes with messages to handle that wait for their turn. */
function runQueueOf({ runtime }: View): number {
  let count = 0;
  for (const core of runtime.processes()) if (!core.held && core.queueLength > 0) count++;
  return count;
}

function reductionsOf({ runtime }: View): number {
  let count = 0;
  for (const core of runtime.processes()) count += core.handled;
  return count;
}
