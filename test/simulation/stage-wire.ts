import type { Signal } from "../../src/dist/index.ts";
import { Runtime } from "../../src/runtime/index.ts";
import { readStageMessage, type StageMessage } from "../../src/stage/messages.ts";
import { keywordObject } from "../../src/stage/subscription.ts";
import { type Term, termKey } from "../../src/term/index.ts";

const DEFAULT_MAX_DEMAND = 1_000;

/** One subscription, as it shows in what its two sides send to each other. */
export interface Traffic {
  readonly tag: unknown;
  readonly consumer: string;
  readonly maxDemand: number;
  readonly options: Readonly<Record<string, Term>>;
  /** Events asked for: by what left the consumer, and by what came to the producer. */
  asked: number;
  askedThere: number;
  /** Events as they left the producer, and how many came to the consumer. */
  readonly sent: string[];
  /** Those of them that had been sent to nobody before. */
  readonly fresh: string[];
  received: number;
  /** The process that sent the events. */
  producer: string | undefined;
  /** Either side has said that it is over. */
  isOver: boolean;
}

/**
 * Everything that stages tell each other, of whatever node: messages as they leave a node's runtime and as they come to one,
 * those within a node too. It watches from its making until it is disposed, and holds each ask and each event against the
 * demand at that moment.
 */
export class Wire implements Disposable {
  readonly subscriptions = new Map<unknown, Traffic>();
  /** What must never happen and did. */
  readonly wrong: string[] = [];
  readonly #seen = new Set<string>();
  readonly #restore: () => void;

  constructor() {
    const { prototype } = Runtime;
    const { route, accept } = prototype;
    const left = (signal: Signal) => this.#left(signal);
    const came = (signal: Signal) => this.#came(signal);
    prototype.route = function (node, signal, dial, unsent) {
      left(signal);
      return route.call(this, node, signal, dial, unsent);
    };
    prototype.accept = function (signal, peer, bytes) {
      came(signal);
      return accept.call(this, signal, peer, bytes);
    };
    this.#restore = () => Object.assign(prototype, { route, accept });
  }

  [Symbol.dispose](): void {
    this.#restore();
  }

  #left(signal: Signal): void {
    const message = stageMessageOf(signal);
    const { operation } = message ?? {};
    if (message === undefined || operation === undefined) return;
    if (operation.kind === "subscribe") return this.#subscribed(message, operation.options);
    const traffic = this.subscriptions.get(termKey(message.tag));
    if (traffic === undefined) return void this.wrong.push(`${operation.kind} under a tag that nobody subscribed with`);
    if (operation.kind === "ask") {
      traffic.asked += operation.count;
      const outstanding = traffic.asked - traffic.received;
      if (operation.count < 1) this.#blame(traffic, `was asked ${operation.count}`);
      if (outstanding > traffic.maxDemand) this.#blame(traffic, `has ${outstanding} outstanding at its consumer`);
    } else if (operation.kind === "events") {
      if (traffic.isOver) this.#blame(traffic, "was sent events after its end");
      traffic.producer = message.pid.key;
      this.#sent(traffic, operation.events as string[]);
      const excess = traffic.sent.length - traffic.askedThere;
      if (excess > 0) this.#blame(traffic, `was sent ${excess} events that nobody had asked for`);
    } else if (operation.kind === "cancel" && message.to === "consumer") traffic.isOver = true;
  }

  #came(signal: Signal): void {
    const message = stageMessageOf(signal);
    const { operation } = message ?? {};
    const traffic = message && this.subscriptions.get(termKey(message.tag));
    if (traffic === undefined) return;
    if (operation?.kind === "events") traffic.received += operation.events.length;
    if (operation?.kind !== "ask") return;
    traffic.askedThere += operation.count;
    const outstanding = traffic.askedThere - traffic.sent.length;
    if (outstanding > traffic.maxDemand) this.#blame(traffic, `has ${outstanding} outstanding at its producer`);
  }

  #subscribed({ pid, tag }: StageMessage, options: Term): void {
    const given = keywordObject(options) ?? {};
    this.subscriptions.set(termKey(tag), {
      tag,
      consumer: pid.key,
      maxDemand: (given.max_demand as number | undefined) ?? DEFAULT_MAX_DEMAND,
      options: given,
      asked: 0,
      askedThere: 0,
      sent: [],
      fresh: [],
      received: 0,
      producer: undefined,
      isOver: false,
    });
  }

  #sent({ sent, fresh }: Traffic, events: readonly string[]): void {
    for (const event of events) {
      sent.push(event);
      if (!this.#seen.has(event)) fresh.push(event);
      this.#seen.add(event);
    }
  }

  #blame({ tag, consumer, maxDemand }: Traffic, what: string): void {
    this.wrong.push(`subscription ${tag} of ${consumer}, up to ${maxDemand}, ${what}`);
  }
}

function stageMessageOf(signal: Signal): StageMessage | undefined {
  return signal.op === "send" || signal.op === "sendName" ? readStageMessage(signal.message) : undefined;
}
