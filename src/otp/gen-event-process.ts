import { ArgumentError } from "../base/index.ts";
import { type InitialCall, Process, type ProcessCore, Reason, reasonOf } from "../runtime/index.ts";
import {
  atom,
  atomText,
  charlist,
  equals,
  inspect,
  isTuple,
  Pid,
  type Term,
  type Tuple,
  tuple,
} from "../term/index.ts";
import type { EventHandler, EventHandlers } from "./gen-event.ts";
import {
  type EventMessage,
  type HandlerKey,
  handlerKey,
  handlerTerm,
  keyTerm,
  readEventMessage,
} from "./gen-event-requests.ts";
import { RemoveHandler, SwapHandler } from "./gen-event-results.ts";
import { OtpProcess } from "./otp-process.ts";
import { NoReply, Reply, Stop } from "./results.ts";
import { replaceState, shownTerm, stateOf } from "./server-state.ts";
import { type StatusFacts, statusData, statusHeader } from "./sys-status.ts";

/** A handler that was added. */
interface Installed extends HandlerKey {
  readonly handler: EventHandler;
  /** The process that is told of its end, and with which it ends. */
  readonly supervisor: Pid | false;
}

/** What became of a handler by the result of a callback: the one in its place, if any, and the answer to a call. */
interface Outcome {
  readonly left: Installed | undefined;
  readonly reply: Term;
}

type MaybePromise<T> = T | Promise<T>;

const OK = atom("ok");
const ERROR = atom("error");
const EXIT = atom("EXIT");
const STOP = atom("stop");
const CRASH = atom("crash");
const SWAPPED = atom("swapped");
const REMOVE_HANDLER = atom("remove_handler");
const GEN_EVENT_EXIT = atom("gen_event_EXIT");
const BAD_MODULE = tuple(ERROR, atom("bad_module")) as Term;
const NOT_FOUND = tuple(ERROR, atom("module_not_found")) as Term;

/** Runs an event manager: takes its messages to the handlers, and their results to effect. Source: gen.md §6. */
export class GenEventProcess extends OtpProcess {
  readonly label: string;
  readonly #classes: ReadonlyMap<string, new () => EventHandler>;
  readonly #process: Process;
  /** The last one added comes first. Never changed in place: events go through the list as it was when they came. */
  #handlers: readonly Installed[] = [];

  constructor(core: ProcessCore, name: string, handlers: EventHandlers) {
    super(core, "gen_event");
    this.label = `GenEvent ${name}`.trimEnd();
    this.#classes = new Map(Object.entries(handlers));
    this.#process = new Process(core);
    core.trapExit = true;
  }

  init(_args: unknown, started: () => void): void {
    started();
  }

