import { Exit, nameText, type Process, type ProcessName, type RegisteredName } from "../../runtime/index.ts";
import {
  Atom,
  atom,
  isList,
  isPlainObject,
  isTuple,
  type Pid,
  type Term,
  type TermObject,
  type Tuple,
  termKey,
  tuple,
} from "../../term/index.ts";
import type { SysOptions } from "../server/otp-process.ts";
import type { Ignore } from "../server/results.ts";
import type { StartedServer } from "../server/start.ts";

export type RestartType = "permanent" | "transient" | "temporary";

/** Milliseconds, `Infinity` for no limit, or at once. */
export type Shutdown = number | "brutal_kill";

export type AutoShutdown = "never" | "any_significant" | "all_significant";

/** What a start function may result in: the process, or that there is to be none. */
export type StartResult = Pid | { readonly pid: Pid } | Ignore | Tuple;

/**
 * How a process is started on a BEAM node: by a function there that does not link to it, or as a child of a supervisor there,
 * whose `start_child` is that of `module`, by default `supervisor`; for a `DynamicSupervisor` it is `mod("DynamicSupervisor")`.
 */
export type RemoteStart =
  | readonly [module: ProcessName, name: ProcessName, args: readonly unknown[]]
  | { readonly supervisor: ProcessName | Pid; readonly spec: TermObject; readonly module?: ProcessName };

/** How a supervisor starts a child: given to start functions, so that what they start is linked to the supervisor. */
export interface ChildStarter {
  readonly pid: Pid;
  /** The supervisor itself: for what is started in the name of a process, as tasks are. */
  readonly process: Process;
  /** Starts a server with a link to the supervisor, as `start_link` does. */
  start(
    server: new () => unknown,
    options?: SysOptions & { readonly name?: RegisteredName; readonly args?: unknown },
  ): Promise<StartedServer<unknown>>;
  /**
   * Starts a process on a BEAM node, and has it end there when the supervisor, or the connection, is gone.
   *
   * @param shutdown - what it is given to end then.
   * @returns what its start function gave.
   */
  startRemote(node: ProcessName, start: RemoteStart, shutdown: Shutdown): Promise<StartResult>;
}

/** What a supervisor needs to know of a child. Source of truth: supervisor(3), `child_spec()`. */
export interface ChildSpec {
  /** Tells it from its siblings. A string is the atom of that name, as names of processes are. */
  readonly id: Term;
  /** Starts it. A throw is a failed start; a process that is not linked to the supervisor yet is linked then. */
  readonly start: (supervisor: ChildStarter) => StartResult | Promise<StartResult>;
  /** `permanent`: always started again, the default; `transient`: unless it ended in order; `temporary`: never. */
  readonly restart?: RestartType;
  /** How long it may take to end when told so before it is killed. Default 5000, and `Infinity` for a supervisor. */
  readonly shutdown?: Shutdown;
  readonly type?: "worker" | "supervisor";
  /** Its end counts for the supervisor's `autoShutdown`. Not for permanent children. */
  readonly significant?: boolean;
  /** What `which_children` shows. Default: none. */
  readonly modules?: readonly ProcessName[];
}

/** What starts a child of a supervisor. */
export type Start = (supervisor: ChildStarter) => unknown;

/** A child spec that was checked, with everything filled in. */
export interface CheckedSpec {
  readonly id: Term;
  readonly start: Start;
  /** The `{M, F, A}` by which BEAM tools know the start function. */
  readonly mfa: Tuple;
  readonly restart: RestartType;
  readonly shutdown: Shutdown;
  readonly type: "worker" | "supervisor";
  readonly significant: boolean;
  readonly modules: Term;
}

const RESTARTS: readonly string[] = ["permanent", "transient", "temporary"];
const TYPES: readonly string[] = ["worker", "supervisor"];

/** @throws Exit with what OTP's `check_childspecs` says of it. */
export function checkSpec(spec: ChildSpec, autoShutdown: AutoShutdown): CheckedSpec {
  const { id, start, restart, shutdown, type, significant, modules } = spec;
  const term: TermObject = { start: tuple(atom("tiebeam"), atom("start"), []), modules: (modules ?? []).map(asAtom) };
  if (id !== undefined) term.id = typeof id === "string" ? atom(id) : id;
  if (restart !== undefined) term.restart = atom(restart);
  if (type !== undefined) term.type = atom(type);
  if (significant !== undefined) term.significant = significant;
  if (shutdown !== undefined) term.shutdown = shutdownTerm(shutdown);
  return readSpec(term, autoShutdown, () => start);
}

