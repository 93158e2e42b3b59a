// What do the diagnostics channels cost when nobody listens, and when somebody does?
//
// Input: casts and calls within one node, to a process that does nothing with them. The same runtime tells nobody (there are no
// channels at all), or has the channels of Node.js without a subscriber, or one subscriber on each. The cases take turns, round by round.
//
// Run: node bench/telemetry.bench.mjs [--rounds 15]
// Output: one JSON object. Nanoseconds for one cast that is handled, and for one call with its reply: median and the best round.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { percentile } from "./support/figures.mjs";
import "./support/sources.mjs";

const { CHANNELS } = await import("../src/api/index.ts");
const { diagnosticsTelemetry } = await import("../src/api/diagnostics.ts");
const { silentLogger, systemClock, systemRandom } = await import("../src/base/index.ts");
const { Exposed } = await import("../src/node/index.ts");
const { call, Identity, readGen, Runtime, silentTelemetry } = await import("../src/runtime/index.ts");

const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "15" } } });
const ROUNDS = Number(options.rounds);
const CASTS = 100_000;
const CALLS = 10_000;

function runtimeWith(telemetry) {
  const runtime = new Runtime({
    identity: new Identity("bench@host", 1, systemRandom),
    clock: systemClock,
    logger: silentLogger,
    remote: { transmit() {}, overLimit() {}, downCause() {} },
    functions: new Exposed(),
    localMessages: {},
    maxQueuedBytesPerPeer: Number.POSITIVE_INFINITY,
    maxTiesPerPeer: Number.POSITIVE_INFINITY,
    telemetry,
  });
  const user = runtime.spawn(() => ({ receive() {} }));
  let count = 0;
  let told = () => {};
  const server = runtime.spawn((core) => ({
    receive(message) {
      const gen = readGen(core, message);
      if (gen.kind === "call") return gen.from.reply(gen.request);
      if (++count === CASTS) told();
    },
  }));
  return {
    async cast() {
      count = 0;
      const done = new Promise((resolve) => {
        told = resolve;
      });
      const start = performance.now();
      for (let i = 0; i < CASTS; i++) void user.send(server.pid, i, false);
      await done;
      return ((performance.now() - start) * 1e6) / CASTS;
    },
    async call() {
      const start = performance.now();
      for (let i = 0; i < CALLS; i++) await call(user, server.pid, i);
      return ((performance.now() - start) * 1e6) / CALLS;
    },
  };
}

let messages = 0;
const listener = () => void messages++;
const listen = (change) => {
  for (const name of Object.values(CHANNELS)) change(name, listener);
};

const without = runtimeWith(silentTelemetry);
const channels = runtimeWith(diagnosticsTelemetry());
const cases = {
  "no channels": { run: without, before() {}, after() {} },
  "nobody listens": { run: channels, before() {}, after() {} },
  "a listener on each": { run: channels, before: () => listen(subscribe), after: () => listen(unsubscribe) },
};
const times = Object.fromEntries(Object.keys(cases).map((name) => [name, { cast: [], call: [] }]));
for (let round = -2; round < ROUNDS; round++) {
  for (const [name, { run, before, after }] of Object.entries(cases)) {
    before();
    const [cast, called] = [await run.cast(), await run.call()];
    after();
    if (round < 0) continue; // the compiler is still at it
    times[name].cast.push(cast);
    times[name].call.push(called);
  }
}
if (messages < ROUNDS * (CASTS + CALLS)) throw new Error("the listener has not heard everything");

const figures = (list) => ({ median: Math.round(percentile(list, 0.5)), best: Math.round(Math.min(...list)) });
const nanoseconds = Object.fromEntries(
  Object.entries(times).map(([name, { cast, call: called }]) => [name, { cast: figures(cast), call: figures(called) }]),
);
const machine = { processors: availableParallelism(), load: loadavg()[0], node: process.version };
console.log(JSON.stringify({ machine, nanoseconds }, null, 2));
