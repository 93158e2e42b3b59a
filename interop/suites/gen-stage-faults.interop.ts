import { expect, test } from "vitest";
import {
  type Atom,
  atom,
  type CancelReason,
  Consumer,
  noReply,
  Producer,
  type Subscribe,
  withOptions,
} from "../../src/index.ts";
import { startBeam, uniqueName } from "../harness/index.ts";
import { nodeBeside } from "../support/our-node.ts";
import { describeBehaviours } from "../support/stage-behaviours.ts";
import { until } from "../support/until.ts";

interface Notes {
  readonly events: number[];
  readonly cancels: string[];
  readonly demands: number[];
}

const notes = (): Notes => ({ events: [], cancels: [], demands: [] });
const textOf = ({ kind, reason }: CancelReason) => `${kind} ${(reason as Atom).tag}`;

class Noting extends Consumer<number> {
  #notes!: Notes;

  override init([kept, to]: [Notes, Subscribe]) {
    this.#notes = kept;
    return withOptions({ subscribeTo: [to] });
  }

  handleEvents(events: number[]) {
    this.#notes.events.push(...events);
  }

  override handleCancel(reason: CancelReason) {
    this.#notes.cancels.push(textOf(reason));
  }
}

class Counting extends Producer<number> {
  #notes!: Notes;
  #next = 1;

  override init(kept: Notes) {
    this.#notes = kept;
  }

  handleDemand(demand: number) {
    this.#notes.demands.push(demand);
    return noReply({ events: Array.from({ length: demand }, () => this.#next++) });
  }

  override handleCancel(reason: CancelReason) {
    this.#notes.cancels.push(textOf(reason));
  }
}

const startCounter = (last: number) => `
  {:ok, counter} = Fixtures.Counter.start(name: :counter, last: ${last}, done: :stay)
  nil
`;

describeBehaviours("lost nodes and connections", new URL("gen-stage-faults.exs", import.meta.url), (nodes, release) => {
  test.each([
    { mode: "permanent", ends: "noconnection" },
    { mode: "transient", ends: "noconnection" },
    { mode: "temporary", ends: undefined },
  ] as const)("#234 the node of the producer is killed: a $mode consumer here", async ({ mode, ends }) => {
    await using beam = await startBeam(release, { genStage: true });
    await using node = await nodeBeside(beam);
    await beam.eval(startCounter(5));
    const kept = notes();
    const to: Subscribe = { to: { name: "counter", node: beam.name }, cancel: mode, maxDemand: 10 };
    const { pid } = await node.start(Noting, { args: [kept, to] });
    let ended: unknown;
    node.monitor(pid, ({ reason }) => {
      ended = reason;
    });
    await until(() => kept.events.length === 5);

    await beam.kill();

    await until(() => kept.cancels.length === 1);
    expect(kept.cancels).toEqual(["down noconnection"]);
    if (ends === undefined) expect(node.stats().stages).toHaveLength(1);
    else await until(() => ended === atom(ends));
  });

  test("#235 the node of the consumer is killed: the producer here is told, and owes its demand to the next", async () => {
    const { beam } = nodes();
    await using doomed = await startBeam(release, { genStage: true, cookie: beam.cookie });
    await using node = await nodeBeside(beam);
    const kept = notes();
    await node.start(Counting, { name: "counting", args: kept as never });
    const taking = (count: number) => `
      {:ok, collector} = Fixtures.Collector.start()
      {:ok, _} = Fixtures.Collector.subscribe(collector, {:counting, :"${node.name}"}, max_demand: 10, min_demand: 0, cancel: :temporary)
      Fixtures.Collector.await(collector, ${count}).count >= ${count}
    `;
    await doomed.eval(taking(100));

    await doomed.kill();
    await until(() => kept.cancels.length === 1);

    expect(kept.cancels).toEqual(["down noconnection"]);
    expect(await beam.eval(`${taking(100)}\nProcess.exit(collector, :kill)`)).toBe(true);
  });

  test("#234 our node goes away: an Elixir consumer that is permanent exits, a temporary one lives", async () => {
    const { beam } = nodes();
    const node = await nodeBeside(beam);
    await node.start(Counting, { name: "going", args: notes() as never });
    await beam.eval(`
      subscribed = for mode <- [:permanent, :temporary] do
        {:ok, collector} = Fixtures.Collector.start()
        {:ok, _} = Fixtures.Collector.subscribe(collector, {:going, :"${node.name}"}, max_demand: 2, cancel: mode, delay: 1)
        {collector, Process.monitor(collector)}
      end
      subscribed = Enum.map(subscribed, &elem(&1, 0))
      nil
    `);

    await node.stop();

    await beam.until("Enum.map(subscribed, &Process.alive?/1) == [false, true]");
    const temporary = "Fixtures.Collector.summary(List.last(subscribed)).cancelled";
    await beam.until(`${temporary} == [down: :noconnection]`);
  });

  test("#234 a consumer here that resubscribes goes on with the producer of the node that took the name", async () => {
    const { beam } = nodes();
    const name = uniqueName("again");
    const first = await startBeam(release, { genStage: true, cookie: beam.cookie, name });
    await using node = await nodeBeside(beam);
    await first.eval(startCounter(5));
    const kept = notes();
    const to: Subscribe = {
      to: { name: "counter", node: first.name },
      maxDemand: 10,
      resubscribe: { minDelayMs: 20, maxDelayMs: 100 },
    };
    await node.start(Noting, { args: [kept, to] });
    await until(() => kept.events.length === 5);

    await first[Symbol.asyncDispose]();
    await using second = await startBeam(release, { genStage: true, cookie: beam.cookie, name });
    await second.eval(startCounter(7));

    await until(() => kept.events.length === 12);
    expect(kept.events).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6, 7]);
    expect(new Set(kept.cancels)).toContain("down noconnection");
  });
});
