import { expect, test } from "vitest";
import { GenStage } from "../../src/index.ts";
import { describeBehaviours } from "../support/stage-behaviours.ts";
import { until } from "../support/until.ts";

function* numbers(count: number): Iterable<number> {
  for (let n = 1; n <= count; n++) yield n;
}

async function* doubled(events: AsyncIterable<number>): AsyncIterable<number> {
  for await (const event of events) yield event * 2;
}

describeBehaviours("streams and flows", new URL("gen-stage-flow.exs", import.meta.url), (nodes) => {
  test("#213 a flow over what an iterable yields here gives all of it, and ends", async () => {
    const { beam, node } = nodes();
    const source = GenStage.from(() => numbers(1_000), { demand: "accumulate" });
    const { pid } = await node.start(source, { name: "numbers" });

    const sum = await beam.eval(`
      Flow.from_stages([{:numbers, :"${node.name}"}], stages: 2, max_demand: 50)
      |> Flow.partition(stages: 2)
      |> Flow.reduce(fn -> 0 end, &(&1 + &2))
      |> Flow.emit(:state)
      |> Enum.sum()
    `);

    expect(sum).toBe(500_500);
    await until(() => !isAlive(node, pid));
  });

  test("#226 a flow through an async generator here ends with its source, and the generator with it", async () => {
    const { beam, node } = nodes();
    const source = GenStage.from(() => numbers(300), { demand: "accumulate" });
    await node.start(source, { name: "numbers" });
    const { pid } = await node.start(GenStage.through(doubled), { name: "doubled" });

    const results = await beam.eval<number[]>(`
      Flow.from_stages([{:numbers, :"${node.name}"}], stages: 2)
      |> Flow.through_stages([{{:doubled, :"${node.name}"}, max_demand: 20}], stages: 2)
      |> Flow.map(&(&1 + 1))
      |> Enum.sort()
    `);

    expect(results).toEqual(Array.from({ length: 300 }, (_, i) => i * 2 + 3));
    await until(() => !isAlive(node, pid));
  });

  test("#222 a loop here over the coordinator of a flow gets what the flow gives, and ends with it", async () => {
    const { beam, node } = nodes();
    await beam.eval(`
      test = self()
      spawn(fn ->
        Process.flag(:trap_exit, true)
        {:ok, flow} =
          Flow.from_enumerable(1..50, stages: 2, max_demand: 5) |> Flow.map(&(&1 * 3)) |> Flow.into_stages([], demand: :accumulate, name: :flow_here)
        send(test, :started)
        receive do {:EXIT, ^flow, _} -> :ok end
      end)
      receive do :started -> nil end
    `);

    const events: number[] = [];
    for await (const event of node.stream<number>({ name: "flow_here", node: beam.name })) events.push(event);

    expect(events.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => (i + 1) * 3));
  });
});

const isAlive = (node: { stats(): { stages: readonly { pid: { key: string } }[] } }, pid: { key: string }) =>
  node.stats().stages.some((stage) => stage.pid.key === pid.key);
