import type { Node } from "../api/index.ts";
import type { Caller, ExposedFunction } from "../node/index.ts";
import { atom, atomTerm, atomText, charlist, Pid, type Term, tuple } from "../term/index.ts";
import { applicationList, startAppmon } from "./appmon.ts";
import { etopCollect, fetchStats, getTable, procsInfo } from "./backend.ts";
import { type Machine, systemMachine } from "./machine.ts";
import { Modules } from "./modules.ts";
import { askedInfo, defaultInfo } from "./process-items.ts";
import { askSupervisor, askSys } from "./requests.ts";
import { memory, memoryOfKind, statistics, sysInfo, systemInfo } from "./system-items.ts";
import { badarg, mfaTerm } from "./terms.ts";
import { findProcess, initialCall, type View, viewOf } from "./view.ts";

const OK = atom("ok");
const UNDEFINED = atom("undefined");

/** Options of {@link exposeObserver}. */
export interface ObserverOptions {
  /** Only these nodes may look. Default: every node that knows the cookie. */
  readonly peers?: readonly string[];
  /** What the node's processes are shown as in the list of applications. Default: `tiebeam`, with the version of Node.js. */
  readonly application?: { readonly name: string; readonly description?: string; readonly version?: string };
}

type Functions = Record<string, ExposedFunction>;

/**
 * Lets the tools of other nodes look into this one: `:observer`, `:etop`, `Process.info/1` by rpc and whatever else asks
 * with the same functions. They list processes with their links, queues and parents, show the tree of supervisors, the state of
 * a chosen server, and the figures of the program. All of them only look; none changes anything.
 *
 * Whoever may look sees the messages that wait and the states of servers, with whatever secrets are in them.
 *
 * @returns a function that takes the functions back.
 * @throws ArgumentError when one of them is exposed already. What is shown, and what is not: docs/observability.md.
 */
export function exposeObserver(node: Node, options: ObserverOptions = {}): () => void {
  return exposeView(node, options, systemMachine);
}

/** The same for any machine. */
export function exposeView(node: Node, { peers, application }: ObserverOptions, machine: Machine): () => void {
  const view = viewOf(node, machine, {
    name: application?.name ?? "tiebeam",
    description: application?.description ?? "Processes of a Node.js program",
    version: application?.version ?? machine.engine.replace(/^v/, ""),
  });
  const withdrawals: (() => void)[] = [];
  const expose = (module: string, functions: Functions) => {
    withdrawals.push(node.expose(module, functions, peers && { peers }));
  };
  const withdraw = () => {
    for (const undo of withdrawals.splice(0)) undo();
  };
  try {
    for (const [module, functions] of Object.entries(functionsOf(view, expose))) expose(module, functions);
  } catch (error) {
    withdraw();
    throw error;
  }
  return withdraw;
}

function functionsOf(view: View, expose: (module: string, functions: Functions) => void): Record<string, Functions> {
  const modules = new Modules(view, expose);
  return {
    erlang: { ...processFunctions(view), ...systemFunctions(view), ...moduleFunctions(modules).erlang },
    "Elixir.Process": elixirProcess(view),
    "Elixir.Node": { "list/0": () => [], "list/1": (kind) => nodes(view, kind), "self/0": () => atom(view.node.name) },
    observer_backend: {
      "vsn/0": () => tuple(OK, charlist(view.application.version)),
      "sys_info/0": () => sysInfo(view),
      async "procs_info/1"(collector) {
        return procsInfo(view, this, collector);
      },
      async "etop_collect/1"(collector) {
        return etopCollect(view, this, collector);
      },
      async "fetch_stats/2"(receiver, ms) {
        return fetchStats(view, this, receiver, ms);
      },
      "get_port_list/0": () => [],
      "get_socket_list/0": () => [],
      "socket_info/0": () => [],
      "get_table_list/2": () => [],
      "get_table/3": (receiver) => getTable(view, receiver),
    },
    appmon_info: {
      "start_link2/3": (_starter, client) => {
        if (!(client instanceof Pid)) throw badarg();
        return tuple(OK, startAppmon(view, client).pid);
      },
    },
    application: applicationFunctions(view),
    code: moduleFunctions(modules).code,
    proc_lib: {
      "translate_initial_call/1": (pid: Term) => {
        const core = findProcess(view, pid);
        if (core === undefined) return tuple(atom("proc_lib"), atom("init_p"), 5);
        modules.show(initialCall(core)[0]);
        return mfaTerm(initialCall(core));
      },
    },
    sys: {
      "get_status/1": (target) => askSys(view, "get_status", target),
      "get_status/2": (target, timeout) => askSys(view, "get_status", target, timeout),
      "get_state/1": (target) => askSys(view, "get_state", target),
      "get_state/2": (target, timeout) => askSys(view, "get_state", target, timeout),
    },
    supervisor: {
      "which_children/1": (target) => askSupervisor(view, "which_children", target),
      "count_children/1": (target) => askSupervisor(view, "count_children", target),
    },
    net_kernel: { "get_net_ticktime/0": () => Math.round(view.node.netTickTimeMs / 1000) },
    net_adm: { "localhost/0": () => charlist(hostOf(view)) },
  };
}

