import { ArgumentError } from "../../base/index.ts";
import {
  type Destination,
  Exit,
  ExitError,
  type From,
  type InitialCall,
  type ProcessCore,
  Reason,
  readGen,
  reasonOf,
  resolve,
} from "../../runtime/index.ts";
import {
  Atom,
  atom,
  atomTerm,
  charlist,
  inspect,
  isTuple,
  Pid,
  type Term,
  type Tuple,
  tuple,
} from "../../term/index.ts";
import { type GenServerClass, GenServerProcess } from "../server/gen-server-process.ts";
import type { StatusFacts } from "../sys/sys-status.ts";
import { endedWell, stopChild } from "./child-process.ts";
import type { CheckedSpec, ChildSpec } from "./child-spec.ts";
import { Supervise } from "./supervise.ts";

const EXIT = atom("EXIT");
const ERROR = atom("error");

/** Requests that change which children there are. */
const CHANGES: ReadonlySet<string> = new Set([
  "start_child",
  "start_task",
  "terminate_child",
  "restart_child",
  "delete_child",
]);

/** What supervisors of all kinds have in common: they trap exits, and stop their children before they end. */
export abstract class SupervisingProcess extends GenServerProcess {
  override readonly label: string;

  constructor(core: ProcessCore, serverClass: GenServerClass, kind: string) {
    super(core, serverClass);
    this.label = `${kind} ${serverClass.name}`;
    core.trapExit = true;
  }

