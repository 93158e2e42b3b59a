// How long do small calls take while a large binary of another process goes over the same link?
//
// Input: a binary of 200 MB (no UTF-8), sent several times in a row, each when the one before has arrived; meanwhile a
// process calls an echo server on the other node, one call after the other. Peers: two BEAMs of each release at hand.
// Three links: from here to a BEAM, from the BEAM to here, and between the two BEAMs, all in the same run on the same
// machine, each in turns idle and loaded. Calls are timed where they are made, which is the node that sends the binary.
//
// Run: node bench/large.bench.mjs [--otp 25,29] [--mb 200] [--links 9] [--times 3]        (needs BEAMs: npm run interop:prepare)
// Output: one JSON object. Times of calls in milliseconds, transfers in MB/s, memory in MB.
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { figures } from "./support/figures.mjs";
import { findReleases, startBeam, startEpmd, tiebeam } from "./support/sources.mjs";

const { atom, GenServer, reply, startNode, tuple } = tiebeam;
const { values: options } = parseArgs({
  options: {
    otp: { type: "string" },
    mb: { type: "string", default: "200" },
    links: { type: "string", default: "9" },
    times: { type: "string", default: "3" },
    "idle-ms": { type: "string", default: "200" },
  },
});
const BYTES = Number(options.mb) * 1_000_000;
const LINKS = Number(options.links);
const TIMES = Number(options.times);
const IDLE_MS = Number(options["idle-ms"]);
const LIMITS = { maxFrameBytes: 2 * BYTES, maxPendingBytes: 4 * BYTES };

/** Answers `{echo, Term}`. */
class Echo extends GenServer {
  handleCall([, term]) {
    return reply(term);
  }
}

/** Takes `{From, Tag, Binary}` and tells `{Tag, Size, nil}`, as `Fixtures.Large` does. */
class Sink extends GenServer {
  handleInfo([from, tag, binary]) {
    return this.process.send(from, tuple(tag, binary.length, null));
  }
}

/** Sends binaries to a sink of a BEAM. */
class Sender extends GenServer {
  /** Resolves with the size that the sink told. */
  send(sink, binary) {
    void this.process.send(sink, tuple(this.process.pid, atom("large"), binary));
    return new Promise((resolve) => {
      this.arrived = resolve;
    });
  }

  handleInfo([, size]) {
    this.arrived(size);
  }
}

/** Milliseconds of each small call to an echo server of a BEAM, for as long as `work` runs. */
async function callsDuring(node, echo, work) {
  const times = [];
  let working = true;
  const worked = work().finally(() => {
    working = false;
  });
  while (working) {
    const start = performance.now();
    await node.call(echo, tuple(atom("echo"), atom("ping")), { timeoutMs: 60_000 });
    times.push(performance.now() - start);
  }
  await worked;
  return times;
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const perSecond = (ms, transfers) => Math.round((BYTES * transfers) / 1000 / ms);

async function fromHere(node, sender, beam) {
  const echo = { name: atom("echo"), node: beam.name };
  const sink = { name: atom("sink"), node: beam.name };
  const binary = new Uint8Array(BYTES).fill(0xff);
  await callsDuring(node, echo, () => sleep(500));

  const idle = [];
  const loaded = [];
  let taken = 0;
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 5);
  for (let i = 0; i < LINKS * TIMES; i++) {
    idle.push(...(await callsDuring(node, echo, () => sleep(IDLE_MS))));
    const start = performance.now();
    const calls = await callsDuring(node, echo, async () => {
      const size = await sender.send(sink, binary);
      if (size !== BYTES) throw new Error(`${size} bytes arrived`);
    });
    taken += performance.now() - start;
    loaded.push(...calls);
  }
  clearInterval(watch);
  return { ...compared(idle, loaded), transfer: perSecond(taken, LINKS * TIMES), rss: Math.round(most / 1e6) };
}

/**
 * The same to each target in turns, over fresh links each time: the kernel gives each link a receive buffer of its own
 * choice, here from 1 to 33 MB, and how long a call waits is what lies before it there.
 */
