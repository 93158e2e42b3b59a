import type { ProcessCore } from "../../runtime/index.ts";
import type { Atom, Pid, Tuple } from "../../term/index.ts";
import { behaviour, supervises } from "../server/behaviour.ts";
import { GenServer } from "../server/gen-server.ts";
import type { GenServerClass } from "../server/gen-server-process.ts";
import type { Ignore, Stop } from "../server/results.ts";
import { DynamicSupervisorProcess } from "./dynamic-supervisor-process.ts";
import { type DynamicOptions, type Supervise, superviseDynamically } from "./supervise.ts";
import type { ChildCounts, ListedChild } from "./supervisor.ts";

/** What a dynamic supervisor of any node can be asked. */
export interface DynamicSupervisorApi {
  which_children(): ListedChild[];
  count_children(): ChildCounts;
  /** Stops a child and forgets it. */
  terminate_child(pid: Pid): Atom<"ok"> | Tuple<readonly [Atom<"error">, Atom<"not_found">]>;
}

/**
 * A supervisor that begins without children, and is given them one by one: from here with `node.startChild`, from Elixir with
 * `DynamicSupervisor.start_child`. Each is restarted by itself; all stop together. Source of truth: Elixir's DynamicSupervisor.
 */
export class DynamicSupervisor extends GenServer<DynamicSupervisorApi> {
  static readonly [supervises] = true;

  static override [behaviour](core: ProcessCore, serverClass: GenServerClass): DynamicSupervisorProcess {
    return new DynamicSupervisorProcess(core, serverClass);
  }

  /** `superviseDynamically(options)`, `ignore()` or `stop(reason)`. */
  // biome-ignore lint/suspicious/noExplicitAny: narrowed by the class that overrides it
  override init(_args?: any): MaybePromise<Supervise<DynamicOptions> | Ignore | Stop> {
    return superviseDynamically();
  }
}

type MaybePromise<T> = T | Promise<T>;
