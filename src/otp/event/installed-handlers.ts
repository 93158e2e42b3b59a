import { ArgumentError } from "../../base/index.ts";
import { type Process, type ProcessCore, Reason, reasonOf } from "../../runtime/index.ts";
import { atom, atomText, equals, inspect, Pid, type Term, tuple } from "../../term/index.ts";
import { NoReply, Reply, Stop } from "../server/results.ts";
import { shownTerm } from "../server/server-state.ts";
import type { EventHandler } from "./gen-event.ts";
import { type HandlerKey, handlerKey, handlerTerm, keyTerm } from "./gen-event-requests.ts";
import { RemoveHandler, SwapHandler } from "./gen-event-results.ts";

/** A handler that was added. */
export interface Installed extends HandlerKey {
  readonly handler: EventHandler;
  /** The process that is told of its end, and with which it ends. */
  readonly supervisor: Pid | false;
}

/** What became of a handler by the result of a callback: the one in its place, if any, and the answer to a call. */
interface Outcome {
  readonly left: Installed | undefined;
  readonly reply: Term;
}

export type MaybePromise<T> = T | Promise<T>;

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

/**
 * The handlers of one event manager: adds, asks and removes them, and tells those who supervise them of their ends.
 * Source: gen.md §6.
 */
export class InstalledHandlers {
  readonly #core: ProcessCore;
  readonly #label: string;
  readonly #classes: ReadonlyMap<string, new () => EventHandler>;
  readonly #process: Process;
  /** The last one added comes first. Never changed in place: events go through the list as it was when they came. */
  #handlers: readonly Installed[] = [];

  /** `process`: what handlers get as theirs, which is the manager's. */
  constructor(
    core: ProcessCore,
    label: string,
    classes: ReadonlyMap<string, new () => EventHandler>,
    process: Process,
  ) {
    this.#core = core;
    this.#label = label;
    this.#classes = classes;
    this.#process = process;
  }

  /** The last one added first. */
  list(): readonly Installed[] {
    return this.#handlers;
  }

  /** Ends all, as their manager ends. */
  endAll(): MaybePromise<void> {
    const handlers = this.#handlers;
    this.#handlers = [];
    return inTurn(handlers, (installed) => this.#end(installed, STOP, Reason.shutdown, STOP));
  }

  /** Runs a callback of every handler for a message. */
  each(message: Term, callback: (handler: EventHandler) => unknown): MaybePromise<void> {
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

  call(name: Term, request: Term): MaybePromise<Term> {
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

  add(name: Term, argument: Term, supervisor: Term): MaybePromise<Term> {
    if (supervisor instanceof Pid) this.#core.link(supervisor);
    else if (supervisor !== false) return exitOf(new ArgumentError("supervisor", `${inspect(supervisor)} is no pid`));
    const key = handlerKey(name);
    return after(this.#make(key.module, argument), (made) => {
      if (made instanceof NotAdded) return made.answer;
      this.#handlers = [{ ...key, handler: made, supervisor }, ...this.#handlers];
      return OK;
    });
  }

  delete(name: Term, argument: Term): MaybePromise<Term> {
    const installed = this.#find(name);
    if (installed === undefined) return NOT_FOUND;
    this.#put(installed, undefined);
    return this.#end(installed, argument, Reason.normal, atom("delete"));
  }

  /** The new one is added even if there was no old one, and is supervised as that was, unless `supervisor` says otherwise. */
  swap(name: Term, argument: Term, next: Term, nextArgument: Term, supervisor?: Term): MaybePromise<Term> {
    const installed = this.#find(name);
    const above = supervisor ?? installed?.supervisor ?? false;
    if (installed !== undefined) this.#put(installed, undefined);
    const ended = installed === undefined ? ERROR : this.#end(installed, argument, swapped(next, above), SWAPPED);
    return after(ended, (result) => {
      const added = this.add(next, tuple(nextArgument as object, result as object) as Term, above);
      return after(added, (answer) => (answer === OK ? OK : (tuple(ERROR, answer as object) as Term)));
    });
  }

  supervisorEnded(pid: Pid, reason: Term): MaybePromise<void> {
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
      const facts = { lastMessage: inspect(last) };
      this.#core.runtime.logger.error(
        `${this.#label} ${this.#core.pid}: handler ${inspect(name)} is removed: ${failure}`,
        facts,
      );
    }
    if (installed.supervisor === false) return;
    void this.#core.send(installed.supervisor, tuple(GEN_EVENT_EXIT, name as object, why as object), false);
  }

  #find(name: Term): Installed | undefined {
    const key = handlerKey(name);
    return this.#handlers.find((installed) => isNamed(installed, key));
  }

  #put(installed: Installed, next: Installed | undefined): void {
    if (next !== installed)
      this.#handlers = this.#handlers.flatMap((other) => (other === installed ? (next ?? []) : other));
  }

  modules(): Term[] {
    const modules: Term[] = [];
    for (const { module } of this.#handlers) if (!modules.some((other) => equals(other, module))) modules.push(module);
    return modules;
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
export function after<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
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

/** `{'EXIT', Reason}` */
export function exitOf(error: unknown): Term {
  return tuple(EXIT, reasonOf(error) as object) as Term;
}

function swapped(next: Term, supervisor: Term): Term {
  return tuple(SWAPPED, next as object, supervisor as object) as Term;
}

export function isNamed({ module, id }: HandlerKey, key: HandlerKey): boolean {
  return equals(module, key.module) && equals(id, key.id);
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
