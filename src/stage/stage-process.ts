import { type GenServerClass, GenServerProcess, type Next, OwnProcess } from "../otp/index.ts";
import { type Address, Exit, type From, type ProcessCore, Reason, resolve } from "../runtime/index.ts";
import { atom, inspect, type Pid, type Term, type Tuple, tuple } from "../term/index.ts";
import {
  type CancelReason,
  type ConsumerOptions,
  type ProducerOptions,
  type StageCallbacks,
  WithOptions,
} from "./callbacks.ts";
import { type DemandMode, Downstream } from "./downstream.ts";
import { after, type StageHost, stoppingText, Work } from "./host.ts";
import { Intake } from "./intake.ts";
import {
  type Current,
  cancelMessage,
  readStageMessage,
  readStageRequest,
  type StageMessage,
  type StageRequest,
} from "./messages.ts";
import { type CancelMode, checkOptions, endsConsumer, keywords, type Subscribe } from "./subscription.ts";
import { type SubscribeRequest, Upstream, type UpstreamOwner, type UpstreamSubscription } from "./upstream.ts";

/** What a stage is, for the life of its process. */
export type StageRole = "producer" | "consumer" | "producer_consumer";

const OK = atom("ok");
const ERROR = atom("error");
const NOT_A_CONSUMER = atom("not_a_consumer");
const FORWARD = atom("forward");
const ACCUMULATE = atom("accumulate");
const DEFAULT_BUFFER_SIZE = { producer: 10_000, producer_consumer: Number.POSITIVE_INFINITY } as const;

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

  constructor(core: ProcessCore, stageClass: GenServerClass, role: StageRole) {
    const process = new StageOwnProcess(core);
    super(core, stageClass, process);
    this.label = `GenStage ${role} ${stageClass.name}`;
    this.#role = role;
    this.#host = this.#makeHost();
    if (role === "producer_consumer") {
      this.#intake = new Intake(() => core.alive && (this.#downstream?.openDemand ?? 0) > 0);
    }
    if (role !== "producer") {
      const owner: UpstreamOwner = {
        ended: (subscription, reason) => this.subscriptionEnded(subscription, reason),
        missing: (to, cancel) => this.producerMissing(to, cancel),
      };
      this.upstream = new Upstream(this.#host, owner, this.#intake);
    }
    process.stage = {
      subscribe: (options, current) => this.#later(() => this.upstream?.subscribe({ ...requestOf(options), current })),
      ask: (tag, to, count) => this.upstream?.ask(tag, to, count),
      later: (callback, afterEvents) => {
        const work = new Work(() => this.guarded(callback, this.goOn));
        core.runtime.clock.defer(() => core.deliver(afterEvents ? new Work(() => this.#info(work)) : work));
      },
      info: (message) => this.#later(() => this.#info(message)),
      openDemand: () => this.#downstream?.openDemand ?? 0,
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
      this.#downstream = new Downstream(this.#host, options, DEFAULT_BUFFER_SIZE[this.#role], (count) =>
        this.#demanded(count),
      );
    }
    return after(this.#subscribeAll(options.subscribeTo ?? [], 0), () =>
      this.core.alive ? super.begin(result, started) : undefined,
    );
  }

  #demanded(count: number): void | Promise<void> {
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
        return this.#subscribe(known, (value) => from.reply(value));
      case "info":
        this.#info(known.message);
        return from.reply(OK);
      case "estimate":
        if (this.#downstream === undefined) this.#logError("can only be a :producer to count its buffered events");
        return from.reply(this.#downstream?.bufferedCount ?? 0);
      case "demand":
        if (known.mode === undefined) return from.reply(atom(this.#downstream?.mode ?? "forward"));
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
    if (events === undefined || events.length === 0) return super.next(next, reply);
    return after(this.#emit(events), () => super.next(next, reply));
  }

  #emit(events: readonly unknown[]): void | Promise<void> {
    if (this.#downstream !== undefined) return this.#downstream.emit(events);
    this.#logError(`cannot dispatch events (an empty list must be returned): ${inspect(events)}`);
  }

  /** A subscription of ours ended; `handleCancel` has been told. Does this end the stage as well? */
  protected subscriptionEnded({ cancel, from }: UpstreamSubscription, { reason }: CancelReason): void | Promise<void> {
    if (!endsConsumer(cancel, reason)) return;
    this.core.runtime.logger.info(stoppingText(this.#host.title, from, reason));
    return this.end(reason);
  }

  /** There is no process of that name here to subscribe to. */
  protected producerMissing(to: string, cancel: CancelMode): void | Promise<void> {
    if (cancel === "temporary") return;
    this.#logError(`was not able to subscribe to the process ${to} because that process is not alive`);
    return this.end(Reason.noproc);
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
    else if (this.#intake === undefined || this.#intake.isEmpty) downstream.info(message);
    else void this.#intake.put(() => downstream.info(message));
  }

  #setMode(mode: DemandMode): void | Promise<void> {
    const downstream = this.#downstream;
    if (this.#role === "producer") return this.#machinery(() => downstream?.setMode(mode));
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

/** What a stage's own process does for it beyond a server's. */
interface StageOperations {
  subscribe(options: Subscribe, current?: Current): void;
  ask(tag: Term, to: Address, count: number): void;
  later(callback: () => unknown, afterEvents: boolean): void;
  info(message: unknown): void;
  openDemand(): number;
}

/** The `process` of every stage; the types that users see show of it what is for their role. */
class StageOwnProcess extends OwnProcess {
  readonly #core: ProcessCore;
  stage!: StageOperations;

  constructor(core: ProcessCore) {
    super(core);
    this.#core = core;
  }

  asyncSubscribe(options: Subscribe): void {
    checkOptions(options);
    this.stage.subscribe(options);
  }

  asyncResubscribe(from: Tuple, reason: unknown, options: Subscribe): void {
    checkOptions(options);
    this.stage.subscribe(options, { tag: from[1] as Term, reason: reason as Term });
  }

  ask(from: Tuple, count: number): void {
    const address = this.#producerOf(from);
    if (count > 0 && address !== undefined) this.stage.ask(from[1] as Term, address, count);
  }

  cancel(from: Tuple, reason: unknown): void {
    const address = this.#producerOf(from);
    if (address !== undefined) void this.#core.send(address, cancelMessage(this.pid, from[1], reason), false);
  }

  get openDemand(): number {
    return this.stage.openDemand();
  }

  asyncInfo(message: unknown): void {
    this.stage.info(this.#core.runtime.localCopy(message));
  }

  later(callback: () => unknown, options: { afterEvents?: boolean } = {}): void {
    this.stage.later(callback, options.afterEvents ?? false);
  }

  #producerOf(from: Tuple): Address | undefined {
    return resolve(from[0] as Pid, this.#core.runtime.identity.node);
  }
}

const OPTION_NAMES: Record<StageRole, readonly string[]> = {
  consumer: ["subscribeTo"],
  producer: ["dispatcher", "bufferSize", "bufferKeep", "demand"],
  producer_consumer: ["subscribeTo", "dispatcher", "bufferSize", "bufferKeep"],
};

/** Ends the start of a stage with `{bad_opts, Text}`, as GenStage does. */
function checkStageOptions(options: ConsumerOptions & ProducerOptions, role: StageRole): void {
  const unknown = Object.keys(options).filter((name) => !OPTION_NAMES[role].includes(name));
  if (unknown.length > 0) throw badOptions(`unknown options ${inspect(unknown)}`);
  const { bufferSize = 0, bufferKeep = "last", demand = "forward" } = options;
  if (!(bufferSize >= 0)) throw badOptions(`expected bufferSize to be equal to or greater than 0, got: ${bufferSize}`);
  if (bufferKeep !== "last" && bufferKeep !== "first") throw badOptions("expected bufferKeep to be last or first");
  if (demand !== "forward" && demand !== "accumulate") throw badOptions("expected demand to be forward or accumulate");
}

function badOptions(text: string): Exit {
  return new Exit(tuple(atom("bad_opts"), text));
}

function requestOf(own: Subscribe): SubscribeRequest {
  return { to: own.to, options: keywords(own) as unknown as Term, own };
}
