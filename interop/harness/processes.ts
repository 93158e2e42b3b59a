import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

// Read from /proc, which sees the processes of a root folder too. On a system without it, a process is running as
// long as it can be signalled, and has no known helpers.

/** Whether a process runs or is stopped; one that has ended and only waits to be collected does not count. */
export function isRunning(pid: number): boolean {
  const state = stateOf(pid);
  if (state !== undefined) return state !== "Z" && state !== "X";
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Resolves once the kernel shows the process as stopped (or gone). */
export async function untilStopped(pid: number): Promise<void> {
  while (isRunning(pid) && (stateOf(pid) ?? "T") !== "T") await sleep(1);
}

/** The helper programs that a BEAM started (`erl_child_setup` and what it started in turn). */
export function helpersOf(pid: number): number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const children = threads.flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
    return children.flatMap((child) => [child, ...helpersOf(child)]);
  } catch {
    return []; // it has ended meanwhile
  }
}

/** Waits until none of the processes runs any more. Rejects after five seconds. */
export async function untilGone(pids: readonly number[]): Promise<void> {
  for (const deadline = Date.now() + 5_000; pids.some(isRunning); await sleep(2)) {
    if (Date.now() > deadline) throw new Error(`still running: ${pids.filter(isRunning).join(", ")}`);
  }
}

/** The letter after the program's name in /proc: R, S, D run, T is stopped, Z has ended. */
function stateOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.[0];
  } catch {
    return undefined;
  }
}
