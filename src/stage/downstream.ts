import { Stop } from "../otp/index.ts";
import { type ConsumerStats, Exit } from "../runtime/index.ts";
import { atom, inspect, type Pid, type Ref, type Term, termKey, tuple } from "../term/index.ts";
import type { CancelReason, ProducerOptions } from "./callbacks.ts";
import { BAD_OPTS, type DispatcherConsumer } from "./dispatcher.ts";
import { after, type StageHost, Work } from "./host.ts";
import { Ledger } from "./ledger.ts";
import {
  ACK_OPTION,
  acksMessage,
  type Current,
  cancelledMessage,
  eventsMessage,
  type ProducerOperation,
} from "./messages.ts";
import { Outflow } from "./outflow.ts";
import { Point, Settling } from "./settling.ts";
import { keywordObject, maxDemandOf, Subscription } from "./subscription.ts";
import { Telling } from "./telling.ts";

/** A subscription of a consumer to us. */
interface DownstreamSubscription extends DispatcherConsumer {
  readonly confirms: boolean;
  readonly monitor: Ref;
  readonly from: Subscription;
  readonly ledger: Ledger;
}

const DUPLICATED_SUBSCRIPTION = atom("duplicated_subscription");
const MANUAL = atom("manual");
const UNKNOWN_SUBSCRIPTION = atom("unknown_subscription");

/**
 * The half of a stage that faces its consumers: their subscriptions, and what is known of each. Source: gen_stage.md §4. Nothing
 * here opens a connection.
 */
export class Downstream {
  readonly outflow: Outflow;
  readonly #host: StageHost;
  /** By the canonical form of their tag, which may be any term. */
  readonly #subscriptions = new Map<unknown, DownstreamSubscription>();
  readonly #settling = new Settling();
  readonly #telling: Telling<DownstreamSubscription>;
  #unconfirmed = 0;

  /** @param onDemand - takes demand that the buffer could not serve. */
  constructor(
    host: StageHost,
    options: ProducerOptions,
    role: "producer" | "producer_consumer",
    onDemand: (count: number) => void | Promise<void>,
  ) {
    this.#host = host;
    this.#telling = new Telling(host.core, (subscription) => ({ role: "producer", stats: statsOf(subscription) }));
    this.outflow = new Outflow(host, options, role, {
      deliver: (consumer, events) => this.#deliver(consumer, events),
      left: (message) => this.#left(message),
      isSubscribed: ({ key }) => this.#subscriptions.has(key),
      demanded: onDemand,
    });
  }

  /** Events that consumers were sent which then were lost, and which nobody else gets. */
  get unconfirmed(): number {
    return this.#unconfirmed;
  }

  stats(): ConsumerStats[] {
    return Array.from(this.#subscriptions.values(), statsOf);
  }

  /** The stage has ended. */
  ended(reason: unknown): void {
    this.#telling.ended(reason);
  }

  /** Takes what a consumer sent under a tag. */
  receive(pid: Pid, tag: Term, operation: NonNullable<ProducerOperation>): void | Promise<void> {
    const subscription = this.#subscriptions.get(termKey(tag));
    switch (operation.kind) {
      case "subscribe":
        return subscription === undefined
          ? this.#subscribe(pid, tag, operation.current, operation.options)
          : this.#refuseDuplicate(pid, tag);
      case "ask":
        if (subscription === undefined) return this.#sendCancelled(pid, tag, UNKNOWN_SUBSCRIPTION);
        // Those that ask for nothing get it.
        if (operation.count < 1) return;
        return this.#granted(subscription, pid, subscription.ledger.ask(operation.count));
      case "cancel":
        return subscription && this.#end(subscription, { kind: "cancel", reason: operation.reason });
      case "ack":
        return subscription && this.#confirmed(subscription, pid, operation.count);
    }
  }

  /** A consumer may get so many more events; they go to the pid that it asked or confirmed with. */
  #granted({ key, tag }: DownstreamSubscription, pid: Pid, count: number): void | Promise<void> {
    if (count > 0) return this.outflow.ask({ key, pid, tag }, count);
  }

