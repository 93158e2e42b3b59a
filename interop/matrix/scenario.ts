import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { atom, tuple } from "../../src/index.ts";
import { epmdNames } from "../harness/epmd.ts";
import { between } from "./between.ts";
import type { Cell, Figures } from "./cell.ts";
import { isNode } from "./dimensions.ts";
import { fault } from "./faults.ts";
import type { Pair } from "./pair.ts";
import type { Status } from "./subject.ts";
import { base64, recordedTerms, unbase64 } from "./terms.ts";

/** A part of the scenario. What it throws is why the cell failed. */
export interface Step {
  readonly name: string;
  /** Whether a cell has it; default: every one. */
  readonly when?: (cell: Cell) => boolean;
  readonly run: (pair: Pair) => Promise<Figures>;
}

const MiB = 1024 * 1024;
const EVENTS = 20_000;
const MAX_DEMAND = 500;
/** What is told of the end of a process to whom is linked to it and monitors it. */
const ENDS = [
  '[DOWN: {:over, [1, 2.5], "text"}, EXIT: {:over, [1, 2.5], "text"}]',
  '[EXIT: {:over, [1, 2.5], "text"}, DOWN: {:over, [1, 2.5], "text"}]',
];

/** Everything but the first one and the last goes over the connection. */
export const SCENARIO: readonly Step[] = [
  { name: "codec", run: codec },
  { name: "connect", run: connect },
  { name: "ping", run: ping },
  { name: "terms", run: terms },
  { name: "messages", run: messages },
  { name: "ties", run: ties },
  { name: "large messages", run: large },
  { name: "GenStage", when: ({ genStage }) => genStage !== "none", run: stages },
  { name: "between two releases", when: ({ second }) => second !== "none", run: between },
  { name: "nothing left", when: ({ runtime }) => isNode(runtime), run: nothingLeft },
  { name: "fault", when: ({ fault }) => fault !== "none", run: fault },
  { name: "end", run: end },
];

/** The codec alone: what our runtime makes of every recorded term is that term to the BEAM. */
async function codec({ beam, subject, cell }: Pair): Promise<Figures> {
  const lines = recordedTerms(cell.otp);
  const peer = { wideIds: Number(cell.otp) >= 24, nativeRecords: Number(cell.otp) >= 29 };

  const recoded = await subject.do<string[]>("recode", { lines, peer });

  assert.deepEqual(await beam.eval("Fixtures.Vectors.differences(input)", { input: recoded.join("\n") }), []);
  return { terms: lines.length };
}

async function connect(pair: Pair): Promise<Figures> {
  const { beam, subject, cell } = pair;
  const since = performance.now();
  await pair.connect();
  const ms = performance.now() - since;

  const status = await subject.do<Status>("status");
  assert.deepEqual({ peers: status.peers, connecting: status.connecting }, { peers: [beam.name], connecting: 0 });
  assert.equal(await beam.inspect(":erlang.nodes(:connected)"), `[:"${pair.name}"]`);
  assert.equal(await beam.eval("length(:erlang.system_info(:dist_ctrl))"), 1);
  pair.idle = status.holdings;
  if (cell.connects !== "both") assert.equal(status.dials, cell.connects === "ours" ? 1 : 0, "who has dialled");
  assert.deepEqual(await beam.eval("[Node.list(:hidden), Node.list()]"), [[pair.name], []]);
  return { ms: Math.round(ms), dials: status.dials };
}

async function ping({ beam, subject, name }: Pair): Promise<Figures> {
  const isAuth = { to: { name: "net_kernel", node: beam.name }, request: base64(tuple(atom("is_auth"), atom(name))) };
  const trips: number[] = [];
  for (let i = 0; i < 20; i++) {
    const { value, ms } = await subject.do<{ value: string; ms: number }>("call", isAuth);
    assert.equal(unbase64(value), atom("yes"));
    trips.push(ms);
  }
  const micros = await beam.eval<number[]>(`
    for _ <- 1..20 do
      {micros, :pong} = :timer.tc(fn -> :net_adm.ping(:"${name}") end)
      micros
    end`);
  return { there_us: Math.round(median(trips) * 1_000), back_us: median(micros) };
}

