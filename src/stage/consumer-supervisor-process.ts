import {
  type CheckedSpec,
  type ChildSpec,
  checkSpec,
  DynamicSupervisorProcess,
  type GenServerClass,
  readRequest,
  type Supervise,
} from "../otp/index.ts";
import { Exit, type From, type ProcessCore, Reason, reasonOf } from "../runtime/index.ts";
import { atom, inspect, isList, type Pid, type Term, termKey, tuple } from "../term/index.ts";
import type { CancelReason } from "./callbacks.ts";
import type { SuperviseEvents } from "./consumer-supervisor.ts";
import { after, type StageHost, stoppingText, Work } from "./host.ts";
import { readStageMessage, readStageRequest } from "./messages.ts";
import { type StageStats, statsOf } from "./stats.ts";
import { endsConsumer, keywords, type Subscribe, type Subscription } from "./subscription.ts";
import { Upstream } from "./upstream.ts";
import type { UpstreamSubscription } from "./upstream-subscription.ts";

const RESTARTS: readonly string[] = ["temporary", "transient"];

/** Children of one subscription. */
interface Slots {
  readonly subscription: UpstreamSubscription;
  running: number;
  /** Ended since the last ask. */
  finished: number;
}

/**
 * Runs a {@link ConsumerSupervisor}: a dynamic supervisor whose children come with events, and whose demand comes back as they
 * end. Source: gen_stage.md §8.
 */
export class ConsumerSupervisorProcess extends DynamicSupervisorProcess {
  readonly #upstream: Upstream;
  readonly #host: StageHost;
  #childOf!: (event: Term) => ChildSpec;
  #restart: "temporary" | "transient" = "temporary";
  /** By the canonical form of the subscription's tag. */
  readonly #slots = new Map<unknown, Slots>();
  /** The slots that children were started in, by the key of their pid. */
  readonly #slotOf = new Map<string, Slots>();

