import assert from "node:assert/strict";
import { atom, tuple } from "../../src/index.ts";
import { epmdNames } from "../harness/epmd.ts";
import { until } from "../support/until.ts";
import type { Cell, Figures } from "./cell.ts";
import { type Pair, TICK_SECONDS } from "./pair.ts";
import { base64, unbase64 } from "./terms.ts";

/** A net tick time and a quarter, and what a busy machine adds. */
const LOST_WITHIN_MS = 1_250 * TICK_SECONDS + 1_000;
/** What the kernel tells of the end of a process. */
const GONE_WITHIN_MS = 2_000;
const KiB = 1024;

/** What happens to the connection and its ends; each does it, counts what came of it, and has both work again. */
export function fault(pair: Pair): Promise<Figures> {
  return FAULTS[pair.cell.fault as keyof typeof FAULTS](pair);
}

const FAULTS = {
  "beam-killed": beamKilled,
  "ours-killed": oursKilled,
  "beam-frozen": beamFrozen,
  "ours-frozen": oursFrozen,
  "link-cut": linkCut,
  "link-slow": linkSlow,
  "beam-reads-late": beamReadsLate,
  "ours-reads-late": oursReadsLate,
} satisfies Record<Exclude<Cell["fault"], "none">, (pair: Pair) => Promise<Figures>>;

async function beamKilled(pair: Pair): Promise<Figures> {
  const { subject, peer } = pair;
  const request = base64(tuple(atom("echo"), 1));
  await pair.beam.eval(":sys.suspend(:echo)");
  const calling = subject.do("call", { to: { name: "echo", node: peer }, request, timeoutMs: 15_000 });
  const failure = calling.then(
    () => "an answer",
    (error: { code: string }) => error.code,
  );
  await pair.beam.until("Process.info(Process.whereis(:echo), :message_queue_len) == {:message_queue_len, 1}");

  const at = Date.now();
  await pair.beam.kill();
  const nodedown_ms = (await lostHere(pair)).at - at;
  within(nodedown_ms, GONE_WITHIN_MS);
  assert.equal(await failure, "NODEDOWN", "what becomes of a call that is under way");

  await pair.startBeam();
  return { nodedown_ms, ...(await again(pair)) };
}

async function oursKilled(pair: Pair): Promise<Figures> {
  const watching = await watchThere(pair);
  const at = Date.now();
  await pair.subject.kill();
  const nodedown_ms = (await watching.lost()) - at;
  within(nodedown_ms, GONE_WITHIN_MS);

  await pair.startSubject();
  return { nodedown_ms, ...(await registeredAgain(pair)), ...(await again(pair)) };
}

/** With our node the epmd is gone, where it was that. The BEAM looks for the one of the new node every two seconds. */
async function registeredAgain({ cell, beam, peer }: Pair): Promise<Figures> {
  if (cell.epmd !== "ours") return {};
  const since = performance.now();
  const [name = ""] = peer.split("@");
  await until(async () => (await epmdNames(beam.epmdPort)).includes(name));
  return { registered_ms: Math.round(performance.now() - since) };
}

async function beamFrozen(pair: Pair): Promise<Figures> {
  const at = Date.now();
  await pair.beam.freeze();
  const lost = await lostHere(pair);
  pair.beam.thaw();
  within(lost.at - at, LOST_WITHIN_MS);
  assert.equal(lost.reason, "net_tick_timeout");
  return { tick_s: TICK_SECONDS, nodedown_ms: lost.at - at, ...(await again(pair)) };
}

async function oursFrozen(pair: Pair): Promise<Figures> {
  const watching = await watchThere(pair);
  const at = Date.now();
  await pair.subject.freeze();
  const nodedown_ms = (await watching.lost()) - at;
  pair.subject.thaw();
  within(nodedown_ms, LOST_WITHIN_MS);
  await lostHere(pair);
  return { tick_s: TICK_SECONDS, nodedown_ms, ...(await again(pair)) };
}

async function linkCut(pair: Pair): Promise<Figures> {
  const watching = await watchThere(pair);
  const at = Date.now();
  pair.link!.lose("there", "back");
  const [here, there] = await Promise.all([lostHere(pair), watching.lost()]);
  within(Math.max(here.at, there) - at, LOST_WITHIN_MS);
  assert.equal(here.reason, "net_tick_timeout");

  pair.link!.heal();
  return {
    tick_s: TICK_SECONDS,
    nodedown_here_ms: here.at - at,
    nodedown_there_ms: there - at,
    ...(await again(pair)),
  };
}