  #confirmed(subscription: DownstreamSubscription, pid: Pid, count: number): void | Promise<void> {
    const granted = subscription.ledger.confirm(count);
    this.#settling.advance();
    return this.#granted(subscription, pid, granted);
  }

  /**
   * Calls `settled` once all events emitted so far have been sent to consumers, and those that confirm have confirmed them, or
   * they have been discarded.
   */
  whenSettled(settled: () => void): void {
    this.outflow.info(this.#settling.add(settled));
  }

  /** The events before an info have left. */
  #left(message: unknown): void {
    if (!(message instanceof Point)) return this.#host.core.deliver(message);
    this.#settling.passed(message, this.#ledgers());
  }

  *#ledgers(): Iterable<Ledger> {
    for (const { ledger } of this.#subscriptions.values()) yield ledger;
  }

  #subscribe(pid: Pid, tag: Term, current: Current | undefined, options: Term): void | Promise<void> {
    const replaced = current && this.#subscriptions.get(termKey(current.tag));
    const pending = replaced && this.#end(replaced, { kind: "cancel", reason: (current as Current).reason });
    return after(pending, () => (this.#host.core.alive ? this.#open(pid, tag, options) : undefined));
  }

  #open(pid: Pid, tag: Term, options: Term): void | Promise<void> {
    const { core, callbacks } = this.#host;
    const given = keywordObject(options);
    if (given === undefined) {
      const problem = `expected the options to be a keyword list, got: ${inspect(options)}`;
      return this.#sendCancelled(pid, tag, tuple(BAD_OPTS, problem));
    }
    const key = termKey(tag);
    const from = new Subscription(pid, tag);
    const monitor: Ref = core.monitor(pid, (reason) => core.deliver(new Work(() => this.#down(monitor, key, reason))));
    const confirms = given[ACK_OPTION] === true && !this.outflow.sharesEvents;
    const ledger = new Ledger(confirms ? maxDemandOf(given) : undefined);
    const subscription = { key, pid, tag, monitor, from, confirms, ledger };
    this.#subscriptions.set(key, subscription);
    this.#telling.subscribed(subscription);
    if (confirms) void core.send(pid, acksMessage(core.pid, tag), false);
    return this.#host.guarded(
      () => callbacks.handleSubscribe?.("consumer", given, from),
      (answer) => {
        if (answer instanceof Stop) return this.#host.end(answer.reason);
        if (answer !== undefined && answer !== "automatic") {
          throw new Exit(tuple(atom("bad_return_value"), answer === "manual" ? MANUAL : (answer as object)));
        }
        return this.outflow.subscribe(subscription, given, (reason) =>
          this.#end(subscription, { kind: "cancel", reason }),
        );
      },
    );
  }

  #refuseDuplicate(pid: Pid, tag: Term): void {
    const from = inspect(tuple(pid, tag as object));
    this.#host.core.runtime.logger.error(`${this.#host.title} received duplicated subscription from: ${from}`);
    this.#sendCancelled(pid, tag, DUPLICATED_SUBSCRIPTION);
  }

  #down(monitor: Ref, key: unknown, reason: unknown): void | Promise<void> {
    const subscription = this.#subscriptions.get(key);
    // The tag may have been taken by another subscription in the meantime.
    if (subscription?.monitor !== monitor) return;
    return this.#end(subscription, { kind: "down", reason: reason as Term });
  }

  /** In the order of GenStage: forget, demonitor, confirm, `handleCancel`, dispatcher. */
  #end(subscription: DownstreamSubscription, reason: CancelReason): void | Promise<void> {
    const { core, callbacks } = this.#host;
    this.#subscriptions.delete(subscription.key);
    this.#telling.cancelled(subscription, reason);
    core.demonitor(subscription.monitor);
    this.#sendCancelled(subscription.pid, subscription.tag, reason.reason);
    return this.#host.run(
      () => callbacks.handleCancel?.(reason, subscription.from),
      () => {
        const { ledger, confirms } = subscription;
        this.#unconfirmed += confirms ? 0 : ledger.unconfirmed;
        const { events, points } = ledger.takeBack();
        return this.outflow.cancel(subscription, events, () => {
          for (const point of points) this.outflow.info(point);
        });
      },
    );
  }

  #deliver({ key, pid, tag }: DispatcherConsumer, events: readonly unknown[]): Promise<unknown> | undefined {
    const { core } = this.#host;
    const subscription = this.#subscriptions.get(key);
    if (subscription !== undefined) {
      subscription.ledger.send(events);
      this.#telling.events(subscription, events.length);
    }
    return core.send(pid, eventsMessage(core.pid, tag, events), false);
  }

  #sendCancelled(pid: Pid, tag: Term, reason: unknown): void {
    void this.#host.core.send(pid, cancelledMessage(this.#host.core.pid, tag, reason), false);
  }
}

function statsOf({ pid, ledger: { asked, sent, unconfirmed } }: DownstreamSubscription): ConsumerStats {
  return { consumer: pid, asked, sent, unconfirmed };
}
