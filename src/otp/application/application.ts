import type { Process, ProcessName } from "../../runtime/index.ts";
import type { Term } from "../../term/index.ts";
import type { ChildSpec, RestartType } from "../supervisor/child-spec.ts";

/**
 * What the end of a child means to its application, and that of the application to the node.
 *
 * - `permanent`: whatever the reason, the application stops, and the node with it.
 * - `transient`: the same, unless the child ended in order (`normal`, `shutdown`, `{shutdown, _}`).
 * - `temporary`: it is reported, and that is all.
 */
export type StartType = RestartType;

/** What an application is: given by its `load`. */
export interface ApplicationSpec {
  /** Unique on the node. */
  readonly name: ProcessName;
  readonly description?: string;
  readonly version?: string;
  /** Applications that must run before this one: started with it unless they run already. */
  readonly applications?: readonly ProcessName[];
  /** What `this.process.env(name)` finds in all processes of the application. */
  readonly env?: Readonly<Record<string, unknown>>;
  /** Started in this order, stopped in the reverse one. An application restarts nothing: that is what supervisors are for. */
  readonly children?: readonly ChildSpec[];
  /** Default `temporary`. */
  readonly startType?: StartType;
  /** After so many milliseconds it ends, with `normal`. Default: never. */
  readonly lifespanMs?: number;
}

type MaybePromise<T> = T | Promise<T>;

/**
 * A named part of a node that is loaded, started and stopped as a whole, see {@link Applications}.
 *
 * While it runs it is a process: the one above its children, and the group leader of all that descend from them. The
 * instance of that time is its state; `load` is called on one of its own. Source of truth: application(3).
 */
export abstract class Application {
  /** The application's process. Not there yet in `load`. */
  declare protected readonly process: Process;

  /** Says what the application is. */
  // biome-ignore lint/suspicious/noExplicitAny: narrowed by the class that overrides it
  abstract load(args?: any): ApplicationSpec;

  /** Runs when all children have started, with the `args` given to `start`; a throw stops them, and is why the start fails. */
  // biome-ignore lint/suspicious/noExplicitAny: narrowed by the class that overrides it
  start?(args?: any): MaybePromise<void>;

  /** Runs before the first child is stopped. */
  prepStop?(): MaybePromise<void>;

  /** Runs after the last child has stopped. */
  stop?(): MaybePromise<void>;

  /** A message to the application's process. The default logs and drops it. */
  handleInfo?(message: Term): MaybePromise<void>;

  /** What `:sys.get_state/1` shows. The default: the public own fields. */
  inspectState?(): unknown;
}

/** What the `load` of an application takes. */
export type LoadArgs<A extends Application> = Parameters<A["load"]>[0];