async function fromBeam(beam, targets) {
  await beam.eval(`binary = :binary.copy(<<255>>, ${BYTES}); nil`);
  const rows = targets.map((target) => ({ target, links: [], taken: 0 }));
  for (let i = 0; i < LINKS; i++) {
    for (const row of i % 2 === 0 ? rows : rows.toReversed()) {
      const link = { idle: [], loaded: [] };
      row.links.push(link);
      await beam.eval(
        `:erlang.disconnect_node(:"${row.target}"); ${duringCalls(row.target, "Process.sleep(200)")}; nil`,
      );
      link.idle.push(...(await beam.eval(duringCalls(row.target, `Process.sleep(${IDLE_MS})`))));
      for (let j = 0; j < TIMES; j++) row.taken += await transferFromBeam(beam, row.target, link.loaded);
    }
  }
  return rows.map(({ links, taken }) => ({
    ...compared(
      links.flatMap((link) => link.idle.map(inMs)),
      links.flatMap((link) => link.loaded.map(inMs)),
    ),
    p99OfLinks: figures(links.map((link) => figures(link.loaded.map(inMs)).p99)),
    transfer: perSecond(taken, LINKS * TIMES),
  }));
}

const inMs = (us) => us / 1000;

const duringCalls = (target, work) => `Fixtures.Large.calls_during({:echo, :"${target}"}, fn -> ${work} end)`;

/** Adds the times of the calls to `loaded` and resolves with the milliseconds of the transfer. */
async function transferFromBeam(beam, target, loaded) {
  const [calls, ms, size] = await beam.eval(
    `start = System.monotonic_time(:millisecond)
     me = self()
     times = ${duringCalls(target, `send(me, {:result, Fixtures.Large.send_to({:sink, :"${target}"}, binary)})`)}
     {size, _} = receive do {:result, result} -> result end
     [times, System.monotonic_time(:millisecond) - start, size]`,
    { timeoutMs: 120_000 },
  );
  if (size !== BYTES) throw new Error(`${size} bytes arrived`);
  loaded.push(...calls);
  return ms;
}

/** `ratio` is that of the two p99. */
function compared(idle, loaded) {
  const [quiet, busy] = [figures(idle), figures(loaded)];
  return { idle: quiet, loaded: busy, ratio: Number((busy.p99 / quiet.p99).toPrecision(2)) };
}

async function measure(release) {
  const epmd = await startEpmd(release);
  const started = [];
  try {
    const common = { epmdPort: epmd.port, cookie: "large" };
    for (let i = 0; i < 2; i++) {
      const beam = await startBeam(release, common);
      started.unshift(beam);
      await beam.eval("Fixtures.Echo.start(name: :echo); Fixtures.Large.start_sink(:sink); nil");
    }
    const { node, sender } = await startHere(common);
    started.unshift(node);
    const [, one, other] = started;
    const fromHereToBeam = await fromHere(node, sender, one);
    const [fromBeamToHere, betweenBeams] = await fromBeam(one, [node.name, other.name]);
    return { otp: release.otp, fromHereToBeam, fromBeamToHere, betweenBeams };
  } finally {
    for (const each of started) await each[Symbol.asyncDispose]();
    await epmd.stop();
  }
}

async function startHere(common) {
  const name = `large-${process.pid}@127.0.0.1`;
  const node = await startNode({ ...common, name, epmd: "require", connectionLimits: LIMITS });
  let sender;
  class OwnSender extends Sender {
    init() {
      sender = this;
    }
  }
  await node.start(Echo, { name: "echo" });
  await node.start(Sink, { name: "sink" });
  await node.start(OwnSender);
  return { node, sender };
}

const chosen = options.otp?.split(",");
const results = [];
for (const release of await findReleases()) {
  if (chosen?.includes(release.otp) ?? release.otp !== "23") results.push(await measure(release));
}
console.log(
  JSON.stringify(
    {
      node: process.version,
      cores: availableParallelism(),
      load: loadavg()[0],
      bytes: BYTES,
      links: LINKS,
      times: TIMES,
      results,
    },
    null,
    2,
  ),
);
