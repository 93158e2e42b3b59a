import type { AnyApi, Process, ProcessCore } from "../../runtime/index.ts";
import { type api, behaviour } from "../server/behaviour.ts";
import type { Ignore, Stop } from "../server/results.ts";
import type { StatemEvent } from "./gen-statem-events.ts";
import { type GenStatemClass, GenStatemProcess } from "./gen-statem-process.ts";
import type { InitialState, StateResult } from "./gen-statem-results.ts";

type MaybePromise<T> = T | Promise<T>;

type Mode = "state_functions" | "handle_event_function";

/** How the states of a machine are written; with `state_enter`, each state is told when it is entered. */
export type CallbackMode = Mode | readonly [Mode] | readonly [Mode, "state_enter"] | readonly ["state_enter", Mode];

/**
 * A state machine: a process that handles events by its state, can postpone them until that changes, and has timeouts
 * for events, states and by name. The instance is the data.
 *
 * In the mode `state_functions` a state is the name of a method, which is called with each event. What the BEAM sees is
 * an atom. In the mode `handle_event_function` a state is any term, and `handleEvent` gets it beside the event. Callbacks may be
 * async: events then wait. A throw ends the machine, after `terminate`, with the reason `{%RuntimeError{}, Stack}`.
 *
 * `Api` is the interface of its operations, as of a GenServer: what returns something is called, what returns `void` is cast.
 * `State` is the type of its states. Source of truth: gen_statem(3).
 */
export abstract class GenStatem<Api = AnyApi, State = unknown> {
  static [behaviour](core: ProcessCore, statemClass: GenStatemClass): GenStatemProcess {
    return new GenStatemProcess(core, statemClass);
  }

  /** `"state_functions"`, `"handle_event_function"`, or one of them in an array with `"state_enter"`. */
  static readonly callbackMode: CallbackMode = "state_functions";

  /** Carries the interface in the type; does not exist at run time. */
  declare readonly [api]: Api;

  /** The process that this machine is: pid, call, send, monitor, link and so on. Not there yet in the constructor. */
  declare protected readonly process: Process;

  /**
   * Runs first, with the `args` given to `start`, which waits for it. `initialState(state, actions?)` starts, `stop(reason)` or a
   * throw fails the start, `ignore()` does not start.
   */
  // biome-ignore lint/suspicious/noExplicitAny: narrowed by the class that overrides it
  abstract init(args: any): MaybePromise<InitialState<State> | Stop | Ignore>;

  /** In the mode `handle_event_function`: one event in one state, results as for a state's method. */
  handleEvent?(event: StatemEvent<Api, State>, state: State): MaybePromise<StateResult<State>>;

  /**
   * Runs before the machine ends by a result, by a throw, or, if it traps exits, with its parent; not when an exit signal ends
   * it. What it returns does not matter.
   */
  terminate?(reason: unknown, state: State): MaybePromise<void>;

  /** What `:sys.get_state/1` shows as the data. The default: the public own fields. */
  inspectState?(): unknown;
}