  protected handle(message: unknown): void | Promise<void> {
    const read = readEventMessage(this.core, message);
    switch (read.kind) {
      case "notify":
        return this.#notify(read.event);
      case "request":
        return this.#request(read);
      case "exit":
        return after(this.#supervisorEnded(read.pid, read.reason), () => this.#info(message as Term));
      case "info":
        return this.#info(message as Term);
    }
  }

  protected terminate(): MaybePromise<void> {
    const handlers = this.#handlers;
    this.#handlers = [];
    const ended = inTurn(handlers, (installed) => this.#end(installed, STOP, Reason.shutdown, STOP));
    return after(ended, () => {
      // Who supervises a handler must not be ended by the end of the manager.
      for (const { supervisor } of handlers) {
        if (supervisor !== false && supervisor.key !== this.parent?.key) this.core.unlink(supervisor);
      }
    });
  }

  /** `[{Module, Id, State}]` */
  protected state(): Term {
    return this.#handlers.map(stateTerm) as Term;
  }

  protected replaceState(): void {
    throw new ArgumentError("state", "each handler has a state of its own");
  }

  /** A function that fails for a handler, or gives something else than a state of it, leaves that one as it is. */
  protected override async changeState(change: (state: Term) => Promise<Term>): Promise<void> {
    for (const installed of this.#handlers) {
      try {
        const changed = await change(stateTerm(installed) as Term);
        if (isTuple(changed) && changed.length === 3 && isNamed(installed, handlerKeyOf(changed))) {
          replaceState(installed.handler, changed[2] as Term);
        }
      } catch {} // as OTP does
    }
  }

  protected override status({ name, sysState, parent, logged }: StatusFacts): Tuple[] {
    const handlers = this.#handlers.map(({ module, id, handler, supervisor }) =>
      tuple(atom("handler"), module as object, id as object, stateOf(handler) as object, supervisor),
    );
    return [
      statusHeader(`Status for event handler ${name}`),
      statusData(["Status", sysState], ["Logged Events", logged], ["Parent", parent]),
      tuple(atom("items"), tuple(charlist("Installed handlers"), handlers)),
    ];
  }

  override get initialCall(): InitialCall {
    return ["gen_event", "init_it", 6];
  }

  #request({ from, name, args }: Extract<EventMessage, { kind: "request" }>): void | Promise<void> {
    if (name === "stop") return this.end(Reason.normal, undefined, () => from.reply(OK));
    return after(this.#answer(name, args), (answer) => {
      try {
        from.reply(answer);
      } catch (error) {
        from.reply(tuple(ERROR, exitOf(error)));
      }
    });
  }

  #answer(name: string, [first, second, third, fourth, fifth]: readonly Term[]): MaybePromise<unknown> {
    switch (name) {
      case "sync_notify":
        return after(this.#notify(first!), () => OK);
      case "call":
        return this.#call(first!, second!);
      case "add_handler":
        return this.#add(first!, second!, false);
      case "add_sup_handler":
        return this.#add(first!, second!, third!);
      case "delete_handler":
        return this.#delete(first!, second!);
      case "swap_handler":
        return this.#swap(first!, second!, third!, fourth!);
      case "swap_sup_handler":
        return this.#swap(first!, second!, third!, fourth!, fifth);
      case "which_handlers":
        return this.#handlers.map(keyTerm);
      default:
        return this.#modules();
    }
  }

  #notify(event: Term): MaybePromise<void> {
    return this.#each(event, (handler) => handler.handleEvent(event));
  }

  #info(message: Term): MaybePromise<void> {
    return this.#each(message, (handler) => {
      if (handler.handleInfo !== undefined) return handler.handleInfo(message);
      this.#warn(`a handler received unexpected message: ${inspect(message)}`);
    });
  }

  /** Runs a callback of every handler for a message. */
  #each(message: Term, callback: (handler: EventHandler) => unknown): MaybePromise<void> {
    return inTurn(this.#handlers, (installed) =>
      after(
        attempt(() => callback(installed.handler)),
        (result) => {
          if (result === undefined || result instanceof NoReply) return;
          return after(this.#settle(installed, result, message), ({ left }) => this.#put(installed, left));
        },
      ),
    );
  }

  #call(name: Term, request: Term): MaybePromise<Term> {
    const installed = this.#find(name);
    if (installed === undefined) return BAD_MODULE;
    return after(
      attempt(() => installed.handler.handleCall(request)),
      (result) => {
        if (result instanceof Reply) return result.value as Term;
        return after(this.#settle(installed, result, request), ({ left, reply }) => {
          this.#put(installed, left);
          return reply;
        });
      },
    );
  }

  /** What the result of a callback asks for, where that is not just to go on. `last`: the event or request. */
  #settle(installed: Installed, result: unknown, last: Term): MaybePromise<Outcome> {
    if (result instanceof RemoveHandler) {
      const reply = result.reply as Term;
      const ended = this.#end(installed, REMOVE_HANDLER, Reason.normal, last);
      return after(ended, () => ({ left: undefined, reply }));
    }
    if (result instanceof SwapHandler) {
      return after(this.#replace(installed, result, last), (left) => ({ left, reply: result.reply as Term }));
    }
    const wrong = result instanceof Failed ? result.exit : shownTerm(result);
    const reply = tuple(ERROR, wrong as object) as Term;
    const ended = this.#end(installed, reply, wrong, last, result instanceof Failed ? result.text : inspect(wrong));
    return after(ended, () => ({ left: undefined, reply }));
  }

  /** The handler that a `swapHandler` puts into this one's place, undefined when that one does not start. */
  #replace(
    installed: Installed,
    { argument, next, nextArgument }: SwapHandler,
    last: Term,
  ): MaybePromise<Installed | undefined> {
    const { supervisor } = installed;
    const name = handlerTerm(next);
    const ended = this.#end(installed, argument as Term, swapped(name, supervisor), last);
    return after(ended, (result) => {
      const key = handlerKey(name);
      return after(this.#make(key.module, tuple(nextArgument as object, result as object) as Term), (made) => {
        if (!(made instanceof NotAdded)) return { ...key, handler: made, supervisor };
        this.#report({ ...key, supervisor }, CRASH, last, inspect(made.answer));
        return undefined;
      });
    });
  }

  #add(name: Term, argument: Term, supervisor: Term): MaybePromise<Term> {
    if (supervisor instanceof Pid) this.core.link(supervisor);
    else if (supervisor !== false) return exitOf(new ArgumentError("supervisor", `${inspect(supervisor)} is no pid`));
    const key = handlerKey(name);
    return after(this.#make(key.module, argument), (made) => {
      if (made instanceof NotAdded) return made.answer;
      this.#handlers = [{ ...key, handler: made, supervisor }, ...this.#handlers];
      return OK;
    });
  }

  #delete(name: Term, argument: Term): MaybePromise<Term> {
    const installed = this.#find(name);
    if (installed === undefined) return NOT_FOUND;
    this.#put(installed, undefined);
    return this.#end(installed, argument, Reason.normal, atom("delete"));
  }

  /** The new one is added even if there was no old one, and is supervised as that was, unless `supervisor` says otherwise. */
  #swap(name: Term, argument: Term, next: Term, nextArgument: Term, supervisor?: Term): MaybePromise<Term> {
    const installed = this.#find(name);
    const above = supervisor ?? installed?.supervisor ?? false;
    if (installed !== undefined) this.#put(installed, undefined);
    const ended = installed === undefined ? ERROR : this.#end(installed, argument, swapped(next, above), SWAPPED);
    return after(ended, (result) => {
      const added = this.#add(next, tuple(nextArgument as object, result as object) as Term, above);
      return after(added, (answer) => (answer === OK ? OK : (tuple(ERROR, answer as object) as Term)));
    });
  }

  #supervisorEnded(pid: Pid, reason: Term): MaybePromise<void> {
    const theirs = this.#handlers.filter(({ supervisor }) => supervisor !== false && supervisor.key === pid.key);
    const last = tuple(atom("parent_terminated"), tuple(pid, reason as object)) as Term;
    return inTurn(theirs, (installed) => {
      this.#put(installed, undefined);
      return this.#end(installed, tuple(STOP, reason as object) as Term, Reason.shutdown, last);
    });
  }

  /** A started handler of that module, or why there is none. */
  #make(module: Term, argument: Term): MaybePromise<EventHandler | NotAdded> {
    const name = atomText(module);
    const handlerClass = name === undefined ? undefined : this.#classes.get(name);
    if (handlerClass === undefined) return new NotAdded(missing(module, name, argument));
    let handler: EventHandler | undefined;
    const started = attempt(() => {
      handler = new handlerClass();
      Object.defineProperty(handler, "process", { value: this.#process });
      return handler.init(argument);
    });
    return after(started, (result) => {
      if (result === undefined || result instanceof NoReply) return handler!;
      if (result instanceof Failed) return new NotAdded(result.exit);
      return new NotAdded(shownTerm(result instanceof Stop ? result.reason : result));
    });
  }

  /**
   * Runs a handler's `terminate`, and gives what that returned. `why` is what its supervisor is told, `failure` what the log
   * says, if it was one.
   */
  #end(installed: Installed, argument: Term, why: Term, last: Term, failure?: string): MaybePromise<Term> {
    return after(
      attempt(() => installed.handler.terminate?.(argument)),
      (result) => {
        this.#report(installed, why, last, failure);
        if (result === undefined) return OK;
        return result instanceof Failed ? result.exit : shownTerm(result);
      },
    );
  }

  #report(installed: HandlerKey & Pick<Installed, "supervisor">, why: Term, last: Term, failure?: string): void {
    const name = keyTerm(installed);
    if (failure !== undefined) {
      const { core, label } = this;
      const facts = { lastMessage: inspect(last) };
      core.runtime.logger.error(`${label} ${core.pid}: handler ${inspect(name)} is removed: ${failure}`, facts);
    }
    if (installed.supervisor === false) return;
    void this.core.send(installed.supervisor, tuple(GEN_EVENT_EXIT, name as object, why as object), false);
  }

  #find(name: Term): Installed | undefined {
    const key = handlerKey(name);
    return this.#handlers.find((installed) => isNamed(installed, key));
  }

  #put(installed: Installed, next: Installed | undefined): void {
    if (next !== installed)
      this.#handlers = this.#handlers.flatMap((other) => (other === installed ? (next ?? []) : other));
  }

  #modules(): Term[] {
    const modules: Term[] = [];
    for (const { module } of this.#handlers) if (!modules.some((other) => equals(other, module))) modules.push(module);
    return modules;
  }

  #warn(text: string): void {
    this.core.runtime.logger.warn(`${this.label} ${this.core.pid}: ${text}`);
  }
}