/**
 * Reads a child spec as Elixir and Erlang send it: a map, or a tuple of six.
 * @throws Exit with what OTP's `check_childspecs` says of it.
 */
export function readSpec(spec: Term, autoShutdown: AutoShutdown, startOf: (mfa: Tuple) => Start): CheckedSpec {
  const fields = fieldsOf(spec);
  if (!("id" in fields)) throw new Exit(atom("missing_id"));
  if (!("start" in fields)) throw new Exit(atom("missing_start"));
  const { id, start, restart = atom("permanent"), significant = false, type = atom("worker") } = fields;
  if (!isMfa(start)) throw invalid("invalid_mfa", start);
  if (!isOneOf(restart, RESTARTS)) throw invalid("invalid_restart_type", restart);
  checkSignificant(significant, restart, autoShutdown);
  if (!isOneOf(type, TYPES)) throw invalid("invalid_child_type", type);
  const { shutdown = type.tag === "worker" ? 5000 : atom("infinity"), modules = [start[0] as Atom] } = fields;
  checkModules(modules);
  return {
    id: id as Term,
    start: startOf(start),
    mfa: start,
    restart: restart.tag as RestartType,
    shutdown: readShutdown(shutdown),
    type: type.tag as "worker" | "supervisor",
    significant: significant === true,
    modules,
  };
}

/** @throws Exit `{duplicate_child_name, Id}`. */
export function checkUnique(specs: readonly CheckedSpec[]): void {
  const seen = new Set<unknown>();
  for (const { id } of specs) {
    if (seen.size === seen.add(termKey(id)).size) throw invalid("duplicate_child_name", id);
  }
}

export function shutdownTerm(shutdown: Shutdown): Term {
  if (shutdown === "brutal_kill") return atom("brutal_kill");
  return shutdown === Number.POSITIVE_INFINITY ? atom("infinity") : shutdown;
}

/** @throws Exit `{invalid_shutdown, Shutdown}`. */
export function readShutdown(shutdown: unknown): Shutdown {
  if (typeof shutdown === "number" && Number.isInteger(shutdown) && shutdown >= 0) return shutdown;
  if (shutdown instanceof Atom && shutdown.tag === "brutal_kill") return "brutal_kill";
  if (shutdown instanceof Atom && shutdown.tag === "infinity") return Number.POSITIVE_INFINITY;
  throw invalid("invalid_shutdown", shutdown);
}

function fieldsOf(spec: Term): TermObject {
  if (isTuple(spec) && spec.length === 6) {
    const [id, start, restart, shutdown, type, modules] = Array.from(spec) as [Term, Term, Term, Term, Term, Term];
    return { id, start, restart, shutdown, type, modules };
  }
  if (isPlainObject(spec)) return spec as TermObject;
  throw invalid("invalid_child_spec", spec);
}

function checkSignificant(significant: unknown, restart: Atom, autoShutdown: AutoShutdown): void {
  if (significant === false) return;
  if (significant !== true) throw invalid("invalid_significant", significant);
  const pair = (name: string, value: unknown) => tuple(atom(name), value as object);
  const combination = (other: Tuple) => invalid("bad_combination", [other, pair("significant", true)]);
  if (autoShutdown === "never") throw combination(pair("auto_shutdown", atom("never")));
  if (restart.tag === "permanent") throw combination(pair("restart", restart));
}

function checkModules(modules: unknown): void {
  if (modules instanceof Atom && modules.tag === "dynamic") return;
  if (!isList(modules)) throw invalid("invalid_modules", modules);
  for (const name of modules) if (!(name instanceof Atom)) throw invalid("invalid_module", name);
}

function isMfa(start: unknown): start is Tuple {
  return (
    isTuple(start) && start.length === 3 && start[0] instanceof Atom && start[1] instanceof Atom && isList(start[2])
  );
}

function isOneOf(value: unknown, allowed: readonly string[]): value is Atom {
  return value instanceof Atom && allowed.includes(value.tag);
}

function asAtom(name: ProcessName): Atom {
  return atom(nameText(name));
}

function invalid(what: string, value: unknown): Exit {
  return new Exit(tuple(atom(what), value as object));
}