  override get initialCall(): InitialCall {
    return ["supervisor", this.#callback, 1];
  }

  /** Says no to changes that other nodes may not make. They are made for the node that asks, and for no other. */
  override refuses(message: unknown, peer: string): boolean {
    if (super.refuses(message, peer)) return true;
    const gen = readGen(this.core, message);
    if (gen.kind !== "call" || !CHANGES.has(tagOf(gen.request) ?? "")) return false;
    const { supervisors = "all" } = this.rules;
    if (supervisors === "all" && gen.from.pid.node === peer) return false;
    gen.from.reply(badCall(gen.request));
    return true;
  }

  /** With what `supervisor:get_callback_module/1` looks for, whatever its release takes for the state. */
  protected override status(facts: StatusFacts): Tuple[] {
    const callback = tuple(charlist("Callback"), atomTerm(this.#callback) as object);
    return [...super.status(facts), tuple(atom("supervisor"), [callback])];
  }

  get #callback(): string {
    return this.className || "supervisor";
  }

  /** Takes what `init` said, and starts the children of it. @throws Exit when it is not to start. */
  protected abstract launch(supervise: Supervise): Promise<void>;

  /** The reply to a request, undefined for one that supervisors do not know. */
  protected abstract answer(request: Term, from: From): unknown;

  /** A process has ended that is linked to this one, maybe a child. */
  protected abstract childEnded(pid: Pid, reason: unknown): void | Promise<void>;

  /** Starts a child of a spec that was written here. @throws ExitError with what `start_child` would reply. */
  protected abstract addChild(spec: ChildSpec): Promise<Pid | undefined>;

  /** Stops all children. */
  protected abstract stopChildren(): Promise<void>;

  /** {@link addChild}, behind the messages that came before. */
  requestChild(spec: ChildSpec): Promise<Pid | undefined> {
    return new Promise((resolve, reject) => {
      this.core.enqueue(() => this.addChild(spec).then(resolve, reject));
    });
  }

  protected override begin(result: unknown, started: () => void): Promise<void> {
    if (!(result instanceof Supervise)) {
      throw new Exit(tuple(atom("bad_return"), (result === undefined ? atom("undefined") : inspect(result)) as object));
    }
    return this.launch(result).then(started, (error: unknown) => this.end(reasonOf(error), error));
  }

  protected override call(request: Term, from: From): void | Promise<void> {
    return this.guarded(
      () => this.answer(request, from),
      (reply) => {
        if (reply === undefined) this.#unexpected("call", request);
        this.reply(from, reply ?? badCall(request));
      },
    );
  }

  protected override cast(request: Term): void | Promise<void> {
    this.#unexpected("cast", request);
    this.traceNoReply();
  }

  protected override info(message: Term): void | Promise<void> {
    if (isTuple(message) && message.length === 3 && message[0] === EXIT && message[1] instanceof Pid) {
      const { 1: pid, 2: reason } = message;
      return this.guarded(() => this.childEnded(pid, reason), this.traceNoReply);
    }
    this.#unexpected("message", message);
    this.traceNoReply();
  }

  protected override end(reason: unknown, error?: unknown, lastReply?: () => void): void | Promise<void> {
    if (!this.core.alive) return;
    return this.stopChildren().then(() => super.end(reason, error, lastReply));
  }

  protected override replaceState(): void {
    throw new ArgumentError("state", "the state of a supervisor cannot be replaced");
  }

  /** Stops one child, and reports one that did not end as it should. */
  protected async stop({ spec, pid }: { readonly spec: StopSpec; readonly pid: Pid }): Promise<void> {
    const reason = await stopChild(this.core, pid, spec.shutdown);
    if (!endedWell(reason, spec.shutdown, spec.restart)) this.report("shutdown_error", spec, reason);
  }

  /** What a BEAM's supervisor reports, in its words. */
  protected report(context: string, { id }: { readonly id?: Term }, reason: unknown): void {
    const which = id === undefined ? "a child" : `child ${inspect(id)}`;
    this.core.runtime.logger.error(`${this.label} ${this.core.pid}: ${which}: ${context}: ${inspect(reason)}`);
  }

  #unexpected(what: string, term: Term): void {
    this.core.runtime.logger.warn(`${this.label} ${this.core.pid} received unexpected ${what}: ${inspect(term)}`);
  }
}

type StopSpec = Pick<CheckedSpec, "shutdown" | "restart"> & { readonly id?: Term };

/**
 * Adds a child to a supervisor of this node.
 *
 * @param user - the process in whose name it is done.
 * @returns the child's pid; undefined when its start function said `ignore`.
 * @throws ArgumentError for what is no supervisor here; ExitError with the reason that `start_child` replies.
 */
export async function addChild(user: ProcessCore, to: Destination, spec: ChildSpec): Promise<Pid | undefined> {
  const { runtime } = user;
  const target = resolve(to, runtime.identity.node);
  const local = target instanceof Pid || (target !== undefined && "name" in target) ? target : undefined;
  if (local === undefined || local.node !== runtime.identity.node) {
    throw new ArgumentError("supervisor", "must be one of this node: a start function cannot be sent");
  }
  const core = local instanceof Pid ? runtime.find(local) : runtime.names.find(local.name);
  if (core === undefined) throw new ExitError("call", to, Reason.noproc);
  const { behaviour } = core;
  if (!(behaviour instanceof SupervisingProcess)) throw new ArgumentError("supervisor", `${behaviour.label} is none`);
  return new Promise((resolve, reject) => {
    const watch = user.monitor(core.pid, (reason) => reject(new ExitError("call", to, reason)));
    behaviour
      .requestChild(spec)
      .finally(() => user.demonitor(watch))
      .then(resolve, reject);
  });
}

/** The answer to a request that supervisors do not know, or do not grant. */
function badCall(request: Term): Tuple {
  return tuple(ERROR, tuple(atom("bad_call"), request as object));
}

function tagOf(request: Term): string | undefined {
  return request instanceof Atom || isTuple(request) ? request.tag : undefined;
}

/** The name and the argument of a request `{Name, Argument}`; a bare atom has none. */
export function readRequest(request: Term): readonly [name: string | undefined, argument: Term | undefined] {
  if (request instanceof Atom) return [request.tag, undefined];
  if (isTuple(request) && request.length === 2 && request[0] instanceof Atom)
    return [request[0].tag, request[1] as Term];
  return [undefined, undefined];
}