  constructor(core: ProcessCore, serverClass: GenServerClass) {
    super(core, serverClass, "ConsumerSupervisor");
    this.#host = {
      core,
      callbacks: {
        handleSubscribe: () => "manual",
        handleEvents: (events, from) => this.#events(events as Term[], from),
        handleCancel: (_reason, from) => void this.#slots.delete(termKey(from.subscriptionTag)),
      },
      title: `${this.label} ${core.pid}`,
      run: (callback, then) =>
        after(
          this.guarded(callback, () => {}),
          () => (core.alive ? then?.() : undefined),
        ),
      guarded: (callback, apply) => this.guarded(callback, apply),
      end: (reason) => this.end(reason),
    };
    this.#upstream = new Upstream(this.#host, {
      opened: (subscription) => this.#opened(subscription),
      ended: (subscription, reason) => this.#subscriptionEnded(subscription, reason),
      missing: (to, cancel) => {
        if (cancel === "temporary") return;
        core.runtime.logger.error(
          `${this.#host.title} was not able to subscribe to the process ${to}: it is not alive`,
        );
        return this.end(Reason.noproc);
      },
    });
  }

  protected override async launch(supervise: Supervise): Promise<void> {
    const { childOf, options } = supervise as SuperviseEvents;
    const { subscribeTo = [], restart = "temporary", ...intensity } = options;
    if (!RESTARTS.includes(restart)) {
      throw new Exit(
        tuple(atom("bad_opts"), `restart has to be temporary or transient in a consumer supervisor, got: ${restart}`),
      );
    }
    if (subscribeTo.some(({ ack }) => ack)) {
      throw new Exit(
        tuple(atom("bad_opts"), "ack is not supported: children end in any order, and confirmations have one"),
      );
    }
    this.#childOf = childOf;
    this.#restart = restart;
    await super.launch({ ...supervise, options: intensity } as Supervise);
    for (const own of subscribeTo) await this.#upstream.subscribe(requestOf(own));
  }

  protected override answer(request: Term, from: From): unknown {
    const known = readStageRequest(request);
    if (known?.kind === "subscribe") {
      return new Promise((resolve) => {
        void this.#upstream.subscribe(known, resolve);
      });
    }
    const [name, argument] = readRequest(request);
    if (name === "start_child" && isList(argument)) return this.#startChild(argument);
    if (name !== "count_children") return super.answer(request, from);
    // A map here, where other supervisors give a list; and there is one spec.
    const pairs = super.answer(request, from) as unknown as (readonly [{ tag: string }, number])[];
    return Object.fromEntries(pairs.map(([{ tag }, count]) => [tag, tag === "specs" ? 1 : count]));
  }

  protected override cast(request: Term): void | Promise<void> {
    const known = readStageRequest(request);
    return known?.kind === "subscribe" ? this.#upstream.subscribe(known) : super.cast(request);
  }

  protected override info(message: Term): void | Promise<void> {
    if ((message as unknown) instanceof Work) {
      return this.guarded(
        () => (message as unknown as Work).run(),
        () => {},
      );
    }
    const known = readStageMessage(message);
    if (known?.to !== "consumer" || known.operation === undefined) return super.info(message);
    return this.#upstream.receive(known.pid, known.tag, known.operation);
  }

  /** Figures about it, as they are now. An event has been handled when its child has started. */
  stats(): StageStats {
    return statsOf(this.core, "consumer", this.#upstream, undefined);
  }

  override ended(): void {
    super.ended();
    this.#upstream.ended(this.core.exitReason);
  }

  protected override childGone(pid: Pid): void {
    const slots = this.#slotOf.get(pid.key);
    this.#slotOf.delete(pid.key);
    if (slots === undefined) return;
    slots.running--;
    this.#finished(slots, 1);
  }

  protected override childRestarted(before: Pid, now: Pid): void {
    const slots = this.#slotOf.get(before.key);
    this.#slotOf.delete(before.key);
    if (slots !== undefined) this.#slotOf.set(now.key, slots);
  }

  #opened(subscription: UpstreamSubscription): void {
    this.#slots.set(termKey(subscription.tag), { subscription, running: 0, finished: 0 });
    this.#ask(subscription, subscription.options.maxDemand);
  }

  #subscriptionEnded({ from, options }: UpstreamSubscription, { reason }: CancelReason): void | Promise<void> {
    if (!endsConsumer(options.cancel, reason)) return;
    this.core.runtime.logger.info(stoppingText(this.#host.title, from, reason));
    return this.end(reason);
  }

  /** One child for each event, one after the other. */
  async #events(events: readonly Term[], from: Subscription): Promise<void> {
    const slots = this.#slots.get(termKey(from.subscriptionTag));
    if (slots === undefined) return;
    const excess = slots.running + events.length - slots.subscription.options.maxDemand;
    if (excess > 0) {
      this.core.runtime.logger.error(
        `${this.#host.title} has received ${excess} events in excess from: ${inspect(from)}`,
      );
    }
    let failed = 0;
    for (const event of events) {
      if (!this.core.alive) return;
      const pid = await this.#startFor(event);
      if (pid === undefined) failed++;
      else {
        slots.running++;
        this.#slotOf.set(pid.key, slots);
      }
    }
    this.#finished(slots, failed);
  }

  async #startFor(event: Term): Promise<Pid | undefined> {
    try {
      const outcome = await this.add(this.#specOf(event));
      if (outcome.kind === "started") return outcome.pid;
      if (outcome.kind === "failed") this.report("start_error", {}, outcome.reason);
    } catch (error) {
      this.report("start_error", {}, reasonOf(error));
    }
    return undefined;
  }

  #specOf(event: Term): CheckedSpec {
    return checkSpec({ ...this.#childOf(event), restart: this.#restart }, "never");
  }

  /** As many events are asked for as children have ended, once these are `minDemand`. */
  #finished(slots: Slots, count: number): void {
    slots.finished += count;
    const { subscription, finished } = slots;
    const isLive = this.#slots.get(termKey(subscription.tag)) === slots;
    if (finished === 0 || finished < subscription.options.minDemand || !isLive) return;
    slots.finished = 0;
    this.#ask(subscription, finished);
  }

  /** To what was subscribed to, as GenStage's does, be it a name. */
  #ask({ tag, producer }: UpstreamSubscription, count: number): void {
    this.#upstream.ask(tag as unknown as Term, producer, count);
  }

  /** `ConsumerSupervisor.start_child(sup, args)`: counts against nobody's demand. */
  async #startChild(args: readonly Term[]): Promise<unknown> {
    const event = args.length === 1 ? args[0]! : (args as Term);
    try {
      return await this.startReply(this.#specOf(event));
    } catch (error) {
      return tuple(atom("error"), reasonOf(error) as object);
    }
  }
}

function requestOf(own: Subscribe) {
  return { to: own.to, options: keywords(own) as unknown as Term, own };
}
