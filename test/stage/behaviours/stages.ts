import type { ProcessCore } from "../../../src/runtime/index.ts";
import type { Subscribe } from "../../../src/stage/index.ts";
import {
  askMessage,
  cancelledMessage,
  cancelMessage,
  eventsMessage,
  subscribeMessage,
} from "../../../src/stage/messages.ts";
import { atom, inspect, type Pid, type Ref, type Term } from "../../../src/term/index.ts";
import { TestNode } from "../harness.ts";
import { type Behaviour, Counter, Doubler, Forwarder } from "./probes.ts";

/** Stages on one node, and what can be done with them from outside. */
export class Stages {
  readonly node: TestNode;

  constructor(node = new TestNode()) {
    this.node = node;
  }

  producer(given: Behaviour = {}, name?: string) {
    return this.#start(Counter, given, name);
  }

  producerConsumer(given: Behaviour = {}, name?: string) {
    return this.#start(Doubler, given, name);
  }

  consumer(given: Behaviour = {}, name?: string) {
    return this.#start(Forwarder, given, name);
  }

  /** A consumer of one producer. */
  consumerOf(to: Subscribe["to"], options: Omit<Subscribe, "to"> = {}, given: Behaviour = {}) {
    return this.consumer({ ...given, subscribeTo: [{ to, ...options }] });
  }

  async #start<S extends Counter | Doubler | Forwarder>(
    stage: (new () => S) & { last: S },
    given: Behaviour,
    name?: string,
  ) {
    const { pid } = await this.node.start(stage, { args: given, ...(name !== undefined && { name }) });
    const { last } = stage;
    const reasons = this.ends(pid);
    return { pid, stage: last, notes: last.notes, reasons };
  }

  /** The reason for which a process ends, as text, once it has. */
  ends(pid: Pid): string[] {
    const reasons: string[] = [];
    this.node.core.monitor(pid, (reason) => reasons.push(inspect(reason as Term)));
    return reasons;
  }

  settle() {
    return this.node.clock.settle();
  }

  async send(pid: Pid, message: unknown) {
    void this.node.core.send(pid, message, false);
    await this.settle();
  }

  async cast(pid: Pid, request: unknown) {
    void this.node.process.cast(pid, request);
    await this.settle();
  }

  /** The answer as text. */
  async call(pid: Pid, request: unknown): Promise<string> {
    return this.answer(this.node.process.call(pid, request));
  }

  /** What comes of a promise, as text: `error` and its reason when it is rejected. */
  async answer(promise: Promise<unknown>): Promise<string> {
    const text = promise.then(
      (value) => inspect(value as Term),
      (error: { reason?: Term; message: string }) => `error ${inspect(error.reason ?? error.message)}`,
    );
    await this.settle();
    return text;
  }

  async kill(pid: Pid) {
    this.node.core.sendExit(pid, atom("kill"));
    await this.settle();
  }

  isAlive(pid: Pid): boolean {
    return this.node.runtime.find(pid) !== undefined;
  }

  /** A process that plays a consumer of `producer` by hand. */
  handConsumer(producer: Pid, tag: Term = "tag") {
    const hand = this.#hand(producer);
    const { pid } = hand.core;
    return {
      ...hand,
      subscribe: (options: unknown = []) => hand.tell(subscribeMessage(pid, tag, undefined, options)),
      ask: (count: number) => hand.tell(askMessage(pid, tag, count)),
      cancel: (reason: unknown) => hand.tell(cancelMessage(pid, tag, reason)),
    };
  }

  /** A process that plays a producer by hand, and a consumer that has subscribed to it. */
  handProducer(options: Omit<Subscribe, "to"> = {}, given: Behaviour = {}) {
    return this.#handProducer(options, (subscribeTo) => this.consumer({ ...given, subscribeTo }));
  }

  /** A process that plays a producer by hand, and a producer_consumer that has subscribed to it. */
  handProducerOfMiddle(options: Omit<Subscribe, "to"> = {}, given: Behaviour = {}) {
    return this.#handProducer(options, (subscribeTo) => this.producerConsumer({ ...given, subscribeTo }));
  }

  async #handProducer<S extends { pid: Pid }>(
    options: Omit<Subscribe, "to">,
    start: (subscribeTo: Subscribe[]) => Promise<S>,
  ) {
    const inbox: Term[] = [];
    const core = this.node.spawn(inbox);
    const stage = await start([{ to: core.pid, ...options }]);
    const hand = this.#hand(stage.pid, core, inbox);
    const tag = ((inbox[0] as unknown as Term[])[1] as unknown as Term[])[1] as Ref;
    const asks = () =>
      hand
        .got()
        .filter((text) => text.startsWith("{:ask"))
        .map((text) => Number(/\d+/.exec(text)?.[0]));
    return {
      ...hand,
      ...stage,
      tag,
      asks,
      emit: (...events: unknown[]) => hand.tell(eventsMessage(core.pid, tag, events)),
      cancel: (reason: unknown) => hand.tell(cancelledMessage(core.pid, tag, reason)),
    };
  }

  #hand(stage: Pid, core: ProcessCore | undefined = undefined, inbox: Term[] = []) {
    const own = core ?? this.node.spawn(inbox);
    return {
      core: own,
      inbox,
      /** The third part of each message that it got. */
      got: () => inbox.map((message) => inspect((message as unknown as Term[])[2])),
      tell: async (message: unknown) => {
        void own.send(stage, message, false);
        await this.settle();
      },
      end: async (reason: unknown) => {
        own.exit(reason);
        await this.settle();
      },
    };
  }
}