/** A callback threw. */
class Failed {
  /** `{'EXIT', Reason}` */
  readonly exit: Term;
  readonly text: string;

  constructor(error: unknown) {
    this.exit = exitOf(error);
    this.text = error instanceof Error ? (error.stack ?? error.message) : inspect(this.exit);
  }
}

/** A handler did not start; the answer to who wanted it. */
class NotAdded {
  readonly answer: Term;

  constructor(answer: Term) {
    this.answer = answer;
  }
}

/** `next` of a value: at once, unless that is a promise. */
function after<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Runs `callback` on one after the other; without a promise as long as it gives none. */
function inTurn<T>(items: readonly T[], callback: (item: T) => unknown, from = 0): MaybePromise<void> {
  for (let i = from; i < items.length; i++) {
    const pending = callback(items[i]!);
    if (pending instanceof Promise) return pending.then(() => inTurn(items, callback, i + 1));
  }
}

/** The result of a callback, or how it failed. */
function attempt(callback: () => unknown): unknown {
  try {
    const result = callback();
    return result instanceof Promise ? result.catch((error: unknown) => new Failed(error)) : result;
  } catch (error) {
    return new Failed(error);
  }
}

function exitOf(error: unknown): Term {
  return tuple(EXIT, reasonOf(error) as object) as Term;
}

function swapped(next: Term, supervisor: Term): Term {
  return tuple(SWAPPED, next as object, supervisor as object) as Term;
}

function stateTerm({ module, id, handler }: Installed): Tuple {
  return tuple(module as object, id as object, stateOf(handler) as object);
}

function isNamed({ module, id }: HandlerKey, key: HandlerKey): boolean {
  return equals(module, key.module) && equals(id, key.id);
}

function handlerKeyOf([module, id]: Tuple): HandlerKey {
  return { module: module as Term, id: id as Term };
}

/** What OTP answers where there is no such module. */
function missing(module: Term, name: string | undefined, argument: Term): Term {
  const init = atom("init");
  const [reason, ...call] =
    name === undefined
      ? ["badarg", atom("erlang"), atom("apply"), [module, init, [argument]]]
      : ["undef", module, init, [argument]];
  return tuple(EXIT, tuple(atom(reason as string), [tuple(...(call as object[]), [])])) as Term;
}
