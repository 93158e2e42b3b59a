import { expect, test } from "vitest";
import {
  broadcastDispatcher,
  Consumer,
  Export,
  type Node,
  noReply,
  Producer,
  type ProducerOptions,
  partitionDispatcher,
  type Subscribe,
  withOptions,
} from "../../src/index.ts";
import type { Beam } from "../harness/index.ts";
import { KeptLog, nodeBeside } from "../support/our-node.ts";
import { describeBehaviours } from "../support/stage-behaviours.ts";
import { until } from "../support/until.ts";

const EVEN = "Fixtures.ProbeStage.even?/1";
const even = new Export("Elixir.Fixtures.ProbeStage", "even?", 1);
const missing = new Export("Elixir.Fixtures.ProbeStage", "odd?", 1);

class Numbers extends Producer<number> {
  #next = 0;

  override init(dispatcher: ProducerOptions<number>["dispatcher"]) {
    return withOptions({ ...(dispatcher && { dispatcher }) });
  }

  handleDemand(demand: number) {
    return noReply({ events: Array.from({ length: demand }, () => this.#next++) });
  }
}

class Numbered extends Consumer<number> {
  readonly events: number[] = [];

  override init(subscribeTo: readonly Subscribe[]) {
    return withOptions({ subscribeTo });
  }

  handleEvents(events: number[]) {
    this.events.push(...events);
  }
}

/** A producer of broadcasts on the BEAM, named `name`. */
const startBroadcast = (beam: Beam, name: string) =>
  beam.eval(`
    {:ok, _} = Fixtures.ProbeStage.start(self(), :p, %{type: :producer, dispatcher: :broadcast, count: 20, name: :${name}})
    nil
  `);

const isAlive = (beam: Beam, name: string) => beam.eval(`Process.whereis(:${name}) != nil`);

describeBehaviours("dispatchers", new URL("gen-stage-dispatchers.exs", import.meta.url), (nodes) => {
  test("#240 a loop here with a selector that does not exist there throws, and the producer lives", async () => {
    const { beam, node } = nodes();
    await startBroadcast(beam, "loop_checked");
    const to = { name: "loop_checked", node: beam.name };

    await expect(node.stream(to, { selector: missing }).next()).rejects.toMatchObject({ code: "BADARG" });
    expect(await isAlive(beam, "loop_checked")).toBe(true);

    const events: number[] = [];
    for await (const event of node.stream<number>(to, { selector: even, maxDemand: 4 })) {
      events.push(event);
      if (events.length === 5) break;
    }
    expect(events).toEqual([0, 2, 4, 6, 8]);
  });

  test("#240 a stage here leaves such a subscription out, and tells its log", async () => {
    const { beam } = nodes();
    const logger = new KeptLog();
    await using node = await nodeBeside(beam, { logger });
    await startBroadcast(beam, "stage_checked");
    const to = { name: "stage_checked", node: beam.name };

    await node.start(Numbered, { args: [{ to, selector: missing }] });

    expect(logger.lines.map(({ message }) => message)).toContainEqual(expect.stringContaining("does not exist on"));
    expect(node.stats()).toMatchObject({ stages: [{ producers: [] }], monitored: 0 });
    expect(await isAlive(beam, "stage_checked")).toBe(true);
  });

  test("#239 a producer that cannot be asked is trusted: one of another node here takes a selector by its name", async () => {
    const { beam, node } = nodes();
    await using other = await nodeBeside(beam);
    const selectors = { [EVEN]: (event: unknown) => (event as number) % 2 === 0 };
    await other.start(Numbers, { name: "trusted", args: broadcastDispatcher({ selectors }) as never });

    const to = { name: "trusted", node: other.name };
    const stream = node.stream<number>(to, { selector: even, maxDemand: 2 });

    expect([await stream.next(), await stream.next()].map(({ value }) => value)).toEqual([0, 2]);
    await stream.return();
  });

  test("#155 #168 options that a dispatcher here cannot take are refused, and its producer serves the others", async () => {
    const { beam, node } = nodes();
    await node.start(Numbers, { name: "broadcasting", args: broadcastDispatcher({ selectors: {} }) as never });
    await node.start(Numbers, { name: "parted", args: partitionDispatcher({ partitions: 2 }) as never });

    const refused = await refusals(beam, node, [
      [":broadcasting", "selector: fn _ -> true end"],
      [":broadcasting", "selector: :not_a_fun"],
      [":broadcasting", "selector: &:erlang.is_binary/1"],
      [":parted", ""],
      [":parted", "partition: 2"],
      [":parted", "partition: :oops"],
    ]);

    expect(refused).toEqual(Array(6).fill(["cancel", ["bad_opts", expect.any(String)]]));
    expect(await refusals(beam, node, [[":parted", "partition: 1"]])).toEqual([]);
    expect(node.stats().stages.map(({ name }) => name)).toEqual(expect.arrayContaining(["broadcasting", "parted"]));
    await until(() => node.stats().stages.every(({ consumers }) => consumers.length === 0));
  });
});

/** Lets a consumer subscribe with each of these options, and gives how those subscriptions ended that have. */
function refusals(beam: Beam, node: Node, subscriptions: readonly (readonly [string, string])[]): Promise<unknown[]> {
  const all = subscriptions.map(([name, options]) => `{${name}, [${options}]}`).join(", ");
  return beam.eval(`
    {:ok, collector} = Fixtures.Collector.start()
    for {name, options} <- [${all}] do
      {:ok, _} = Fixtures.Collector.subscribe(collector, {name, :"${node.name}"}, [cancel: :temporary, max_demand: 2] ++ options)
    end
    # What the producers answered has arrived once they have answered again.
    for {name, _options} <- [${all}], do: :sys.get_state({name, :"${node.name}"})
    cancelled = Fixtures.Collector.summary(collector).cancelled
    Process.exit(collector, :kill)
    cancelled
  `);
}
