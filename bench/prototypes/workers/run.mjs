// Would worker threads pay, without a change of the API?
//
// 1. Servers in a worker: frames for their pids go there as bytes, undecoded, and their replies come back as bytes. 64 callers call a
//    server whose callback works for about 0 to 1,000 us: in place, in a worker by transferred buffers, and in a worker by shared
//    memory. `main` and `worker` are processor time of the two threads for each call; `bound` is how many
//    times as many calls a second they allow as `in place` does, when each thread has a processor of its own and nothing else to do;
//    `shared` is the same when the main thread keeps so many of the servers that both threads are equally busy.
//    `measured` is that ratio as the clock has it on this machine, with whatever else runs on it. `pause`: how long a timer of 1 ms on
//    the main thread was late at most.
// 2. Decoding in a worker: the decoded term comes back as structured cloning makes it, without its classes (atoms, tuples and
//    pids would have to be made again). What the main thread is held up by cloning alone, beside decoding in place.
//
// Run: node bench/prototypes/workers/run.mjs [--rounds 7]
// Output: one JSON object. Medians of rounds in which the ways take turns. Linux only: /proc has the time of a thread.
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { percentile } from "../../support/figures.mjs";
import { Ring } from "./ring.mjs";

const { framesOf, handleFrames, threadUs } = await import("./servers.mjs");
const { decode, encode } = await import("../../../src/etf/index.ts");
const { atom, ImproperList, Pid, Ref } = await import("../../../src/term/index.ts");

const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "7" } } });
const ROUNDS = Number(options.rounds);
const CALLERS = 64;
const median = (list) => Number(percentile(list, 0.5).toPrecision(3));

const requests = new Ring();
const replies = new Ring();
const worker = new Worker(new URL("worker.mjs", import.meta.url), {
  workerData: { requests: requests.shared, replies: replies.shared },
});
const heard = () => new Promise((resolve) => worker.once("message", resolve));
await heard();

const tag = new ImproperList([atom("alias")], new Ref("a@host", 1, [1, 2, 3]));
const frames = framesOf(CALLERS, new Pid("a@host", 1, 0, 1), tag, atom("$gen_call"));

/** One turn of 64 calls, in each of the ways. */
const ways = {
  async "in place"(us) {
    await new Promise((resolve) => setImmediate(resolve));
    return handleFrames(frames, us);
  },
  async "worker, buffers"() {
    const answer = heard();
    const copy = frames.slice();
    worker.postMessage(copy.buffer, [copy.buffer]);
    return new Uint8Array(await answer);
  },
  async "worker, shared memory"() {
    requests.put(frames);
    await replies.wait();
    return replies.take();
  },
};

/** Processor time of the worker, in microseconds. */
function workerUs() {
  worker.postMessage("time");
  return heard();
}

async function measure(turn, us, turns) {
  let latest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    latest = Math.max(latest, now - last - 1);
    last = now;
  }, 1);
  const before = [threadUs(), await workerUs()];
  const start = performance.now();
  for (let i = 0; i < turns; i++) await turn(us);
  const ms = performance.now() - start;
  const [main, worker] = [threadUs() - before[0], (await workerUs()) - before[1]];
  clearInterval(timer);
  const calls = turns * CALLERS;
  return { ms, main: main / calls, worker: worker / calls, pause: latest };
}

/** Processor time of what has most to do. */
const busiest = ({ main, worker }) => Math.max(main, worker);

const servers = {};
for (const us of [0, 10, 100, 1000]) {
  worker.postMessage(us);
  const turns = Math.max(4, Math.round(300_000 / (CALLERS * (us + 5))));
  const rounds = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  const expected = Buffer.from(await ways["in place"](0));
  for (let round = -2; round < ROUNDS; round++) {
    const order = Object.keys(ways);
    for (const way of round % 2 === 0 ? order : order.reverse()) {
      if (!expected.equals(await ways[way](us))) throw new Error(`${way} gives other replies`);
      const measured = await measure(ways[way], us, turns);
      if (round >= 0) rounds[way].push(measured);
    }
  }
  servers[`callback of ${us} us`] = Object.fromEntries(
    Object.entries(rounds).map(([way, all]) => [
      way,
      {
        mainUs: median(all.map(({ main }) => main)),
        workerUs: median(all.map(({ worker }) => worker)),
        bound: median(all.map((one, i) => busiest(rounds["in place"][i]) / busiest(one))),
        shared: median(all.map((one, i) => 1 + (busiest(rounds["in place"][i]) - one.main) / busiest(one))),
        measured: median(all.map((one, i) => rounds["in place"][i].ms / one.ms)),
        pauseMs: median(all.map(({ pause }) => pause)),
      },
    ]),
  );
}

const terms = {
  "list of 10,000 maps": Array.from({ length: 10_000 }, (_, id) => ({ id, name: `name ${id % 100}`, state: "open" })),
  "list of 100,000 integers": Array.from({ length: 100_000 }, (_, i) => i),
  "binary of 10 MB": new Uint8Array(10_000_000).fill(0xff),
};
const decoding = {};
const { port1, port2 } = new MessageChannel();
for (const [name, term] of Object.entries(terms)) {
  const bytes = encode(term);
  const [inPlace, cloned] = [[], []];
  for (let round = -2; round < ROUNDS; round++) {
    let cpu = process.cpuUsage();
    decode(bytes);
    const used = process.cpuUsage(cpu);
    port1.postMessage(decode(bytes)); // written by the worker, were it there
    cpu = process.cpuUsage();
    receiveMessageOnPort(port2);
    const received = process.cpuUsage(cpu);
    if (round < 0) continue;
    inPlace.push((used.user + used.system) / 1000);
    cloned.push((received.user + received.system) / 1000);
  }
  decoding[name] = { megabytes: median([bytes.length / 1e6]), decodedMs: median(inPlace), clonedMs: median(cloned) };
}
port1.close();
await worker.terminate();
const machine = { processors: availableParallelism(), load: loadavg()[0], node: process.version };
console.log(JSON.stringify({ machine, servers, decoding }, null, 2));
