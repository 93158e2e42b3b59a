// For how long does one large term hold up the event loop?
//
// Input: lists of small maps (an integer, a short text, an atom each), as one message to a BEAM that sends it back, and
// binaries. Encoding and decoding of one term are done in one go; its bytes come and go in pieces. Each figure is the
// longest time that a timer of 1 ms was late while the message went there and back, so it holds all of: copying what
// is sent, encoding, decoding and collecting garbage.
//
// Run: node bench/event-loop.bench.mjs [--otp 25]           (needs a BEAM: npm run interop:prepare)
// Output: one JSON object. Milliseconds: `encode` and `decode` alone (median of the rounds), `pause` on the link.
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { percentile } from "./support/figures.mjs";
import { findReleases, startBeam, startEpmd, tiebeam } from "./support/sources.mjs";

const { atom, startNode, tuple } = tiebeam;
const { decode, encode } = await import("../src/etf/index.ts");
const { values: options } = parseArgs({
  options: { otp: { type: "string" }, rounds: { type: "string", default: "3" } },
});
const ROUNDS = Number(options.rounds);

const maps = (count) =>
  Array.from({ length: count }, (_, id) => ({ id, name: `name ${id % 100}`, state: atom("open") }));
const terms = {
  "10,000 maps": maps(10_000),
  "100,000 maps": maps(100_000),
  "1,000,000 maps": maps(1_000_000),
  "10 MB binary": new Uint8Array(10_000_000).fill(0xff),
  "100 MB binary": new Uint8Array(100_000_000).fill(0xff),
};

/** How late a timer of 1 ms was at most while `work` ran. */
async function longestPause(work) {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - 1);
    last = now;
  }, 1);
  await work();
  await new Promise((resolve) => setTimeout(resolve, 5));
  clearInterval(timer);
  return longest;
}

function timeOf(run) {
  const start = performance.now();
  run();
  return performance.now() - start;
}

async function median(rounds) {
  const times = [];
  for (let i = 0; i < ROUNDS; i++) times.push(await rounds());
  return Math.round(percentile(times, 0.5) * 10) / 10;
}

const release = (await findReleases()).find(({ otp }) => otp === (options.otp ?? otp));
const epmd = await startEpmd(release);
const beam = await startBeam(release, { epmdPort: epmd.port, cookie: "pause" });
const node = await startNode({
  name: `pause-${process.pid}@127.0.0.1`,
  cookie: "pause",
  epmd: "require",
  epmdPort: epmd.port,
  connectionLimits: { maxFrameBytes: 512_000_000, maxPendingBytes: 1_024_000_000 },
});
const results = [];
try {
  await beam.eval("Fixtures.Echo.start(name: :echo); nil");
  const echo = { name: atom("echo"), node: beam.name };
  const there = (term) => node.call(echo, tuple(atom("echo"), term), { timeoutMs: 120_000 });
  await there("warm");
  for (const [name, term] of Object.entries(terms)) {
    const bytes = encode(term);
    const back = await there(term);
    if (Buffer.compare(encode(back), bytes) !== 0) throw new Error(`${name} comes back as something else`);
    results.push({
      term: name,
      mb: Math.round(bytes.length / 1e5) / 10,
      encode: await median(() => timeOf(() => encode(term))),
      decode: await median(() => timeOf(() => decode(bytes))),
      pause: await median(() => longestPause(() => there(term))),
    });
  }
} finally {
  await node.stop();
  await beam[Symbol.asyncDispose]();
  await epmd.stop();
}
const machine = { node: process.version, cores: availableParallelism(), load: loadavg()[0], otp: release.otp };
console.log(JSON.stringify({ ...machine, results }, null, 2));
