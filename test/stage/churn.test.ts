import { expect, test } from "vitest";
import { noReply } from "../../src/otp/index.ts";
import {
  broadcastDispatcher,
  Producer,
  type ProducerOptions,
  partitionDispatcher,
  withOptions,
} from "../../src/stage/index.ts";
import { askMessage, cancelMessage, demandRequest, subscribeMessage } from "../../src/stage/messages.ts";
import type { StageProcess } from "../../src/stage/stage-process.ts";
import { atom, isList, type Ref, type Term, tuple } from "../../src/term/index.ts";
import { TestNode } from "./harness.ts";

/** Consumers that come and go in the wrong moment, each found by a seed of the simulation of stages. */

/** Emits what it is told to, and answers demand with what `onDemand` gives. */
class Told extends Producer<number> {
  #onDemand: (demand: number) => number[] = () => [];

  override init({ onDemand, ...options }: ProducerOptions<number> & { onDemand?: (demand: number) => number[] }) {
    this.#onDemand = onDemand ?? this.#onDemand;
    return withOptions<ProducerOptions>(options as ProducerOptions);
  }

  handleDemand(demand: number) {
    return noReply({ events: this.#onDemand(demand) });
  }

  override handleInfo(message: Term) {
    return noReply({ events: message as unknown as number[] });
  }
}

async function played(options: ProducerOptions<number> & { onDemand?: (demand: number) => number[] } = {}) {
  const node = new TestNode();
  const { pid } = await node.start(Told, { args: options });
  const send = async (message: unknown) => {
    void node.core.send(pid, message, false);
    await node.clock.settle();
  };
  /** A consumer that subscribes; what it gets, and what it can say. */
  const consumer = async (...given: [string, unknown][]) => {
    const inbox: Term[] = [];
    const core = node.spawn(inbox);
    const tag: Ref = node.runtime.identity.newRef();
    const say = async (message: unknown) => {
      void core.send(pid, message, false);
      await node.clock.settle();
    };
    const keywords = given.map(([name, value]) => tuple(atom(name), value as object));
    await say(subscribeMessage(core.pid, tag, undefined, keywords));
    return {
      ask: (count: number) => say(askMessage(core.pid, tag, count)),
      cancel: () => say(cancelMessage(core.pid, tag, atom("normal"))),
      got: () => inbox.map((message) => (message as unknown as Term[])[2]).filter((payload) => isList(payload)),
      async die() {
        core.exit(atom("gone"));
        await node.clock.settle();
      },
    };
  };
  const stats = () => (node.runtime.find(pid)!.behaviour as StageProcess).stats();
  const setMode = (mode: "accumulate" | "forward") => send(tuple(atom("$gen_cast"), demandRequest(mode)));
  return { consumer, stats, setMode, emit: (...events: number[]) => send(events) };
}

test("buffered events go to the next consumer before newer ones, though the producer owes what the last one had asked for", async () => {
  const { consumer, emit } = await played();
  const gone = await consumer();
  await gone.ask(10);
  await gone.die();
  await emit(1, 2);

  const next = await consumer();
  await next.ask(4);
  await emit(3, 4);

  expect(next.got()).toEqual([
    [1, 2],
    [3, 4],
  ]);
});

test("a broadcast goes on from its buffer when the one that held it up has asked", async () => {
  const { consumer, emit } = await played({ dispatcher: broadcastDispatcher() });
  const early = await consumer();
  await early.ask(10);
  const late = await consumer();
  await emit(1, 2, 3);
  expect(early.got()).toEqual([]);

  await late.ask(10);

  expect([early.got(), late.got()]).toEqual([[[1, 2, 3]], [[1, 2, 3]]]);
});

test("a broadcast demands anew what its full buffer has discarded", async () => {
  const demands: number[] = [];
  const onDemand = (demand: number) => {
    demands.push(demand);
    return [];
  };
  const { consumer, emit } = await played({ dispatcher: broadcastDispatcher(), bufferSize: 2, onDemand });
  const early = await consumer();
  await early.ask(5);
  const late = await consumer();
  await emit(1, 2, 3, 4, 5);

  await late.ask(5);

  expect(early.got()).toEqual([[4, 5]]);
  expect(demands).toEqual([5, 3]);
});

test("a broadcast demands anew what was held back for consumers that are gone, and stayed in its buffer", async () => {
  const demands: number[] = [];
  const onDemand = (demand: number) => {
    demands.push(demand);
    return demand === 3 ? [6, 7, 8] : [];
  };
  const { consumer, emit, setMode } = await played({ dispatcher: broadcastDispatcher(), onDemand });
  await emit(1, 2, 3, 4, 5);
  await setMode("accumulate");
  const gone = await consumer();
  await gone.ask(8);
  await gone.die();
  const next = await consumer();
  await setMode("forward");

  await next.ask(10);

  expect(next.got().flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(demands).toEqual([3, 2]);
});

test("what is emitted while a producer goes forward again stays behind what it held back", async () => {
  const onDemand = (demand: number) => (demand === 4 ? [3, 4] : []);
  const { consumer, emit, setMode } = await played({ demand: "accumulate", onDemand });
  const one = await consumer();
  await one.ask(4);
  await emit(1, 2);

  await setMode("forward");

  expect(one.got().flat()).toEqual([1, 2, 3, 4]);
});

test("what was under way when a consumer cancelled counts as unconfirmed", async () => {
  const { consumer, emit, stats } = await played();
  const one = await consumer();
  await one.ask(4);
  await emit(1, 2, 3);

  await one.cancel();

  expect(stats().unconfirmed).toBe(3);
});

test("a partition keeps what its confirming consumer was sent and what waited for it, and asks for none of it again", async () => {
  const demands: number[] = [];
  const onDemand = (demand: number) => {
    demands.push(demand);
    return [];
  };
  const hash = (event: number) => [event, event % 2] as const;
  const dispatcher = partitionDispatcher<number>({ partitions: 2, hash });
  const { consumer, emit, stats } = await played({ dispatcher, onDemand });
  const [even, odd] = [
    await consumer(["partition", 0], ["tiebeam_ack", true]),
    await consumer(["partition", 1], ["tiebeam_ack", true]),
  ];
  await even.ask(2);
  await odd.ask(2);
  await emit(2, 4, 6, 8);

  await even.die();
  const next = await consumer(["partition", 0], ["tiebeam_ack", true]);
  await next.ask(4);

  expect(even.got()).toEqual([[2, 4]]);
  expect(next.got()).toEqual([[2, 4, 6, 8]]);
  expect(demands).toEqual([2, 2, 2]);
  expect(stats()).toMatchObject({ unconfirmed: 0, discarded: 0 });
});
