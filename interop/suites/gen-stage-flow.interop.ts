import { expect, test } from "vitest";
import {
  type Atom,
  atom,
  GenServer,
  GenStage,
  isTuple,
  mod,
  type Pid,
  reply,
  type Term,
  type Tuple,
  tuple,
} from "../../src/index.ts";
import { describeBehaviours } from "../support/stage-behaviours.ts";
import { until } from "../support/until.ts";

function* numbers(count: number): Iterable<number> {
  for (let n = 1; n <= count; n++) yield n;
}

async function* doubled(events: AsyncIterable<number>): AsyncIterable<number> {
  for await (const event of events) yield event * 2;
}

/** A producer that is no GenStage: it cancels the subscription of whoever asks when it has no more, and lives on. */
class HandMade extends GenServer {
  #events!: number[];
  #reason!: Atom;

  override init({ events, reason }: { events: number[]; reason: Atom }) {
    this.#events = events;
    this.#reason = reason;
  }

  override handleInfo(message: Term) {
    if (!isTuple(message) || message.tag !== "$gen_producer") return;
    const [, [consumer, tag], operation] = message as unknown as [Atom, [Pid, Term], Tuple];
    const tell = (payload: object) =>
      void this.process.send(consumer, tuple(atom("$gen_consumer"), tuple(this.process.pid, tag as object), payload));
    if (operation.tag === "ask") tell(this.#events.splice(0, operation[1] as number));
    if (operation.tag !== "cancel" && this.#events.length === 0) tell(tuple(atom("cancel"), this.#reason));
  }

  /** How many events it still has. */
  override handleCall() {
    return reply(this.#events.length);
  }

  /** The mode of demand that a flow tells it. */
  override handleCast() {}
}

describeBehaviours("streams and flows", new URL("gen-stage-flow.exs", import.meta.url), (nodes) => {
  test("#212 a flow starts its producer here by a child spec, and has it ended when it is left", async () => {
    const { beam, node } = nodes();
    const started: Pid[] = [];
    node.expose(mod("Numbers"), {
      start: async () => {
        const { pid } = await node.start(GenStage.from(() => numbers(Infinity)));
        started.push(pid);
        return tuple(atom("ok"), pid);
      },
    });

    const results = await beam.eval(`
      Flow.from_specs([%{id: :numbers, start: {:erpc, :call, [:"${node.name}", Numbers, :start, []]}}], stages: 1)
      |> Flow.map(&(&1 * 2))
      |> Enum.take(5)
    `);

    expect(results).toEqual([2, 4, 6, 8, 10]);
    expect(started).toHaveLength(1);
    await until(() => !isAlive(node, started[0]!));
  });

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

  test("#215 a flow over a producer made by hand that cancels with normal has all its results, and ends in order", async () => {
    const { beam, node } = nodes();
    const producer = await node.start(HandMade, {
      name: "hand_made",
      args: { events: [...numbers(20)], reason: atom("normal") },
    });

    const results = await beam.eval<number[]>(`
      Flow.from_stages([{:hand_made, :"${node.name}"}], stages: 2, max_demand: 6)
      |> Flow.map(&(&1 * 2))
      |> Enum.sort()
    `);

    expect(results).toEqual([...numbers(20)].map((n) => n * 2));
    expect(await producer.call(atom("left"))).toBe(0);
  });

  test("#183 a stream of such a producer ends in order, too", async () => {
    const { beam, node } = nodes();
    await node.start(HandMade, { name: "streamed", args: { events: [...numbers(20)], reason: atom("normal") } });

    const results = await beam.eval(`
      GenStage.stream([{{:streamed, :"${node.name}"}, cancel: :transient, max_demand: 6}]) |> Enum.to_list()
    `);

    expect(results).toEqual([...numbers(20)]);
  });

  test("#174 a stream exits with the reason of a producer made by hand that wants no subscription, and lives", async () => {
    const { beam, node } = nodes();
    const producer = await node.start(HandMade, { name: "unwilling", args: { events: [], reason: atom("no_thanks") } });

    const reason = await beam.eval(`
      {:exit, reason} =
        Fixtures.Behaviours.apart(fn -> GenStage.stream([{:unwilling, :"${node.name}"}]) |> Enum.to_list() end)
      inspect(reason)
    `);

    expect(reason).toBe("{:no_thanks, {GenStage, :close_stream, [%{}]}}");
    expect(await producer.call(atom("left"))).toBe(0);
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
