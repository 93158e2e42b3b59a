import { NoReply } from "../server/results.ts";
import type { AutoShutdown, ChildSpec } from "./child-spec.ts";
import type { Strategy } from "./supervision.ts";

/** How often children may be restarted before the supervisor gives up. */
export interface IntensityOptions {
  /** Restarts within `maxSeconds` that are borne; with one more the supervisor ends. Default 3. */
  readonly maxRestarts?: number;
  /** Default 5. */
  readonly maxSeconds?: number;
}

/** How a supervisor treats its children. Source of truth: supervisor(3). */
export interface SuperviseOptions extends IntensityOptions {
  /**
   * What the restart of a child means to its siblings: nothing (`one_for_one`, the default), all are stopped and started
   * again (`one_for_all`), or those that were started after it (`rest_for_one`).
   */
  readonly strategy?: Strategy;
  /** Whether the supervisor ends, with `shutdown`, when one or all of its significant children have ended. Default `never`. */
  readonly autoShutdown?: AutoShutdown;
}

/** How a dynamic supervisor treats its children. */
export interface DynamicOptions extends IntensityOptions {
  /** Default: no limit. */
  readonly maxChildren?: number;
  /** Put in front of the arguments of every start function that is named by another node. */
  readonly extraArguments?: readonly unknown[];
}

/** Made by {@link supervise}, and for dynamic supervisors by {@link superviseDynamically}. */
export class Supervise<O extends IntensityOptions = IntensityOptions> extends NoReply {
  readonly children: readonly ChildSpec[];
  readonly options: O;

  constructor(children: readonly ChildSpec[], options: O) {
    super(undefined);
    this.children = children;
    this.options = options;
  }
}

/** From the `init` of a supervisor: start these children, in this order, and keep them. */
export function supervise(children: readonly ChildSpec[], options: SuperviseOptions = {}): Supervise<SuperviseOptions> {
  return new Supervise(children, options);
}

/** From the `init` of a dynamic supervisor. */
export function superviseDynamically(options: DynamicOptions = {}): Supervise<DynamicOptions> {
  return new Supervise([], options);
}
