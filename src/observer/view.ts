import type { Node } from "../api/index.ts";
import { OtpProcess, SupervisingProcess } from "../otp/index.ts";
import { coreOf, type InitialCall, type ProcessCore, type Runtime } from "../runtime/index.ts";
import { atomText, type Pid, type Term } from "../term/index.ts";
import type { Machine } from "./machine.ts";
import { pidText } from "./terms.ts";

/** What the node's processes are shown as: one application. */
export interface Application {
  readonly name: string;
  readonly description: string;
  readonly version: string;
}

/** A node as tools see it. */
export interface View {
  readonly node: Node;
  readonly runtime: Runtime;
  /** The node's own process: the root of the application's tree, and who asks other processes. */
  readonly host: ProcessCore;
  readonly machine: Machine;
  readonly application: Application;
}

export function viewOf(node: Node, machine: Machine, application: Application): View {
  const host = coreOf(node);
  return { node, runtime: host.runtime, host, machine, application };
}

/** The living process of this node that is meant by a pid or a name. */
export function findProcess({ runtime }: View, target: Term): ProcessCore | undefined {
  const name = atomText(target);
  return name === undefined ? runtime.find(target as unknown as Pid) : runtime.names.find(name);
}

/** What a process began with. Those that are no behaviours are the library's own. */
export function initialCall({ behaviour }: ProcessCore): InitialCall {
  return behaviour.initialCall ?? ["tiebeam", behaviour.label ?? "process", 0];
}

/** Where a process is: in the loop of its behaviour, or in a callback that awaits something. */
export function currentFunction(core: ProcessCore): InitialCall {
  const [module, name] = initialCall(core);
  if (!(core.behaviour instanceof OtpProcess)) return [module, name, 0];
  return core.held ? [module, "callback", 0] : [core.behaviour.module, "loop", 0];
}

/** The process that keeps this one: what started it with a link, or a supervisor that it is linked to. */
export function parentOf({ runtime }: View, core: ProcessCore): ProcessCore | undefined {
  const { behaviour } = core;
  const parent = behaviour instanceof OtpProcess && behaviour.parent ? runtime.find(behaviour.parent) : undefined;
  if (parent !== undefined || behaviour instanceof SupervisingProcess) return parent;
  const linked = core.links.peers().map((pid) => runtime.find(pid));
  return linked.find((peer) => peer?.behaviour instanceof SupervisingProcess);
}

/** How a process is called in trees: by its name, else by its pid. */
export function nameInTree({ name, pid }: ProcessCore): string {
  return name ?? pidText(pid);
}
