// What does a node hold for a connection over which nothing is said, and what does it take to accept one?
//
// Input: 1,000 nodes of this library in four other processes connect to one in this process, one after the other in each of
// them, over loopback. Before, a few connect that do not count, so that what all connections share is there.
//
// Run: npm run build && node bench/connections.bench.mjs [--connections 1000] [--library DIR]; DIR is another build's `dist`.
// Output: for each connection bytes of V8's heap, of memory outside it and of the process, after a collection; microseconds of
// processor time of this process; and the same bytes once each has carried a call and its reply.
import { once } from "node:events";
import { resolve } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { startSide } from "./support/growth-leaves.mjs";
import { collectGarbage } from "./support/heap.mjs";

const { values: options } = parseArgs({
  options: { connections: { type: "string", default: "1000" }, library: { type: "string" } },
});
const dist = resolve(options.library ?? fileURLToPath(new URL("../dist", import.meta.url)));
const library = pathToFileURL(`${dist}/index.js`).href;
const { atom, startNode } = await import(library);
const SIDES = 4;
const cookie = "connections";
const count = Number(options.connections);
const names = Array.from({ length: count }, (_, i) => `leaf-${i}@127.0.0.1`);

const node = await startNode({ name: "hub@127.0.0.1", cookie, epmd: "none" });
const sides = [await sideOf(Array.from({ length: 50 }, (_, i) => `early-${i}@127.0.0.1`))];
const before = used();
const since = process.cpuUsage();
for (let i = 0; i < SIDES; i++) sides.push(await sideOf(names.filter((_, j) => j % SIDES === i)));
const { user, system } = process.cpuUsage(since);
const connected = used();
await Promise.all(names.map((each) => node.call({ name: "leaf", node: each }, atom("count"), { timeoutMs: 60_000 })));
const called = used();

const each = (after, what) => Math.round((after[what] - before[what]) / count);
for (const [state, after] of Object.entries({ idle: connected, "after a call": called })) {
  process.stdout.write(
    `${state}: heap ${each(after, "heap")} B, outside ${each(after, "outside")} B, process ${each(after, "resident")} B\n`,
  );
}
process.stdout.write(`to accept: ${Math.round((user + system) / count)} us\n`);

for (const side of sides) {
  side.disconnect();
  await once(side, "exit");
}
await node.stop();

function sideOf(nodes) {
  return startSide({ library, nodes, hub: node.name, port: node.port, cookie });
}

function used() {
  for (let i = 0; i < 3; i++) collectGarbage();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed, outside: external, resident: rss };
}