/** Each recorded term to the BEAM's server, which compares it with its encoding by `=:=`, and to ours and back. */
async function terms({ beam, subject, cell, name }: Pair): Promise<Figures> {
  const lines = recordedTerms(cell.otp);

  assert.deepEqual(await subject.do("compare", { node: beam.name, lines }), []);
  const back = `Fixtures.Vectors.echo_differences(input, {:echo, :"${name}"})`;
  assert.deepEqual(await beam.eval(back, { input: lines.join("\n") }), []);
  return { terms: lines.length };
}

/** Calls, casts and sends by name, by pid and by alias, each way. */
async function messages({ beam, subject, cell, name }: Pair): Promise<Figures> {
  const there = { name: "echo", node: beam.name };
  const pid = Buffer.from(await beam.evalBytes("Process.whereis(:echo)")).toString("base64");
  for (const to of [there, pid]) {
    const { value } = await subject.do<{ value: string }>("call", {
      to,
      request: base64(tuple(atom("echo"), "called")),
    });
    assert.equal(unbase64(value), "called");
    await subject.do("cast", { to, request: base64(atom("thrown")) });
    await subject.do("send", { to, message: base64(atom("sent")) });
  }
  assert.deepEqual(await beam.until("seen = GenServer.call(:echo, :seen); length(seen) == 4 && seen"), [
    ["cast", "thrown"],
    ["info", "sent"],
    ["cast", "thrown"],
    ["info", "sent"],
  ]);

  const seen = await beam.eval(`
    there = {:echo, :"${name}"}
    pid = GenServer.call(there, :pid)
    for to <- [there, pid] do
      "called" = GenServer.call(to, {:echo, "called"})
      GenServer.cast(to, :thrown)
      send(to, :sent)
    end
    GenServer.call(there, :seen)`);
  assert.deepEqual(seen, [
    ["cast", "thrown"],
    ["info", "sent"],
    ["cast", "thrown"],
    ["info", "sent"],
  ]);
  if (Number(cell.otp) < 24) return { calls: 4, casts: 4, sends: 4, aliases: "this release has none" };

  const alias = await beam.evalBytes("probe = Fixtures.Probe.start(); Fixtures.Probe.run(probe, &:erlang.alias/0)");
  await subject.do("send", { to: Buffer.from(alias).toString("base64"), message: base64(atom("by_alias")) });
  assert.equal(await beam.inspect("Fixtures.Probe.await(probe, 1)"), "[:by_alias]");
  const last = await beam.eval(`
    send(GenServer.call(there, :alias), :by_alias)
    List.last(GenServer.call(there, :seen))`);
  assert.deepEqual(last, ["info", "by_alias"]);
  return { calls: 4, casts: 4, sends: 4, aliases: 2 };
}

/** A link and a monitor each way, ended by a reason that is no word. */
async function ties({ beam, subject }: Pair): Promise<Figures> {
  const victim = await subject.do<string>("victim");
  const seen = await beam.inspect(
    `victim = :erlang.binary_to_term(input)
     tied = Fixtures.Probe.start()
     Fixtures.Probe.run(tied, fn ->
       Process.link(victim)
       Process.monitor(victim)
       GenServer.cast(victim, {:exit, {:over, [1, 2.5], "text"}})
     end)
     for message <- Fixtures.Probe.await(tied, 2), do: {elem(message, 0), elem(message, tuple_size(message) - 1)}`,
    { input: Buffer.from(victim, "base64") },
  );
  // An exit by a link and a DOWN leave in no particular order.
  assert.ok(ENDS.includes(seen), seen);

  const pid = Buffer.from(await beam.evalBytes("tied")).toString("base64");
  await subject.do("watch", { pid });
  await beam.until("info = Fixtures.Probe.info(tied); info.links != [] and info.monitored_by != []");
  await beam.eval('Fixtures.Probe.stop(tied, {:over, [1, 2.5], "text"}); nil');
  assert.deepEqual(await subject.do("watched"), [':DOWN {:over, [1, 2.5], "text"}', ':EXIT {:over, [1, 2.5], "text"}']);
  return { monitors: 2, links: 2 };
}

/** More than a frame holds, so that it goes in fragments where both sides can. */
async function large({ beam, subject, name }: Pair): Promise<Figures> {
  const { same, ms } = await subject.do<{ same: boolean; ms: number }>("echoBytes", { node: beam.name, bytes: MiB });
  assert.ok(same, "what came back from the BEAM");
  const [identical, micros] = await beam.eval<[boolean, number]>(`
    bytes = :crypto.strong_rand_bytes(${MiB})
    {micros, echoed} = :timer.tc(fn -> GenServer.call({:echo, :"${name}"}, {:echo, bytes}, 30_000) end)
    {echoed === bytes, micros}`);
  assert.ok(identical, "what the BEAM got back");
  return { there_and_back_ms: Math.round(ms), back_and_there_ms: Math.round(micros / 1_000) };
}

