import { Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { ArgumentError } from "../base/index.ts";
import {
  type Address,
  checkOptionsObject,
  checkSignal,
  type Destination,
  Exit,
  ExitError,
  isOrderly,
  type MonitorTarget,
  type ProcessCore,
  Reason,
  resolve,
} from "../runtime/index.ts";
import { atom, isList, Pid, type Term, tuple } from "../term/index.ts";
import { type CancelReason, type ConsumerOptions, withOptions } from "./callbacks.ts";
import { Consumer } from "./consumer.ts";
import { demandRequest } from "./messages.ts";
import type { DemandMode } from "./outflow.ts";
import { StageProcess } from "./stage-process.ts";
import { type CancelMode, checkOptions, type SubscriptionOptions } from "./subscription.ts";
import type { UpstreamSubscription } from "./upstream-subscription.ts";

/** Options of {@link stream}, besides those of every subscription. */
export interface StreamOptions extends SubscriptionOptions {
  /**
   * What the end of a producer means for the loop. Default `transient`: an end in order (`normal`, `shutdown`) ends the loop
   * when it was the last producer, any other is thrown. `permanent`: the end of any producer ends the loop. `temporary`:
   * nothing is thrown, the loop ends with the last producer.
   */
  readonly cancel?: CancelMode;
  /**
   * Told to the producers once the loop has subscribed, as some wait until all their consumers are there. Default `forward`.
   * Same as the option of `GenStage.stream/2`.
   */
  readonly demand?: DemandMode;
  /** Who is told `demand` in their place: the producers behind producer_consumers, say. */
  readonly producers?: readonly Destination[];
  /** Ends the loop: it cancels the subscriptions and throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * The events of one or several producers, to be looped over with `for await`. It subscribes when the loop begins.
 *
 * The loop is the demand: no more than `maxDemand` events are ever outstanding, and more is asked for only when the loop comes
 * back after the last event of a chunk. Leaving the loop cancels the subscriptions, and leaves nothing behind.
 *
 * The loop throws NodeDownError `NODEDOWN` when the connection to a producer is lost, ExitError when a producer crashes, does
 * not exist (`EXIT_NOPROC`) or refuses. Events that arrived before are handed out first. Same idea as `GenStage.stream/2`.
 *
 * @param owner - the process in whose name it is done: the stream ends with it.
 */
export function stream<E = Term>(
  owner: ProcessCore,
  producers: Destination | readonly Destination[],
  options: StreamOptions = {},
): EventStream<E> {
  checkOptionsObject(options);
  checkSignal(options.signal);
  checkOptions(subscriptionOptions(options));
  if (options.demand !== undefined) demandRequest(options.demand);
  return new EventStream<E>(
    owner,
    isList(producers) ? (producers as Destination[]) : [producers as Destination],
    options,
  );
}

/** The part of the options that travels. */
function subscriptionOptions(options: StreamOptions): SubscriptionOptions {
  const { signal: _signal, demand: _demand, producers: _producers, ...subscription } = options;
  return subscription;
}

interface Waiter<E> {
  resolve(result: IteratorResult<E, undefined>): void;
  reject(error: unknown): void;
}

const DONE = { done: true, value: undefined } as const;

/** Made by {@link stream}. To be looped over once. */
export class EventStream<E> implements AsyncIterableIterator<E, undefined>, AsyncDisposable {
  readonly #owner: ProcessCore;
  readonly #producers: readonly Destination[];
  readonly #options: StreamOptions;
  #state: "new" | "running" | "ended" = "new";
  #process: StreamProcess | undefined;
  /** The chunk that is being handed out, and how far. */
  #chunk: readonly E[] = [];
  #at = 0;
  /** Tells that the chunk has been handled: the loop came back for more. */
  #handled: (() => void) | undefined;
  #waiting: Waiter<E>[] = [];
  /** To be thrown at the next occasion. */
  #failure: { readonly error: unknown } | undefined;
  readonly #onAbort = () => this.#end({ error: this.#options.signal?.reason });

  constructor(owner: ProcessCore, producers: readonly Destination[], options: StreamOptions) {
    this.#owner = owner;
    this.#producers = producers;
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<E, undefined>> {
    if (this.#at < this.#chunk.length) return Promise.resolve({ done: false, value: this.#chunk[this.#at++]! });
    if (this.#state === "new") this.#start();
    if (this.#state === "ended") return this.#afterEnd();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#finishChunk();
    });
  }

  /** Ends the subscriptions, with `{:cancel, :normal}` to the producers. */
  return(): Promise<IteratorResult<E, undefined>> {
    this.#failure = undefined;
    this.#end();
    return Promise.resolve(DONE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** The events as a Node.js stream. It holds none: what has been asked for and not read waits at the producers. */
  toReadable(): Readable {
    return Readable.from(this, { highWaterMark: 0 });
  }

  /** The events as a web stream, which holds none either. */
  toWebStream(): ReadableStream<E> {
    return new ReadableStream<E>(
      {
        pull: async (controller) => {
          const { done, value } = await this.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: async () => void (await this.return()),
      },
      { highWaterMark: 0 },
    );
  }

  #start(): void {
    const { signal, cancel: mode = "transient", demand = "forward", producers } = this.#options;
    if (signal?.aborted) return this.#onAbort();
    if (!this.#owner.alive) return this.#end({ error: new Exit(this.#owner.exitReason) });
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#state = "running";
    const sent = subscriptionOptions(this.#options);
    this.#owner.runtime.spawn((core) => {
      this.#process = new StreamProcess(
        core,
        { mode, demand, producers },
        {
          take: (events) => this.#take(events as E[]),
          end: (failure) => this.#end(failure),
        },
      );
      return this.#process;
    });
    this.#process?.start(this.#owner.pid, { subscribeTo: this.#producers.map((to) => ({ ...sent, to })) });
  }

  /** A chunk arrived. The promise settles when the loop has been through it; only then is more asked for. */
  #take(events: readonly E[]): void | Promise<void> {
    this.#chunk = events;
    this.#at = 0;
    while (this.#waiting.length > 0 && this.#at < events.length) {
      this.#waiting.shift()!.resolve({ done: false, value: events[this.#at++]! });
    }
    if (this.#waiting.length > 0) return;
    return new Promise((resolve) => {
      this.#handled = resolve;
    });
  }

  #finishChunk(): void {
    const handled = this.#handled;
    this.#handled = undefined;
    handled?.();
  }

  #end(failure?: { readonly error: unknown }): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#failure = failure;
    this.#chunk = [];
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#process?.finish();
    this.#finishChunk();
    for (const { resolve, reject } of this.#waiting.splice(0)) this.#afterEnd().then(resolve, reject);
  }

  #afterEnd(): Promise<IteratorResult<E, undefined>> {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure === undefined ? Promise.resolve(DONE) : Promise.reject(failure.error);
  }
}

/** The loop, as the stream's process sees it. */
interface Loop {
  take(events: readonly unknown[]): void | Promise<void>;
  end(failure?: { readonly error: unknown }): void;
}

/** What the process is started with. */
interface StreamArgs {
  readonly loop: Loop;
  readonly options: ConsumerOptions;
}

class LoopConsumer extends Consumer {
  #loop: Loop | undefined;

  override init({ loop, options }: StreamArgs) {
    this.#loop = loop;
    return withOptions(options);
  }

  handleEvents(events: Term[]): void | Promise<void> {
    return this.#loop?.take(events);
  }
}

/** What a stream's process goes by. */
interface StreamRules {
  readonly mode: CancelMode;
  readonly demand: DemandMode;
  readonly producers: readonly Destination[] | undefined;
}

const GEN_CAST = atom("$gen_cast");

/** The process of a stream: an ordinary consumer but for what the end of a subscription means. */
class StreamProcess extends StageProcess {
  readonly #rules: StreamRules;
  readonly #loop: Loop;

  constructor(core: ProcessCore, rules: StreamRules, loop: Loop) {
    super(core, LoopConsumer, "consumer");
    this.#rules = rules;
    this.#loop = loop;
  }

  start(owner: Pid, options: ConsumerOptions): void {
    this.core.monitor(owner, (reason) => this.core.exit(reason));
    const args: StreamArgs = { loop: this.#loop, options };
    this.init(args, () => this.#started());
  }

  /** Ends the subscriptions and the process. */
  finish(): void {
    this.upstream?.cancelAll(Reason.normal);
    this.core.exit(Reason.normal);
  }

  override ended(): void {
    super.ended();
    this.#loop.end({ error: new Exit(this.core.exitReason) });
  }

  protected override subscriptionEnded({ producer }: UpstreamSubscription, cancel: CancelReason): void {
    const { reason } = cancel;
    if (this.#rules.mode !== "temporary" && !isOrderly(reason)) {
      const isLost = cancel.kind === "down" && reason === Reason.noconnection;
      const target = producer instanceof Pid ? producer : tuple(atom(producer.name), atom(producer.node));
      return this.#loop.end({
        error: isLost ? this.core.runtime.nodeDownError(producer.node) : new ExitError("stream", target, reason),
      });
    }
    if (this.#rules.mode === "permanent" || !this.#hasProducers()) this.#loop.end();
  }

  protected override subscriptionRefused(problem: string): void {
    this.#loop.end({ error: new ArgumentError("options", problem) });
  }

  protected override producerMissing(to: string): void {
    if (this.#rules.mode === "temporary") return;
    this.#loop.end({ error: new ExitError("stream", to, Reason.noproc) });
  }

  /** Producers may be waiting until all their consumers are there, as those of a Flow are: this one is. */
  #started(): void {
    const { demand, producers } = this.#rules;
    for (const producer of producers?.map((to) => this.#addressOf(to)) ?? this.#subscribed()) {
      if (producer !== undefined) void this.core.send(producer, tuple(GEN_CAST, demandRequest(demand)), false);
    }
    if (!this.#hasProducers()) this.#loop.end();
  }

  #addressOf(to: Destination): Address | undefined {
    return resolve(to, this.core.runtime.identity.node);
  }

  #subscribed(): MonitorTarget[] {
    return Array.from(this.upstream?.subscriptions() ?? [], ({ producer }) => producer);
  }

  #hasProducers(): boolean {
    return this.#subscribed().length > 0;
  }
}
