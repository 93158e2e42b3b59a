import { expect, test } from "vitest";
import { describePeers, startBeam } from "../harness/index.ts";

// The Elixir side is proven between two BEAMs first, so that a later failure points at our side.

describePeers("the fixtures", {}, (release) => {
  test("a probe on one node keeps what another node sends it, exits and downs included", async () => {
    await using a = await startBeam(release, { cookie: "same" });
    await using b = await startBeam(release, { cookie: "same" });
    await a.eval("probe = Fixtures.Probe.start(name: :probe); nil");
    await b.eval(`target = {:probe, :"${a.name}"}; send(target, {:hello, 1})`);
    await a.eval("Fixtures.Probe.await(probe, 1)");
    await b.eval(`
      other = spawn(fn -> receive do: (:go -> exit({:bye, [1]})) end)
      send(target, {:pid, other})
    `);
    await a.eval("[_, {:pid, other}] = Fixtures.Probe.await(probe, 2); nil");

    await a.eval("Fixtures.Probe.run(probe, fn -> Process.monitor(other); Process.link(other) end)");
    const linked = await a.inspect(
      "Fixtures.Probe.info(probe) == %{links: [other], monitors: [process: other], monitored_by: [], message_queue_len: 0}",
    );
    await a.eval("send(other, :go)");

    expect(linked).toBe("true");
    expect(
      await a.inspect(`
        [_, _ | ends] = Fixtures.Probe.await(probe, 4)
        for message <- ends, do: {elem(message, 0), elem(message, tuple_size(message) - 1)}
      `),
    ).toBe("[EXIT: {:bye, [1]}, DOWN: {:bye, [1]}]");
  });

  test("the odd server answers late, twice, through another process, or dies", async () => {
    await using peer = await startBeam(release);
    await peer.eval("{:ok, odd} = Fixtures.Odd.start(); nil");

    expect(await peer.eval("GenServer.call(odd, {:deferred, 10, 1})")).toBe(1);
    expect(await peer.eval("GenServer.call(odd, {:reply_twice, 2})")).toBe(2);
    expect(
      await peer.eval(`
        helper = spawn(fn -> receive do: ({:from, from} -> GenServer.reply(from, :helped)) end)
        GenServer.call(odd, {:pass_on, helper})
      `),
    ).toBe("helped");
    await expect(peer.eval("GenServer.call(odd, :silent, 10)")).rejects.toThrow("time out");
    expect(await peer.eval("GenServer.call(odd, {:stop_with_reply, :shutdown, :bye})")).toBe("bye");
    for (const [request, reason] of [
      ["{:stop, :why}", ":why"],
      ["{:exit, :gone}", ":gone"],
      ["{:throw, 1}", "bad return value: 1"],
      [":raise", "odd"],
      [":unknown", "no function clause matching"],
    ]) {
      await peer.eval("{:ok, odd} = Fixtures.Odd.start(); nil");
      await expect(peer.eval(`GenServer.call(odd, ${request})`)).rejects.toThrow(reason);
    }
  });

  test("terms survive their own encoding, and a difference is named", async () => {
    await using peer = await startBeam(release);

    const lines = await peer.eval<string>("Fixtures.Vectors.encode(Fixtures.RandomTerms.list(2_000, 1))");
    const pairs = lines.split("\n").map((hex, index) => `term-${index} ${hex} ${hex}`);

    expect(pairs).toHaveLength(2_000);
    expect(await peer.eval("Fixtures.Vectors.differences(input)", { input: pairs.join("\n") })).toEqual([]);
    expect(
      await peer.eval("Fixtures.Vectors.differences(input)", { input: "one 836101 834101\ntwo 836101 836102" }),
    ).toEqual([
      ["one", "not an encoded term: 834101"],
      ["two", "1 is not 2"],
    ]);
  });
});

describePeers("the stages of the fixtures", { genStage: true }, (release) => {
  test("a collector on another node gets every integer in order, and the counter saw no more demand than max_demand", async () => {
    await using a = await startBeam(release, { cookie: "same", genStage: true });
    await using b = await startBeam(release, { cookie: "same", genStage: true });
    await a.eval("{:ok, counter} = Fixtures.Counter.start(name: :counter, last: 50_000, done: :stay); nil");
    await b.eval("{:ok, collector} = Fixtures.Collector.start(); nil");
    await b.eval(`Fixtures.Collector.subscribe(collector, {:counter, :"${a.name}"}, max_demand: 100)`);

    const summary = await b.eval("Fixtures.Collector.await(collector, 50_000)");
    const stats = await a.eval("Fixtures.Counter.stats(counter)");

    expect(summary).toMatchObject({ count: 50_000, first: 1, last: 50_000, in_order: true, largest_batch: 50 });
    expect(stats).toMatchObject({ emitted: 50_000, max_outstanding: 100, subscribed: 1, cancelled: 0 });
  });

  test("the shop's orders end with normal after the last one, and its prices can be asked for", async () => {
    await using peer = await startBeam(release, { genStage: true });
    await peer.eval("{:ok, collector} = Fixtures.Collector.start(keep: 1); {:ok, _} = Shop.Prices.start_link(); nil");

    const summary = await peer.eval(`
      {:ok, orders} = Shop.Orders.start_link(last: 30, rate: 1_000)
      Fixtures.Collector.subscribe(collector, orders, cancel: :temporary, max_demand: 10)
      Fixtures.Collector.await(collector, 31) |> Map.take([:count, :kept, :cancelled])
    `);

    expect(summary).toEqual({
      count: 30,
      kept: [{ id: 1, sku: "sku-8", count: 2, customer: "customer 13" }],
      cancelled: [["down", "normal"]],
    });
    expect(await peer.eval('before = GenServer.call(Shop.Prices, {:price, "sku-8"})')).toBe(150);
    expect(
      await peer.eval('GenServer.call(Shop.Prices, :reload); GenServer.call(Shop.Prices, {:price, "sku-8"})'),
    ).toBe(151);
  });
});