/** A producer on each side: all events once and in order, and never more asked for than allowed. */
async function stages({ beam, subject, name }: Pair): Promise<Figures> {
  await beam.eval(`{:ok, counter} = Fixtures.Counter.start(name: :counter, last: ${EVENTS}, done: :stay); nil`);
  const taking = subject.do<{ count: number; inOrder: boolean; ms: number }>("take", {
    from: { name: "counter", node: beam.name },
    maxDemand: MAX_DEMAND,
  });
  await beam.until(`Fixtures.Counter.stats(counter).emitted == ${EVENTS}`, { timeoutMs: 20_000 });
  const outstanding = await beam.eval<number>("Fixtures.Counter.stats(counter).max_outstanding");
  await beam.eval("GenStage.stop(counter)");
  const taken = await taking;
  assert.deepEqual({ count: taken.count, inOrder: taken.inOrder }, { count: EVENTS, inOrder: true });
  assert.ok(outstanding <= MAX_DEMAND, `${outstanding} events were outstanding in the BEAM's producer`);

  await subject.do("produce", { name: "numbers", last: EVENTS });
  const since = performance.now();
  await beam.eval(`
    {:ok, collector} = Fixtures.Collector.start()
    {:ok, _} = Fixtures.Collector.subscribe(collector, {:numbers, :"${name}"}, max_demand: ${MAX_DEMAND}, cancel: :temporary)
    :sys.suspend(collector)
    nil`);
  const ahead = await aheadOfSuspended({ beam, subject });
  assert.ok(ahead <= MAX_DEMAND, `${ahead} events had left our producer while the consumer was suspended`);
  const summary = await beam.eval<{ count: number; in_order: boolean }>(`
    :sys.resume(collector)
    summary = Fixtures.Collector.await(collector, ${EVENTS})
    GenStage.stop(collector)
    summary`);
  assert.deepEqual({ count: summary.count, in_order: summary.in_order }, { count: EVENTS, in_order: true });
  const back_ms = Math.round(performance.now() - since);
  return { events: EVENTS, there_ms: Math.round(taken.ms), back_ms, most_outstanding: Math.max(outstanding, ahead) };
}

/** How many events our producer has given that the suspended `collector` has not handled, once none comes any more. */
async function aheadOfSuspended({ beam, subject }: Pick<Pair, "beam" | "subject">): Promise<number> {
  for (let before = -1; ; ) {
    const handled = await beam.eval<number>(":sys.get_state(collector).state.seen.count");
    const pulled = await subject.do<number>("pulled");
    if (pulled === before) return pulled - handled;
    before = pulled;
  }
}

/** What the steps before have made is gone, on both sides, but for the alias that our echo server gave away. */
async function nothingLeft({ beam, subject, idle }: Pair): Promise<Figures> {
  const held = async () => ({ ...(await subject.do<Status>("status")).holdings, aliases: 0 });
  const expected = { ...idle, aliases: 0 };
  for (const deadline = Date.now() + 5_000; !isDeepStrictEqual(await held(), expected); await sleep(10)) {
    if (Date.now() > deadline) assert.deepEqual(await held(), expected);
  }
  const ties = await beam.inspect("Process.info(Process.whereis(:echo), [:links, :monitors, :monitored_by])");
  assert.equal(ties, "[links: [], monitors: [], monitored_by: []]");
  return expected;
}

/** Our node stops in order: the BEAM notices, and so does epmd. */
async function end({ beam, subject, name, cell }: Pair): Promise<Figures> {
  await beam.eval(`
    leaving = Fixtures.Probe.start()
    Fixtures.Probe.run(leaving, fn -> Node.monitor(:"${name}", true) end)`);
  const since = performance.now();
  await subject.stop();
  assert.equal(await beam.inspect("Fixtures.Probe.await(leaving, 1)"), `[nodedown: :"${name}"]`);
  const ms = Math.round(performance.now() - since);
  if (cell.epmd === "stock") assert.ok(!(await epmdNames(beam.epmdPort)).includes(name.split("@")[0]!), "epmd");
  return { nodedown_ms: ms };
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
