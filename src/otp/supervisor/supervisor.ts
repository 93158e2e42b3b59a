import type { ProcessCore } from "../../runtime/index.ts";
import type { Atom, Pid, Term, TermObject, Tuple } from "../../term/index.ts";
import { behaviour, supervises } from "../server/behaviour.ts";
import { GenServer } from "../server/gen-server.ts";
import type { GenServerClass } from "../server/gen-server-process.ts";
import type { Ignore, Stop } from "../server/results.ts";
import type { ChildSpec } from "./child-spec.ts";
import { type Supervise, type SuperviseOptions, supervise } from "./supervise.ts";
import { SupervisorProcess } from "./supervisor-process.ts";

/** A child as it is listed: id, pid or `undefined` or `restarting`, type, modules. */
export type ListedChild = Tuple<
  readonly [Term, Pid | Atom<"undefined"> | Atom<"restarting">, Atom<"worker"> | Atom<"supervisor">, Term]
>;

/** The reply of `count_children`: `{specs, N}`, `{active, N}`, `{supervisors, N}`, `{workers, N}`. */
export type ChildCounts = Tuple<readonly [Atom<"specs" | "active" | "supervisors" | "workers">, number]>[];

type NotFound = Tuple<readonly [Atom<"error">, Atom<"not_found">]>;
type Failed = Tuple<readonly [Atom<"error">, Term]>;

/** What a supervisor of any node can be asked. */
export interface SupervisorApi {
  /** The last one started comes first. */
  which_children(): ListedChild[];
  count_children(): ChildCounts;
  /** Stops a child. Its spec stays, unless it is temporary. */
  terminate_child(id: Term): Atom<"ok"> | NotFound;
  /** Starts a child that is not running. */
  restart_child(id: Term): Tuple<readonly [Atom<"ok">, Pid | Atom<"undefined">]> | Failed;
  /** Forgets a child that is not running. */
  delete_child(id: Term): Atom<"ok"> | Failed;
  get_childspec(idOrPid: Term): Tuple<readonly [Atom<"ok">, TermObject]> | NotFound;
}

/**
 * A process that starts other processes, its children, and starts them again when they fail.
 *
 * `init` says which and how, with `supervise(children, options)`. Children start in order, each once the one before has
 * started, and stop in the reverse one. Answers the calls of Elixir's `Supervisor` from any node. Source of truth:
 * supervisor(3).
 */
export abstract class Supervisor extends GenServer<SupervisorApi> {
  static readonly [supervises] = true;

  static override [behaviour](core: ProcessCore, serverClass: GenServerClass): SupervisorProcess {
    return new SupervisorProcess(core, serverClass);
  }

  /** A supervisor of these children, when there is nothing else to say in an `init`. */
  static of(children: readonly ChildSpec[], options?: SuperviseOptions): new () => Supervisor {
    return class extends Supervisor {
      override init(): Supervise<SuperviseOptions> {
        return supervise(children, options);
      }
    };
  }

  /**
   * `supervise(children, options)`, `ignore()` or `stop(reason)`. The start fails with
   * `{shutdown, {failed_to_start_child, Id, Reason}}` when a child cannot be started; those before it are stopped then.
   */
  // biome-ignore lint/suspicious/noExplicitAny: narrowed by the class that overrides it
  abstract override init(args: any): MaybePromise<Supervise<SuperviseOptions> | Ignore | Stop>;
}

type MaybePromise<T> = T | Promise<T>;
