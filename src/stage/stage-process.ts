import { type GenServerClass, GenServerProcess, type Next } from "../otp/index.ts";
import { asTerm, Exit, type From, type ProcessCore, Reason } from "../runtime/index.ts";
import { atom, inspect, isList, type Term, tuple } from "../term/index.ts";
import {
  type CancelReason,
  type ConsumerOptions,
  type ProducerOptions,
  type StageCallbacks,
  WithOptions,
} from "./callbacks.ts";
import { Downstream } from "./downstream.ts";
import { after, type StageHost, stoppingText, Work } from "./host.ts";
import { Intake } from "./intake.ts";
import { readStageMessage, readStageRequest, type StageMessage, type StageRequest } from "./messages.ts";
import type { DemandMode } from "./outflow.ts";
import { checkStageOptions, type StageRole } from "./stage-options.ts";
import { StageOwnProcess } from "./stage-own-process.ts";
import { stageStatus } from "./stage-status.ts";
import { type StageStats, statsOf } from "./stats.ts";
import { type CancelMode, endsConsumer, keywords, type Subscribe } from "./subscription.ts";
import { Upstream, type UpstreamOwner } from "./upstream.ts";
import type { SubscribeRequest, UpstreamSubscription } from "./upstream-subscription.ts";

const OK = atom("ok");
const ERROR = atom("error");
const NOT_A_CONSUMER = atom("not_a_consumer");
const FORWARD = atom("forward");
const ACCUMULATE = atom("accumulate");

/**
 * Runs a stage in a process: a gen_server that also has producers ({@link Upstream}), consumers ({@link Downstream}), or both,
 * and whose results may carry events. Source: gen_stage.md §1 and §2.
 */
export class StageProcess extends GenServerProcess {
  override readonly label: string;
  protected readonly upstream: Upstream | undefined;
  readonly #role: StageRole;
  readonly #host: StageHost;
  readonly #intake: Intake | undefined;
  #downstream: Downstream | undefined;
  /** Who told it to end when it is done with what it has, and is told of that. */
  readonly #drainers: From[] = [];

