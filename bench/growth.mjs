// Does anything cost more than its share when there is much of it?
//
// Input: bench/support/growth-rows.mjs: messages over 1 to 1,000 connections to nodes of this library in other processes, to
// and among up to 100,000 processes, monitors, mailboxes of up to a million messages, maps of up to a million keys.
// What counts is the processor time of this process, garbage collection included, for each message, monitor or key. It
// stays the same where the whole grows linearly. `exponent` says with which power of the size it grows (least squares over the
// logarithms): 0 is linear as a whole, 1 quadratic. Where JavaScript alone does not grow linearly, a row below says so, and the
// one above it may grow as much; where a BEAM in this library's place pays for the size, too, a row says what. Each size is measured `rounds` times; the medians are reported.
//
// Run: npm run build && node bench/growth.mjs [--rows received,maps] [--rounds 5] [--most 1000000] [--json FILE] [--write]
// Output: a table on stdout, progress on stderr; --write puts it into docs/performance.md. Exit code 1 when a row is worse than
// linear.
import { availableParallelism, loadavg } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { median } from "./support/figures.mjs";
import { growthRows } from "./support/growth-rows.mjs";
import { collectGarbage } from "./support/heap.mjs";
import { publish } from "./support/publish.mjs";

const { values: options } = parseArgs({
  options: {
    rows: { type: "string" },
    rounds: { type: "string", default: "5" },
    most: { type: "string", default: "1000000" },
    json: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
/**
 * An exponent up to it counts as linear. Not 0: what no longer fits into the caches of a processor, or lives long enough to
 * be moved by the garbage collector, costs two to three times as much, once.
 */
const LINEAR = 0.15;

const chosen = options.rows?.split(",");
const rows = [];
for (const { id, title, sizes, measure, floor, beam } of growthRows) {
  if (chosen !== undefined && !chosen.includes(id)) continue;
  const row = await rowOf(id, sizes, { title, measure });
  const alone = floor && (await rowOf(`${id}-alone`, sizes, floor));
  row.linear = row.exponent <= LINEAR + Math.max(0, alone?.exponent ?? 0);
  rows.push(row, ...[alone, beam && (await rowOf(`${id}-beam`, sizes, beam))].filter(Boolean));
}

const machine = { cores: availableParallelism(), load: loadavg()[0] };
await publish({ kind: "growth", node: process.version, rounds: Number(options.rounds), machine, rows }, options);
if (rows.some(({ linear }) => linear === false)) process.exitCode = 1;

/** Undefined when nothing could be measured. */
async function rowOf(id, sizes, { title, measure }) {
  const nanoseconds = {};
  for (const size of sizes.filter((size) => size <= Number(options.most))) {
    const cost = await costOf((repeat) => measure(size, repeat));
    if (cost === undefined) return undefined;
    nanoseconds[size] = cost;
    process.stderr.write(`${id} ${size}: ${cost} ns\n`);
  }
  return { id, title, nanoseconds, exponent: exponentOf(nanoseconds) };
}

/** Nanoseconds that this process has run. */
function ownTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
}

/** Nanoseconds of processor time for each item. */
async function costOf(measure) {
  const costs = [];
  const repeat = async (items, work, { prepare, processorTime = ownTime } = {}) => {
    for (let round = 0; round <= Number(options.rounds); round++) {
      const prepared = await prepare?.();
      collectGarbage();
      const before = await processorTime();
      await work(prepared);
      if (round > 0) costs.push(((await processorTime()) - before) / items); // the first one warms up
    }
  };
  await measure(repeat);
  return costs.length === 0 ? undefined : Math.round(median(costs));
}

/** The slope of the line through the points (log size, log cost). */
function exponentOf(costs) {
  const points = Object.entries(costs).map(([size, cost]) => [Math.log(size), Math.log(cost)]);
  const mean = (i) => points.reduce((sum, point) => sum + point[i], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const product = (a, b) => points.reduce((sum, point) => sum + (point[a] - [x, y][a]) * (point[b] - [x, y][b]), 0);
  return points.length < 2 ? 0 : Number((product(0, 1) / product(0, 0)).toFixed(2));
}
