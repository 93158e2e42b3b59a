// How many small messages a second does one connection write?
//
// Input: a map of ten atom keys, sent from one process to another over a connection with atom cache and fragments,
// whose stream takes everything at once. Beside it the same while a large message of another process is leaving.
//
// Run: node bench/sends.bench.mjs
// Output: one JSON object, thousands of sends a second: the median of the rounds, and the best.
import { availableParallelism, loadavg } from "node:os";
import { percentile } from "./support/figures.mjs";
import "./support/typescript.mjs";

const { Connection, ourFlags } = await import("../src/dist/index.ts");
const { Pid } = await import("../src/term/index.ts");
const { systemClock } = await import("../src/base/index.ts");

const ROUNDS = 15;
const SENDS = 50_000;
const A = { name: "a@host", creation: 1 };
const B = { name: "b@host", creation: 2 };
const [one, other, to] = [new Pid(A.name, 1, 0, 1), new Pid(A.name, 2, 0, 1), new Pid(B.name, 1, 0, 2)];
const message = {
  id: 1_234_567,
  sku: "sku-000042",
  name: "Walking boots, brown",
  email: "someone@example.com",
  status: "pending",
  quantity: 3,
  price: 19.99,
  warehouse: "eu-central-1",
  tags: ["outdoor", "leather", "sale"],
  sizes: [41, 42, 430],
};

function connection() {
  const stream = { queuedBytes: 0, write() {}, pause() {}, resume() {}, close() {} };
  const up = () => ({ signal() {}, drained() {}, closed() {} });
  return new Connection({ clock: systemClock, stream, established: { peer: B, self: A, flags: ourFlags() }, up });
}

/** Thousands of sends a second, in one turn of the event loop. */
function round(link) {
  const start = performance.now();
  for (let i = 0; i < SENDS; i++) link.transmit({ op: "send", from: one, to, message });
  return SENDS / (performance.now() - start);
}

const rows = { alone: [], "beside a large message": [] };
const links = { alone: connection(), "beside a large message": connection() };
links["beside a large message"].transmit({ op: "send", from: other, to, message: new Uint8Array(10_000_000) });
for (let i = 0; i < ROUNDS; i++) for (const name of Object.keys(rows)) rows[name].push(round(links[name]));
for (const link of Object.values(links)) link.close("done", { abort: true });

const thousandsPerSecond = Object.fromEntries(
  Object.entries(rows).map(([name, rates]) => [
    name,
    { median: Math.round(percentile(rates, 0.5)), best: Math.round(Math.max(...rates)) },
  ]),
);
console.log(
  JSON.stringify(
    { node: process.version, cores: availableParallelism(), load: loadavg()[0], thousandsPerSecond },
    null,
    2,
  ),
);
