import { ArgumentError } from "../../base/index.ts";
import { nameText, type ProcessCore, type ProcessName } from "../../runtime/index.ts";
import { type Atom, atom, Pid, type Term } from "../../term/index.ts";
import { type RemoteFunction, startKept } from "./child-keeper.ts";
import { type ChildSpec, type RemoteStart, type Shutdown, shutdownTerm } from "./child-spec.ts";

/** How to run a process of another node as a child. */
export interface RemoteChildOptions extends Omit<ChildSpec, "start"> {
  /** The node that it runs on: one of Erlang or Elixir. Connected to when there is no link. */
  readonly node: ProcessName;
  readonly start: RemoteStart;
}

/**
 * The spec of a child that runs on a BEAM node.
 *
 * `start` is a function there that starts a process without linking to it, `[mod("GenServer"), "start", [module, args]]`, or a
 * supervisor there that is to start it. The child is linked to our supervisor, is told `shutdown` when it is stopped, and ends
 * when our supervisor or the connection does, even if it traps exits: a process beside it sees to that. A node that is lost is
 * the end of its children; restarts fail until it is back, and each counts for `maxRestarts`.
 *
 * @throws ArgumentError for a `start_link`, which would make the child end together with what started it there. One that is
 * found out only by what it does fails the start with `{linked_to_starter, {M, F, Arity}}`.
 */
export function remoteChild({ node, start, ...spec }: RemoteChildOptions): ChildSpec {
  const shutdown = spec.shutdown ?? (spec.type === "supervisor" ? Number.POSITIVE_INFINITY : 5000);
  functionOf(node, start); // what cannot be right is refused where it is written
  return { ...spec, shutdown, start: (supervisor) => supervisor.startRemote(node, start, shutdown) };
}

/** What the starter of the supervisor `core` does for {@link remoteChild}. */
export function startRemote(
  core: ProcessCore,
  node: ProcessName,
  start: RemoteStart,
  shutdown: Shutdown,
): Promise<Term> {
  const patience = shutdown === "brutal_kill" ? 0 : (shutdownTerm(shutdown) as number | Atom);
  return startKept(core, functionOf(node, start), patience);
}

function functionOf(on: ProcessName, start: RemoteStart): RemoteFunction {
  const node = nameText(on);
  if ("supervisor" in start) {
    const { supervisor, spec, module = "supervisor" } = start;
    const child = { ...spec, restart: atom("temporary") }; // two supervisors must not both restart it
    const target = supervisor instanceof Pid ? supervisor : nameAtom(supervisor);
    return { node, module: nameAtom(module), name: atom("start_child"), args: [target, child] };
  }
  const [module, name, args] = start;
  if (nameText(name).startsWith("start_link")) {
    throw new ArgumentError("start", `${nameText(name)} links the child to what starts it there, and ends with that`);
  }
  return { node, module: nameAtom(module), name: nameAtom(name), args };
}

function nameAtom(name: ProcessName): Atom {
  return atom(nameText(name));
}