/** A message that takes longer than the tick time, each way at once: neither side takes the other for dead. */
async function linkSlow(pair: Pair): Promise<Figures> {
  const { beam, subject, name } = pair;
  const bytesPerSecond = 256 * KiB;
  const bytes = 1.5 * TICK_SECONDS * bytesPerSecond;
  pair.link!.slowDown(bytesPerSecond);
  const there = subject.do<{ same: boolean; ms: number }>("echoBytes", { node: beam.name, bytes }, 40_000);
  const back = beam.eval<[boolean, number]>(
    `bytes = :crypto.strong_rand_bytes(${bytes})
     {micros, echoed} = :timer.tc(fn -> GenServer.call({:echo, :"${name}"}, {:echo, bytes}, 30_000) end)
     {echoed === bytes, micros}`,
    { timeoutMs: 40_000 },
  );
  const [{ same, ms }, [identical, micros]] = await Promise.all([there, back]);
  assert.ok(same && identical, "what came back");
  assert.ok(ms > 1_250 * TICK_SECONDS, `the way there and back took only ${ms} ms`);
  assert.equal(await subject.do("losses"), 0);
  return {
    KiB_per_second: bytesPerSecond / KiB,
    sent_bytes: bytes,
    tick_s: TICK_SECONDS,
    there_ms: Math.round(ms),
    back_ms: Math.round(micros / 1_000),
  };
}

/** The BEAM's socket is full: sends are refused at a bound, and what was taken arrives, in order, once it reads again. */
async function beamReadsLate({ beam, subject }: Pair): Promise<Figures> {
  await beam.eval("sink = spawn(fn -> Process.sleep(:infinity) end); Process.register(sink, :sink)");
  await beam.freeze();
  const flood = { to: { name: "sink", node: beam.name }, bytes: KiB, most: 1_000_000 };
  const { sent, busyBytes } = await subject.do<{ sent: number; busyBytes: number }>("flood", flood, 40_000);
  beam.thaw();
  assert.ok(sent < flood.most, "no send was refused");
  await beam.until(`Process.info(sink, :message_queue_len) == {:message_queue_len, ${sent}}`, { timeoutMs: 20_000 });
  const inOrder = await beam.eval(`
    {:messages, messages} = Process.info(sink, :messages)
    Process.exit(sink, :kill)
    Enum.map(messages, &elem(&1, 0)) == Enum.to_list(0..${sent - 1})`);
  assert.equal(inOrder, true, "the order of what arrived");
  return { sent, busy_at_bytes: busyBytes, arrived: sent };
}

/** Our socket is full: the BEAM's port gets busy, and what it took arrives here, in order, once we read again. */
async function oursReadsLate({ beam, subject, name }: Pair): Promise<Figures> {
  await beam.eval(`
    defmodule Flood do
      def run(to, text, n) do
        case :erlang.send(to, {n, text}, [:nosuspend]) do
          :ok -> run(to, text, n + 1)
          :nosuspend -> n
        end
      end
    end
    nil`);
  await subject.freeze();
  const code = `Flood.run({:sink, :"${name}"}, :binary.copy("x", ${KiB}), 0)`;
  const sent = await beam.eval<number>(code, { timeoutMs: 40_000 });
  subject.thaw();
  const arrived = await subject.do("sunk", { count: sent });
  assert.deepEqual(arrived, { count: sent, inOrder: true });
  return { sent_until_busy: sent, arrived: sent };
}

/** When our node lost the BEAM, and why. */
function lostHere({ subject, peer }: Pair): Promise<{ at: number; reason: string }> {
  return subject.do("lost", { node: peer });
}

/** Has the BEAM watch our node; `lost` gives when it lost it. */
async function watchThere({ beam, name }: Pair): Promise<{ lost(): Promise<number> }> {
  await beam.eval(`
    watching = Fixtures.Probe.start()
    Fixtures.Probe.run(watching, fn -> Node.monitor(:"${name}", true); Process.monitor({:echo, :"${name}"}) end)
    nil`);
  return {
    async lost() {
      const [seen, at] = await beam.eval<[string[], number]>(`
        lost = Fixtures.Probe.await(watching, 2, 15_000)
        {Enum.sort(Enum.map(lost, &elem(&1, 0))), System.os_time(:millisecond)}`);
      assert.deepEqual(seen, ["DOWN", "nodedown"]);
      return at;
    },
  };
}

/** Once both know of the loss they connect as before, and a call goes through. */
async function again(pair: Pair): Promise<Figures> {
  const { beam, subject } = pair;
  await beam.until(":erlang.nodes(:connected) == []", { timeoutMs: 10_000 });
  const since = performance.now();
  await pair.connect();
  const to = { name: "echo", node: beam.name };
  const { value } = await subject.do<{ value: string }>("call", { to, request: base64(tuple(atom("echo"), "again")) });
  assert.equal(unbase64(value), "again");
  assert.equal(await beam.eval(`GenServer.call({:echo, :"${pair.name}"}, {:echo, "again"})`), "again");
  return { again_ms: Math.round(performance.now() - since) };
}

function within(ms: number, most: number): void {
  assert.ok(ms <= most, `the loss was noticed after ${ms} ms, not within ${most}`);
}
