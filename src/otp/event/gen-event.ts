import type { AnyApi, Destination, Process, ProcessCore } from "../../runtime/index.ts";
import { Exit } from "../../runtime/index.ts";
import { atom, type Term, tuple } from "../../term/index.ts";
import { type api, behaviour } from "../server/behaviour.ts";
import type { NoReply, Reply, Stop } from "../server/results.ts";
import { EventManager } from "./event-manager.ts";
import { GenEventProcess } from "./gen-event-process.ts";
import type { RemoveHandler, SwapHandler } from "./gen-event-results.ts";

type MaybePromise<T> = T | Promise<T>;

/** What `handleEvent` and `handleInfo` may result in; nothing means that the handler stays. */
// biome-ignore lint/suspicious/noConfusingVoidType: a callback without a return statement is what is meant
export type EventResult = void | NoReply | RemoveHandler | SwapHandler;

/** What `handleCall` of a handler may result in. */
export type EventCallResult<R = unknown> = Reply<R> | RemoveHandler<R> | SwapHandler<R>;

/** What `init` of a handler may result in; nothing means started, the reason of `stop` is the answer to who adds it. */
// biome-ignore lint/suspicious/noConfusingVoidType: a callback without a return statement is what is meant
export type HandlerInitResult = void | NoReply | Stop;

/** Handlers that a manager has to offer: the name of their module, as callers give it, and the class. */
export type EventHandlers = Readonly<Record<string, new () => EventHandler>>;

/**
 * Something that takes the events of an event manager. The instance is the state. Its callbacks run in the manager's
 * process, one handler after the other, the last one added first; they may be async, and all others wait then.
 *
 * A handler that throws is removed and the log says so; the manager and its other handlers go on. Source of truth: gen_event(3).
 */
export abstract class EventHandler {
  /** The process of the manager. Not there yet in the constructor. */
  declare protected readonly process: Process;

  /**
   * Runs when the handler is added, with the argument given there, or in a swap with `{Argument, Result}`, where `Result` is
   * what `terminate` of the one before returned, or `error` when there was none. `stop(answer)`: not added, and this is said.
   */
  init(_argument: Term): MaybePromise<HandlerInitResult> {}

  /** An event, from `notify` or `sync_notify`. Nothing, `removeHandler()` or `swapHandler(...)`. */
  abstract handleEvent(event: Term): MaybePromise<EventResult>;

  /** A call to this handler: `reply(value)`, `removeHandler(value)` or `swapHandler(..., value)`. The default fails. */
  handleCall(request: Term): MaybePromise<EventCallResult> {
    throw new Exit(tuple(atom("bad_call"), request as object));
  }

  /** Any other message to the manager; every handler gets it. The default logs and drops it. */
  handleInfo?(message: Term): MaybePromise<EventResult>;

  /**
   * Runs when the handler is removed. `reason` is the argument of `delete_handler` or of a swap, `remove_handler`, `stop` when
   * the manager ends, `{stop, Reason}` when the process that supervises it has ended, or `{error, Reason}` after a failure.
   * What it returns is the answer to `delete_handler`; nothing is `ok`.
   */
  terminate?(reason: Term): unknown;

  /** What `:sys.get_state/1` shows of it. The default: the public own fields. */
  inspectState?(): unknown;
}

/**
 * An event manager: a process that gives events to handlers, which are added and removed while it runs, from any node.
 * Which ones there can be is said by the class: a caller names a handler by its module, and nothing else can be added.
 *
 * Answers all of `:gen_event`. Source of truth: gen_event(3).
 */
export abstract class GenEvent {
  static [behaviour](core: ProcessCore, managerClass: typeof GenEvent): GenEventProcess {
    return new GenEventProcess(core, managerClass.name, managerClass.handlers);
  }

  /** The handlers that can be added, by module. An Elixir module is `[mod("Shop.Alarms").tag]`. */
  static readonly handlers: EventHandlers = {};

  /** A manager with these handlers to offer. */
  static of(handlers: EventHandlers): new () => GenEvent {
    return class extends GenEvent {
      static override readonly handlers = handlers;
    };
  }

  /** An event manager of any node, also one of a BEAM, to be used by that process. */
  static at(process: Process, manager: Destination): EventManager {
    return new EventManager(process, manager);
  }

  /** Not called as servers are; see {@link GenEvent.at}. */
  declare readonly [api]: Omit<AnyApi, "">;

  /** Managers have nothing to do when they start. */
  init(): void {}
}
