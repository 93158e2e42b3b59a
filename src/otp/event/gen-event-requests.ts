import { From, type ProcessCore, type ProcessName } from "../../runtime/index.ts";
import { Atom, atom, isTuple, Pid, type Term, type Tuple, tuple } from "../../term/index.ts";

/** The name of a handler: its module, or `{Module, Id}` where a manager has several of one module. */
export type HandlerName = ProcessName | Tuple;

/** A handler's name, in its two parts; `false` for the id that is not there, as OTP has it. */
export interface HandlerKey {
  readonly module: Term;
  readonly id: Term;
}

/** What a message is to an event manager. */
export type EventMessage =
  | { readonly kind: "notify"; readonly event: Term }
  | { readonly kind: "request"; readonly from: From; readonly name: string; readonly args: readonly Term[] }
  | { readonly kind: "exit"; readonly pid: Pid; readonly reason: Term }
  | { readonly kind: "info" };

const NOTIFY = atom("notify");
const EXIT = atom("EXIT");
const INFO: EventMessage = { kind: "info" };

/** How many arguments each request has. Source: gen.md §6. */
const ARITY: ReadonlyMap<string, number> = new Map([
  ["sync_notify", 1],
  ["call", 2],
  ["add_handler", 2],
  ["add_sup_handler", 3],
  ["delete_handler", 2],
  ["swap_handler", 4],
  ["swap_sup_handler", 5],
  ["which_handlers", 0],
  ["get_modules", 0],
  ["stop", 0],
]);

/** Reads `{notify, Event}`, `{Pid, {Pid, Tag}, Command}` and `{'EXIT', Pid, Reason}`; anything else is an info. */
export function readEventMessage(core: ProcessCore, message: unknown): EventMessage {
  if (!isTuple(message)) return INFO;
  if (message[0] === NOTIFY && message.length === 2) return { kind: "notify", event: message[1] as Term };
  if (message.length !== 3) return INFO;
  const [first, from, command] = message;
  if (first === EXIT && from instanceof Pid) return { kind: "exit", pid: from, reason: command as Term };
  if (!isTuple(from) || from.length !== 2 || !(from[0] instanceof Pid)) return INFO;
  const [name, ...args] = isTuple(command) ? (Array.from(command) as Term[]) : [command as Term];
  if (!(name instanceof Atom) || ARITY.get(name.tag) !== args.length) return INFO;
  return { kind: "request", from: new From(core, from[0], from[1]), name: name.tag, args };
}

/** A handler's name as it goes over the wire: a string is an atom. */
export function handlerTerm(name: HandlerName): Term {
  return (typeof name === "string" ? atom(name) : name) as Term;
}

export function handlerKey(name: Term): HandlerKey {
  return isTuple(name) && name.length === 2
    ? { module: name[0] as Term, id: name[1] as Term }
    : { module: name, id: false };
}

/** A handler's name as `which_handlers` lists it. */
export function keyTerm({ module, id }: HandlerKey): Term {
  return id === false ? module : (tuple(module as object, id as object) as Term);
}
