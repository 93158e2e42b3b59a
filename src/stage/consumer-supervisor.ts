import {
  behaviour,
  type ChildSpec,
  GenServer,
  type GenServerClass,
  type Ignore,
  type IntensityOptions,
  type Stop,
  Supervise,
  supervises,
} from "../otp/index.ts";
import type { AnyApi, ProcessCore } from "../runtime/index.ts";
import type { Term } from "../term/index.ts";
import type { ConsumerOptions, MaybePromise } from "./callbacks.ts";
import { ConsumerSupervisorProcess } from "./consumer-supervisor-process.ts";

/** How a {@link ConsumerSupervisor} treats the children that it starts for events. */
export interface SuperviseEventsOptions extends IntensityOptions, ConsumerOptions {
  /** `temporary`, the default: a child is never started again. `transient`: it is unless it ended in order. */
  readonly restart?: "temporary" | "transient";
}

/** Made by {@link superviseEvents}. */
export class SuperviseEvents<In = Term> extends Supervise<SuperviseEventsOptions> {
  readonly childOf: (event: In) => ChildSpec;

  constructor(childOf: (event: In) => ChildSpec, options: SuperviseEventsOptions) {
    super([], options);
    this.childOf = childOf;
  }
}

/**
 * From the `init` of a {@link ConsumerSupervisor}: start a child for each event,
 * `superviseEvents((order: Order) => child(Worker, { args: order }), { subscribeTo: [{ to: "orders", maxDemand: 20 }] })`.
 */
export function superviseEvents<In = Term>(
  childOf: (event: In) => ChildSpec,
  options: SuperviseEventsOptions = {},
): SuperviseEvents<In> {
  return new SuperviseEvents(childOf, options);
}

/**
 * A consumer that starts one process for each event and supervises it. No more than `maxDemand` of them run at a time for each
 * producer: when `minDemand` of them have ended, as many events are asked for.
 *
 * `Supervisor.which_children`, `ConsumerSupervisor.start_child` and the like of other nodes work on it. Source of truth:
 * GenStage's ConsumerSupervisor.
 */
export abstract class ConsumerSupervisor<In = Term> extends GenServer<AnyApi> {
  static readonly [supervises] = true;

  static override [behaviour](core: ProcessCore, serverClass: GenServerClass): ConsumerSupervisorProcess {
    return new ConsumerSupervisorProcess(core, serverClass);
  }

  /** `superviseEvents(...)`, `ignore()` or `stop(reason)`. */
  // biome-ignore lint/suspicious/noExplicitAny: narrowed by the class that overrides it
  abstract override init(_args: any): MaybePromise<SuperviseEvents<In> | Ignore | Stop>;
}
