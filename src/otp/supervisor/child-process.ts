import type { Timer } from "../../base/index.ts";
import {
  ExitError,
  isOrderly,
  type Outcome,
  Process,
  type ProcessCore,
  Reason,
  reasonOf,
} from "../../runtime/index.ts";
import { atom, isTuple, Pid, type Tuple, tuple } from "../../term/index.ts";
import type { GenServer } from "../server/gen-server.ts";
import { OtpProcess } from "../server/otp-process.ts";
import { Ignore } from "../server/results.ts";
import { startServer } from "../server/start.ts";
import { startRemote } from "./child-remote.ts";
import type { ChildStarter, RestartType, Shutdown, Start } from "./child-spec.ts";

/** How the start of a child ended. `crashed`: the start function itself failed, rather than say that it could not. */
export type StartOutcome =
  | { readonly kind: "started"; readonly pid: Pid; readonly info: readonly unknown[] }
  | { readonly kind: "ignored" }
  | { readonly kind: "failed"; readonly reason: unknown; readonly crashed: boolean };

const OK = atom("ok");
const ERROR = atom("error");
const IGNORE = atom("ignore");
const UNDEFINED = atom("undefined");

/** Runs a start function for the supervisor `core`, and links what it started. */
export async function startChild(core: ProcessCore, start: Start): Promise<StartOutcome> {
  try {
    const outcome = readStart(await start(starterOf(core)));
    if (outcome.kind === "started" && core.alive) adopt(core, outcome.pid);
    else if (outcome.kind === "started") abandon(core, outcome.pid);
    return outcome;
  } catch (error) {
    if (!(error instanceof ExitError)) return { kind: "failed", reason: reasonOf(error), crashed: true };
    return error.reason === IGNORE ? { kind: "ignored" } : { kind: "failed", reason: error.reason, crashed: false };
  }
}

/** A start function that is the exposed function `{M, F, A}`, as the node `peer` may call it. */
export function exposedStart(
  core: ProcessCore,
  peer: string,
  mfa: Tuple,
  extraArguments: readonly unknown[] = [],
): Start {
  const [module, name, args] = mfa;
  return async () => {
    const all = [...extraArguments, ...(args as unknown[])];
    return startResult(await core.runtime.functions.call(peer, module, name, all));
  };
}

/**
 * Ends a child as its `shutdown` says, and gives the reason with which it ended. The link stays until then: if the supervisor
 * is killed meanwhile, the child goes with it.
 */
export function stopChild(
  core: ProcessCore,
  pid: Pid,
  shutdown: Shutdown,
  why: unknown = Reason.shutdown,
): Promise<unknown> {
  return new Promise((resolve) => {
    let timer: Timer | undefined;
    let ended = false;
    core.monitor(pid, (reason) => {
      ended = true;
      timer?.cancel();
      core.unlink(pid);
      resolve(reason);
    });
    if (ended) return;
    core.sendExit(pid, shutdown === "brutal_kill" ? Reason.kill : why);
    if (ended || shutdown === "brutal_kill" || shutdown === Number.POSITIVE_INFINITY) return;
    timer = core.startTimer(shutdown, () => core.sendExit(pid, Reason.kill));
  });
}

/** Whether a child that was told to end did so as it should; anything else is reported. */
export function endedWell(reason: unknown, shutdown: Shutdown, restart: RestartType): boolean {
  if (reason === Reason.noproc || reason === (shutdown === "brutal_kill" ? Reason.killed : Reason.shutdown))
    return true;
  return restart !== "permanent" && isOrderly(reason);
}

function starterOf(core: ProcessCore): ChildStarter {
  return {
    pid: core.pid,
    process: new Process(core),
    start: (server, options = {}) =>
      startServer(core, server as new () => GenServer<unknown>, { ...options, link: true }),
    startRemote: async (node, start, shutdown) => (await startRemote(core, node, start, shutdown)) as Tuple,
  };
}

/** A start function that failed inside: its reason is wrapped by some supervisors and not by others. */
class StartCrash {
  readonly reason: unknown;

  constructor(reason: unknown) {
    this.reason = reason;
  }
}

function startResult(outcome: Outcome): unknown {
  switch (outcome.kind) {
    case "return":
    case "throw":
      return outcome.value;
    case "exit":
      return new StartCrash(outcome.reason);
    case "error":
      return new StartCrash(tuple(outcome.reason as object, outcome.stack));
  }
}

/** `{ok, Pid}`, `{ok, Pid, Info}`, `ignore`, `{error, Reason}`; in TypeScript also the pid, or what `start` gave. */
function readStart(result: unknown): StartOutcome {
  if (result instanceof StartCrash) return { kind: "failed", reason: result.reason, crashed: true };
  if (result instanceof Ignore || result === IGNORE) return { kind: "ignored" };
  if (result instanceof Pid) return { kind: "started", pid: result, info: [] };
  if (isTuple(result)) {
    const [tag, value, ...info] = Array.from(result) as unknown[];
    if (tag === OK && value instanceof Pid && info.length <= 1) return { kind: "started", pid: value, info };
    if (tag === OK && value === UNDEFINED) return { kind: "ignored" }; // so says a supervisor of another node
    if (tag === ERROR && result.length === 2) return { kind: "failed", reason: value, crashed: false };
  } else if (hasPid(result)) return { kind: "started", pid: result.pid, info: [] };
  return { kind: "failed", reason: result ?? atom("undefined"), crashed: false };
}

function hasPid(result: unknown): result is { readonly pid: Pid } {
  return typeof result === "object" && result !== null && "pid" in result && result.pid instanceof Pid;
}

/** The supervisor was killed while the start function ran: the child ends as with the link that it would have had. */
function abandon(core: ProcessCore, to: Pid): void {
  const { runtime, pid, exitReason } = core;
  const behaviour = runtime.find(to)?.behaviour;
  if (behaviour instanceof OtpProcess) behaviour.parent ??= pid;
  void runtime.route(to.node, { op: "exit", from: pid, to, reason: exitReason }, false);
}

/** Links a process that a start function gave; a server that has no parent yet gets this one, whose end is then its own. */
function adopt(core: ProcessCore, pid: Pid): void {
  const behaviour = core.runtime.find(pid)?.behaviour;
  if (pid.node === core.runtime.identity.node && behaviour instanceof OtpProcess) behaviour.parent ??= core.pid;
  core.link(pid);
}
