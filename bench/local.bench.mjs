// What does a message cost within one node?
//
// Input: a GenServer that counts casts and answers calls. Casts are told to it in one go and then handled; calls are made by
// one caller, one after the other, and by 64 callers at once. Beside them what no implementation can do without: the same requests
// through a queue whose callback runs in a microtask, and, for calls, a promise for each.
//
// Run: node bench/local.bench.mjs [--rounds 15]
// Output: one JSON object. Nanoseconds of processor time (all threads, collecting garbage included) for each cast or call, the
// median of the rounds and the best, and the ratio of the medians. Processor time, as nothing is waited for, and others work too.
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { percentile } from "./support/figures.mjs";
import { tiebeam } from "./support/sources.mjs";

const { atom, GenServer, noReply, reply, startNode, tuple } = tiebeam;
const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "15" } } });
const ROUNDS = Number(options.rounds);
const CASTS = 100_000;
const CALLS = 20_000;
const CALLERS = 64;

class Counter extends GenServer {
  count = 0;
  static casts = {
    add(n) {
      this.count += n;
    },
  };
  static calls = {
    add(n) {
      this.count += n;
      return reply(this.count);
    },
  };
  handleCast() {
    this.count++;
    return noReply();
  }
  handleCall() {
    return reply(this.count);
  }
}

/** A queue of requests, handled in a microtask. */
class Floor {
  count = 0;
  #queue = [];

  cast(n) {
    this.#put({ n, resolve: undefined });
  }

  call(n) {
    return new Promise((resolve) => this.#put({ n, resolve }));
  }

  #put(request) {
    if (this.#queue.push(request) === 1) queueMicrotask(() => this.#drain());
  }

  #drain() {
    const queue = this.#queue;
    this.#queue = [];
    for (const { n, resolve } of queue) {
      this.count += n;
      resolve?.(this.count);
    }
  }
}

const add = atom("add");

/** What all rows do with one of the two: `cast` and `call` add a number. */
function rowsOf({ cast, call }) {
  const calls = async (count) => {
    for (let i = 0; i < count; i++) await call(1);
  };
  const timed = async (count, run) => {
    const start = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(start);
    return ((user + system) * 1e3) / count;
  };
  return {
    cast: () =>
      timed(CASTS, async () => {
        for (let i = 0; i < CASTS; i++) cast(1);
        await call(1);
      }),
    "call, one caller": () => timed(CALLS, () => calls(CALLS)),
    "call, 64 callers": () =>
      timed(CALLS, () => Promise.all(Array.from({ length: CALLERS }, () => calls(CALLS / CALLERS)))),
  };
}

const node = await startNode({ name: `local-${process.pid}@127.0.0.1`, cookie: "local", listen: false });
const server = await node.start(Counter);
const floor = new Floor();
const sides = {
  tiebeam: rowsOf({ cast: (n) => void server.cast(tuple(add, n)), call: (n) => server.call(tuple(add, n)) }),
  floor: rowsOf({ cast: (n) => floor.cast(n), call: (n) => floor.call(n) }),
};
const times = Object.fromEntries(Object.keys(sides.floor).map((row) => [row, { tiebeam: [], floor: [] }]));
for (let round = -3; round < ROUNDS; round++) {
  const order = round % 2 === 0 ? ["tiebeam", "floor"] : ["floor", "tiebeam"];
  for (const [row, measured] of Object.entries(times)) {
    for (const side of order) {
      const time = await sides[side][row]();
      if (round >= 0) measured[side].push(time); // before that the compiler is still at it
    }
  }
}
const counted = await server.call(tuple(add, 0));
if (counted !== floor.count) throw new Error(`the server has counted ${counted}, the floor ${floor.count}`);
await node.stop();

const figures = (list) => ({ median: Math.round(percentile(list, 0.5)), best: Math.round(Math.min(...list)) });
const nanoseconds = Object.fromEntries(
  Object.entries(times).map(([row, { tiebeam: ours, floor: least }]) => [
    row,
    {
      tiebeam: figures(ours),
      floor: figures(least),
      ratio: Number((percentile(ours, 0.5) / percentile(least, 0.5)).toFixed(1)),
    },
  ]),
);
const machine = { processors: availableParallelism(), load: loadavg()[0], node: process.version };
console.log(JSON.stringify({ machine, nanoseconds }, null, 2));
