import type { Caller } from "../node/index.ts";
import { CallerWithConsole } from "../node/index.ts";
import { type ProcessCore, Reason } from "../runtime/index.ts";
import { atom, atomTerm, Pid, type Term, type Tuple, tuple } from "../term/index.ts";
import { memoryOf } from "./process-items.ts";
import { ioOf, memory, schedulerTime } from "./system-items.ts";
import { badarg, mfaTerm } from "./terms.ts";
import { currentFunction, initialCall, type View } from "./view.ts";

const UNDEFINED = atom("undefined");

/** Processes told of in one message; as `observer_backend` has it. */
const CHUNK = 10_000;

/** `procs_info/1`: `{procs_info, Self, [Info]}`, in several messages when there are many processes. */
export async function procsInfo(view: View, caller: Caller, collector: Term): Promise<unknown> {
  const [self, to] = partners(caller, collector);
  const all = processInfos(view, self);
  for (let sent = 0; sent === 0 || sent < all.length; sent += CHUNK) {
    await self.send(to, tuple(atom("procs_info"), self.pid, all.slice(sent, sent + CHUNK)), false);
  }
  return atom("ok");
}

/** `etop_collect/1`: `{Self, #etop_info{}}` with all processes. */
export async function etopCollect(view: View, caller: Caller, collector: Term): Promise<unknown> {
  const [self, to] = partners(caller, collector);
  const all = processInfos(view, self);
  const bytes = new Map(memory(view).map(([kind, value]) => [(kind as { tag: string }).tag, value]));
  const kinds = ["total", "processes", "ets", "atom", "code", "binary"];
  const info = tuple(
    atom("etop_info"),
    timestamp(view.runtime.clock.wallTime()),
    all.length,
    UNDEFINED,
    schedulerTime(view),
    0,
    [],
    kinds.map((kind) => tuple(atom(kind), bytes.get(kind) as number)),
    all,
  );
  await self.send(to, tuple(self.pid, info), false);
  return atom("ok");
}

/** `fetch_stats/2`: `{stats, 1, SchedulerTime, Io, Memory}` every so many milliseconds, until anything is sent to the process. */
export async function fetchStats(view: View, caller: Caller, receiver: Term, ms: Term): Promise<unknown> {
  const [self, to] = partners(caller, receiver);
  if (typeof ms !== "number" || ms < 1) throw badarg();
  for (;;) {
    await pause(self, ms);
    if (!self.alive || self.queueLength > 0) break;
    await self.send(to, tuple(atom("stats"), 1, schedulerTime(view), ioOf(view), memory(view)), false);
  }
  return atom("ok");
}

/** `get_table/3`: there are no tables, so every one that is asked for has come to its end. */
export function getTable(view: View, receiver: Term): Pid {
  if (!(receiver instanceof Pid)) throw badarg();
  const core = view.runtime.spawn(() => ({ label: "observer_backend:get_table/3", receive() {} }));
  core.link(receiver);
  void core.send(receiver, tuple(core.pid, atom("$end_of_table")), false);
  core.exit(Reason.normal);
  return core.pid;
}

/** The process that runs the function, and the one that it is to tell. */
function partners(caller: Caller, receiver: Term): [self: ProcessCore, to: Pid] {
  const self = caller instanceof CallerWithConsole ? caller.process : undefined;
  if (self === undefined || !(receiver instanceof Pid)) throw badarg();
  return [self, receiver];
}

/** `{etop_proc_info, Pid, Memory, Reductions, NameOrInitialCall, 0, CurrentFunction, QueueLength}` of every process but one. */
function processInfos({ runtime }: View, without: ProcessCore): Tuple[] {
  return [...runtime.processes()]
    .filter((core) => core !== without)
    .map((core) =>
      tuple(
        atom("etop_proc_info"),
        core.pid,
        memoryOf(core),
        core.handled,
        (core.name === undefined ? mfaTerm(initialCall(core)) : atomTerm(core.name)) as object,
        0,
        mfaTerm(currentFunction(core)),
        core.queueLength,
      ),
    );
}

/** Until so much time is over, or the process has ended. */
function pause(core: ProcessCore, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const { abortSignal } = core;
    const done = () => {
      abortSignal.removeEventListener("abort", done);
      resolve();
    };
    abortSignal.addEventListener("abort", done);
    core.startTimer(ms, done);
  });
}

/** `{MegaSecs, Secs, MicroSecs}` */
function timestamp(ms: number): Tuple {
  const seconds = Math.floor(ms / 1000);
  return tuple(Math.floor(seconds / 1_000_000), seconds % 1_000_000, Math.floor((ms % 1000) * 1000));
}