function processFunctions(view: View): Functions {
  return {
    "processes/0": () => [...view.runtime.processes()].map(({ pid }) => pid),
    "process_info/1": (pid) => info(view, pid, defaultInfo) ?? UNDEFINED,
    "process_info/2": (pid, items) => info(view, pid, (_view, core) => askedInfo(view, core, items)) ?? UNDEFINED,
    "is_process_alive/1": (pid) => findLocal(view, pid) !== undefined,
    "registered/0": () => view.runtime.names.list().map((name) => atomTerm(name)),
    "whereis/1": (name) => view.runtime.names.find(nameOf(name))?.pid ?? UNDEFINED,
    "ports/0": () => [],
  };
}

function systemFunctions(view: View): Functions {
  return {
    "node/0": () => atom(view.node.name),
    "nodes/0": () => nodes(view, atom("visible")),
    "nodes/1": (kind) => nodes(view, kind),
    "system_info/1": (item) => systemInfo(view, item),
    "statistics/1": (item) => statistics(view, item),
    "memory/0": () => memory(view),
    "memory/1": (kind) => memoryOfKind(view, kind),
  };
}

/** What Elixir's `Process` makes of the same: `nil` for what is not there. */
function elixirProcess(view: View): Functions {
  return {
    "list/0": () => [...view.runtime.processes()].map(({ pid }) => pid),
    "registered/0": () => view.runtime.names.list().map((name) => atomTerm(name)),
    "whereis/1": (name) => view.runtime.names.find(nameOf(name))?.pid ?? null,
    "alive?/1": (pid) => findLocal(view, pid) !== undefined,
    "info/1": (pid) => info(view, pid, defaultInfo) ?? null,
    "info/2": (pid, items) => {
      const found = info(view, pid, (_view, core) => askedInfo(view, core, items));
      const unnamed = Array.isArray(found) && found.length === 0 && atomText(items) === "registered_name";
      return unnamed ? tuple(items, []) : (found ?? null);
    },
  };
}

function applicationFunctions(view: View): Functions {
  const { applications } = view.node;
  const running = () => applicationList(view, applications.which());
  const find = (name: Term) => applications.loaded().find((one) => one.name === atomText(name));
  const keysOf = (name: Term): Record<string, () => unknown> | undefined => {
    const whole = atomText(name) === view.application.name;
    const application = whole ? { ...view.application, applications: [] } : find(name);
    return (
      application && {
        description: () => charlist(application.description),
        vsn: () => charlist(application.version),
        applications: () => application.applications.map((needed) => atom(needed)),
        modules: () => [],
        registered: () => (whole ? view.runtime.names.list().map((registered) => atomTerm(registered)) : []),
      }
    );
  };
  return {
    "which_applications/0": running,
    "which_applications/1": running,
    "loaded_applications/0": () => applicationList(view, applications.loaded()),
    "get_application/1": (pid) => {
      const core = findProcess(view, pid);
      const leader = core && applications.which().find((one) => one.pid?.key === core.groupLeader.key);
      return core ? tuple(OK, atom(leader?.name ?? view.application.name)) : UNDEFINED;
    },
    "get_key/2": (name, key) => {
      const keys = keysOf(name);
      const value = keys && Object.hasOwn(keys, atomText(key) ?? "") ? keys[atomText(key)!] : undefined;
      return value === undefined ? UNDEFINED : tuple(OK, value() as object);
    },
    "get_env/2": () => UNDEFINED,
    "get_all_env/1": () => [],
  };
}

function moduleFunctions(modules: Modules): { erlang: Functions; code: Functions } {
  return {
    erlang: {
      "function_exported/3"(this: Caller, module, name, arity) {
        return modules.isExported(this, module, name, arity);
      },
    },
    code: {
      "ensure_loaded/1"(this: Caller, module) {
        return modules.ensureLoaded(this, module);
      },
      "is_loaded/1"(this: Caller, module) {
        return modules.isLoaded(this, module);
      },
      // Tools that bring their own code along are told what a BEAM says of code that is none.
      "load_binary/3": () => tuple(atom("error"), atom("badfile")),
      "load_file/1": () => tuple(atom("error"), atom("nofile")),
    },
  };
}

function info<T>(view: View, pid: Term, tell: (view: View, core: NonNullable<ReturnType<typeof findLocal>>) => T) {
  const core = findLocal(view, pid);
  return core && tell(view, core);
}

/** @throws ErlangError `badarg` for what is no pid, or one of another node. */
function findLocal(view: View, pid: Term) {
  if (!(pid instanceof Pid) || pid.node !== view.node.name) throw badarg();
  return view.runtime.find(pid);
}

function nameOf(term: Term): string {
  const name = atomText(term);
  if (name === undefined) throw badarg();
  return name;
}

/** `nodes/1` of one kind of node, or of several. */
function nodes({ node }: View, kinds: Term): Term[] {
  const wanted = (Array.isArray(kinds) ? [...kinds] : [kinds]).map(nameOf);
  const has = (...names: string[]) => names.some((name) => wanted.includes(name));
  const peers = node.stats().peers.filter(({ visible }) => has("connected", "known", visible ? "visible" : "hidden"));
  return [...(has("this", "known") ? [node.name] : []), ...peers.map((peer) => peer.node)].map((name) => atom(name));
}

function hostOf({ node }: View): string {
  return node.name.slice(node.name.indexOf("@") + 1);
}
