import type { ConsumerStats, ProcessCore, SubscriptionStats } from "../runtime/index.ts";
import type { Pid } from "../term/index.ts";
import type { Downstream } from "./downstream.ts";
import type { StageRole } from "./stage-options.ts";
import type { Upstream } from "./upstream.ts";

/** Figures about one stage. */
export interface StageStats {
  readonly pid: Pid;
  readonly name: string | undefined;
  readonly role: StageRole;
  /** Its subscriptions to producers. */
  readonly producers: readonly SubscriptionStats[];
  /** The subscriptions of consumers to it. */
  readonly consumers: readonly ConsumerStats[];
  /** Events that nobody has asked for yet. */
  readonly buffered: number;
  /** Events that the full buffer or the dispatcher has discarded since the start. */
  readonly discarded: number;
  /**
   * Events that consumers had been sent which then were lost, and had neither confirmed nor asked anew for, since the start: as
   * many as may be lost at most. Those of subscriptions with `ack` are not among them, for they are sent to others.
   */
  readonly unconfirmed: number;
}

export function statsOf(
  core: ProcessCore,
  role: StageRole,
  upstream: Upstream | undefined,
  downstream: Downstream | undefined,
): StageStats {
  return {
    pid: core.pid,
    name: core.name,
    role,
    producers: upstream?.stats() ?? [],
    consumers: downstream?.stats() ?? [],
    buffered: downstream?.outflow.bufferedCount ?? 0,
    discarded: downstream?.outflow.discarded ?? 0,
    unconfirmed: downstream?.unconfirmed ?? 0,
  };
}