  constructor(core: ProcessCore, stageClass: GenServerClass, role: StageRole) {
    const process = new StageOwnProcess(core);
    super(core, stageClass, process);
    this.label = `GenStage ${role} ${stageClass.name}`;
    this.#role = role;
    this.#host = this.#makeHost();
    if (role === "producer_consumer") {
      this.#intake = new Intake(() => core.alive && (this.#downstream?.outflow.openDemand ?? 0) > 0);
    }
    if (role !== "producer") {
      const owner: UpstreamOwner = {
        ended: (subscription, reason) => this.subscriptionEnded(subscription, reason),
        missing: (to, cancel) => this.producerMissing(to, cancel),
        refused: (problem) => this.subscriptionRefused(problem),
        ...(role === "producer_consumer" && { whenSettled: (settled) => this.#downstream?.whenSettled(settled) }),
      };
      this.upstream = new Upstream(this.#host, owner, this.#intake);
    }
    process.stage = {
      subscribe: (options, current) => this.#later(() => this.upstream?.subscribe({ ...requestOf(options), current })),
      ask: (tag, to, count) => this.upstream?.ask(tag, to, count),
      confirm: (tag, to, count) => this.upstream?.confirm(tag, to, count),
      later: (callback, afterEvents) => {
        const work = new Work(() => this.guarded(callback, this.goOn));
        core.runtime.clock.defer(() => core.deliver(afterEvents ? new Work(() => this.#whenSettled(work)) : work));
      },
      info: (message) => this.#later(() => this.#info(message)),
      openDemand: () => this.#downstream?.outflow.openDemand ?? 0,
    };
  }

  #makeHost(): StageHost {
    const { core, server } = this;
    const role = this.#role;
    return {
      core,
      callbacks: server as unknown as StageCallbacks,
      get title() {
        return `GenStage ${role} ${core.name ?? core.pid}`;
      },
      run: (callback, then) => after(this.guarded(callback, this.goOn), () => (this.core.alive ? then?.() : undefined)),
      guarded: (callback, apply) => this.guarded(callback, apply),
      end: (reason) => this.end(reason),
    };
  }

  protected override begin(result: unknown, started: () => void): void | Promise<void> {
    const options: ConsumerOptions & ProducerOptions = result instanceof WithOptions ? result.options : {};
    checkStageOptions(options, this.#role);
    if (this.#role !== "consumer") {
      this.#downstream = new Downstream(this.#host, options, this.#role, (count) => this.#demanded(count));
    }
    return after(this.#subscribeAll(options.subscribeTo ?? [], 0), () =>
      this.core.alive ? super.begin(result, started) : undefined,
    );
  }

  #demanded(count: number): void | Promise<void> {
    if (this.#isDraining && this.#intake === undefined) return;
    const { callbacks } = this.#host;
    if (this.#intake !== undefined) return after(this.#intake.run(), () => callbacks.handleOpenDemand?.());
    return this.#host.run(() => callbacks.handleDemand?.(count));
  }

  #subscribeAll(all: readonly Subscribe[], index: number): void | Promise<void> {
    const next = all[index];
    if (next === undefined || !this.core.alive) return;
    const pending = this.upstream?.subscribe(requestOf(next));
    return after(pending, () => this.#subscribeAll(all, index + 1));
  }

  protected override info(message: Term): void | Promise<void> {
    if ((message as unknown) instanceof Work) return this.#machinery(() => (message as unknown as Work).run());
    const stageMessage = readStageMessage(message);
    if (stageMessage === undefined) return super.info(message);
    const half = stageMessage.to === "producer" ? this.#downstream : this.upstream;
    if (half === undefined) {
      const kind = stageMessage.to === "producer" ? "$gen_producer" : "$gen_consumer";
      this.#logError(`received ${kind} message: ${inspect(message)}`);
      return;
    }
    if (stageMessage.operation === undefined) return super.info(message);
    return this.#machinery(() => this.#receive(stageMessage));
  }

  #receive({ to, pid, tag, operation }: StageMessage): void | Promise<void> {
    if (operation === undefined) return;
    return to === "producer"
      ? this.#downstream?.receive(pid, tag, operation)
      : this.upstream?.receive(pid, tag, operation);
  }

  protected override call(request: Term, from: From): void | Promise<void> {
    const known = readStageRequest(request);
    switch (known?.kind) {
      case "subscribe":
        return this.#subscribe(known, (value) => this.reply(from, value));
      case "info":
        this.#info(known.message);
        return this.reply(from, OK);
      case "estimate":
        if (this.#downstream === undefined) this.#logError("can only be a :producer to count its buffered events");
        return this.reply(from, this.#downstream?.outflow.bufferedCount ?? 0);
      case "drain":
        return this.#drain(from);
      case "demand":
        if (known.mode === undefined) return this.reply(from, atom(this.#downstream?.outflow.mode ?? "forward"));
    }
    return super.call(request, from);
  }

  protected override cast(request: Term): void | Promise<void> {
    const known = readStageRequest(request);
    switch (known?.kind) {
      case "subscribe":
        return this.#subscribe(known);
      case "info":
        return this.#info(known.message);
      case "demand":
        if (known.mode === FORWARD || known.mode === ACCUMULATE) return this.#setMode(known.mode.tag as DemandMode);
    }
    return super.cast(request);
  }

  /** Events leave before the reply does. */
  protected override next(next: Next<unknown> | undefined, reply?: () => void): void | Promise<void> {
    const events = next?.events;
    if (events === undefined) return super.next(next, reply);
    // A text or a set would be cut into pieces that no consumer takes for events, a tuple be read as a message of another kind.
    if (!isList(events)) throw new Exit(tuple(atom("bad_return_value"), asTerm(events)));
    if (events.length === 0) return super.next(next, reply);
    return after(this.#emit(events), () => super.next(next, reply));
  }

  #emit(events: readonly unknown[]): void | Promise<void> {
    if (this.#downstream !== undefined) return this.#downstream.outflow.emit(events);
    this.#logError(`cannot dispatch events (an empty list must be returned): ${inspect(events)}`);
  }

  /** A subscription of ours ended; `handleCancel` has been told. Does this end the stage as well? */
  protected subscriptionEnded({ cancel, from }: UpstreamSubscription, { reason }: CancelReason): void | Promise<void> {
    if (this.#isDraining) return this.#drained();
    if (!endsConsumer(cancel, reason)) return;
    this.core.runtime.logger.info(stoppingText(this.#host.title, from, reason));
    return this.end(reason);
  }

  /** A subscription is not made since something is wrong with its options, as the log says. */
  protected subscriptionRefused(_problem: string): void {}

  /** There is no process of that name here to subscribe to. */
  protected producerMissing(to: string, cancel: CancelMode): void | Promise<void> {
    if (cancel === "temporary") return;
    this.#logError(`was not able to subscribe to the process ${to} because that process is not alive`);
    return this.end(Reason.noproc);
  }

  override ended(): void {
    super.ended();
    this.upstream?.ended(this.core.exitReason);
    this.#downstream?.ended(this.core.exitReason);
  }

  get #isDraining(): boolean {
    return this.#drainers.length > 0;
  }

  /** Takes nothing more in, and ends with `normal` when all that it has is handled and sent. */
  #drain(from: From): void | Promise<void> {
    if (this.#drainers.push(from) > 1) return;
    this.upstream?.cancelEach(Reason.normal);
    return this.#host.run(
      () => this.#host.callbacks.handleDrain?.(),
      () => this.#drained(),
    );
  }

  #drained(): void {
    if (this.upstream?.isSubscribed) return;
    const end = () =>
      this.end(Reason.normal, undefined, () => {
        for (const from of this.#drainers) from.reply(OK);
      });
    this.#whenSettled(new Work(end));
  }

  protected override shown() {
    return stageStatus(this.stats(), this.#downstream?.outflow.dispatcherModule);
  }

  /** Figures about it, as they are now. */
  stats(): StageStats {
    return statsOf(this.core, this.#role, this.upstream, this.#downstream);
  }

  #subscribe(
    request: Extract<StageRequest, { kind: "subscribe" }>,
    reply?: (value: unknown) => void,
  ): void | Promise<void> {
    const { upstream } = this;
    if (upstream !== undefined) return this.#machinery(() => upstream.subscribe(request, reply));
    this.#logError("is a producer and cannot subscribe to another stage");
    reply?.(tuple(ERROR, NOT_A_CONSUMER));
  }

  /** Delivers a message to the stage itself in the order of what it has taken in and what it has emitted. */
  #info(message: unknown): void {
    const downstream = this.#downstream;
    if (downstream === undefined) this.core.deliver(message);
    else if (this.#intake === undefined || this.#intake.isEmpty) downstream.outflow.info(message);
    else void this.#intake.put(() => downstream.outflow.info(message));
  }

  /** Does it when all that it has taken in and emitted has left, and has been confirmed by those who confirm. */
  #whenSettled(work: Work): void {
    const { core } = this;
    this.#info(
      new Work(() => (this.#downstream ? this.#downstream.whenSettled(() => core.deliver(work)) : work.run())),
    );
  }

  #setMode(mode: DemandMode): void | Promise<void> {
    const downstream = this.#downstream;
    if (this.#role === "producer") return this.#machinery(() => downstream?.outflow.setMode(mode));
    if (this.#role === "producer_consumer" && mode === "forward") return; // as it is
    this.#logError(`is no producer and cannot set its demand to ${mode}`);
  }

  /** Runs what is not a callback of the user; a failure of it ends the stage as one of theirs does. */
  #machinery(work: () => void | Promise<void>): void | Promise<void> {
    return this.guarded(work, () => {});
  }

  #later(work: () => void | Promise<void>): void {
    this.core.deliver(new Work(work));
  }

  #logError(text: string): void {
    this.core.runtime.logger.error(`${this.#host.title} ${text}`);
  }
}

function requestOf(own: Subscribe): SubscribeRequest {
  return { to: own.to, options: keywords(own) as unknown as Term, own };
}
