// What is lost, and does memory stay level, when stages on either side are killed every few seconds at full speed?
//
// Three pipelines of integers run at once, as fast as they go, while by turns the BEAM and a process of Node.js get a SIGKILL
// and are started again:
//   relay    TypeScript producer -> Elixir producer_consumer (killed) -> TypeScript consumer
//   middle   Elixir producer (killed) -> TypeScript producer_consumer (killed) -> Elixir consumer (killed)
//   careful  TypeScript producer -> TypeScript consumer (killed), with `ack`
// Without `ack` what was under way at a kill is lost: each consumer counts what is missing between what it gets, and received and
// lost must add up to what was emitted; what the stage in the middle held for a consumer that was killed goes to the next one, and
// is counted as left. With it nothing may be lost; what came more than once is counted.
//
// Run: node bench/soak.mjs [--minutes 10] [--every 5] [--otp 25]           (needs a BEAM: npm run interop:prepare)
// Output: a line of memory every ten seconds on stderr, then one JSON object. Exit code 1 when the counts do not agree.
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findReleases, startBeam, startEpmd, tiebeam } from "./support/sources.mjs";

const { Consumer, noReply, Producer, startNode, withOptions } = tiebeam;
const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    every: { type: "string", default: "5" },
    otp: { type: "string" },
  },
});
const EVERY_MS = Number(options.every) * 1_000;
const SAMPLE_MS = 10_000;
const REST_MS = 4_000;
/** Of the middle: asked for by the stage in it and by the consumer behind it, 1,000 each, and what these two have in hand. */
const MOST_UNDER_WAY = 4_000;
const COOKIE = randomBytes(10).toString("hex");

/** Counts integers that come in order; see Soak.Count. */
class Count {
  next = 1;
  received = 0;
  lost = 0;
  again = 0;

  take(events) {
    for (const event of events) {
      if (event < this.next) {
        this.again++;
        continue;
      }
      this.lost += event - this.next;
      this.next = event + 1;
      this.received++;
    }
  }
}

const running = { isOver: false };

class Numbers extends Producer {
  emitted = 0;
  #owed = 0;

  init(told) {
    told(this);
  }

  handleDemand(demand) {
    this.#owed += demand;
    if (running.isOver) return;
    return noReply({ events: this.#take(this.#owed) });
  }

  /** One more after the end, so that a loss just before it shows. */
  handleCast() {
    return noReply({ events: this.#take(1) });
  }

  #take(count) {
    const first = this.emitted + 1;
    this.emitted += count;
    this.#owed -= count;
    return Array.from({ length: count }, (_, i) => first + i);
  }
}

class Sink extends Consumer {
  #count;

  init({ count, subscribeTo }) {
    this.#count = count;
    return withOptions({ subscribeTo });
  }

  handleEvents(events) {
    this.#count.take(events);
  }
}

const kills = { beam: 0, side: 0 };
const names = {
  parent: `soak-${process.pid}@127.0.0.1`,
  beam: `soak-beam-${process.pid}`,
  side: `soak-side-${process.pid}@127.0.0.1`,
};
const beamNode = `${names.beam}@127.0.0.1`;
const releases = (await findReleases()).filter(({ genStage, otp }) => genStage && (options.otp ?? otp) === otp);
const release = releases.at(-1);
if (release === undefined) throw new Error("there is no BEAM with GenStage here: npm run interop:prepare");
const epmd = await startEpmd(release);
const code = await readFile(new URL("./support/soak-stages.exs", import.meta.url), "utf8");

const node = await startNode({ name: names.parent, cookie: COOKIE, epmd: "require", epmdPort: epmd.port });
const relay = { producer: undefined, count: new Count() };
const careful = { producer: undefined, count: new Count() };
const startNumbers = (pipeline, name) =>
  node.start(Numbers, {
    name,
    args: (producer) => {
      pipeline.producer = producer;
    },
  });
const relayed = await startNumbers(relay, "relayed");
const confirmed = await startNumbers(careful, "confirmed");

/** The first number of this life of the BEAM: none of an earlier life is as large. */
const first = () => 1_000_000_000 * kills.beam + 1;

async function beamUp() {
  const beam = await startBeam(release, { name: names.beam, cookie: COOKIE, epmdPort: epmd.port, genStage: true });
  await beam.eval(`${code}\nnil`);
  await beam.eval(`
    {:ok, _} = GenStage.start(Soak.Numbers, ${first()}, name: :numbers)
    {:ok, _} = GenStage.start(Soak.Sink, ${first()}, name: :sink)
    {:ok, _} = GenStage.start(Soak.Relay, {:relayed, :"${names.parent}"}, name: :relay)
    nil`);
  return beam;
}

/** Elixir consumers do not come back by themselves. */
const join = (beam) =>
  beam.eval(`GenStage.sync_subscribe(:sink, to: {:middle, :"${names.side}"}, cancel: :temporary); nil`);

async function sideUp() {
  const facts = { name: names.side, cookie: COOKIE, epmdPort: epmd.port, beam: beamNode, parent: names.parent };
  const side = fork(fileURLToPath(new URL("./support/soak-side.mjs", import.meta.url)), [JSON.stringify(facts)]);
  await new Promise((resolve, reject) => {
    side.on("message", (message) => (message === "up" ? resolve() : careful.count.take(message)));
    side.once("exit", (status, signal) => reject(new Error(`the side ended at its start: ${status ?? signal}`)));
  });
  return side;
}

/** What the pipeline between the Elixir stages came to, over all lives of the BEAM. */
const middle = { emitted: 0, received: 0, lost: 0, again: 0, left: 0, underWay: 0 };

async function takeMiddle(beam) {
  // The consumer first: the producer is ahead of it, never behind.
  const { emitted, received, lost, again, left } = await beam.eval(`
    count = GenStage.call(:sink, :count)
    Map.put(count, :emitted, GenStage.call(:numbers, :emitted))`);
  middle.emitted += emitted;
  middle.received += received;
  middle.lost += lost;
  middle.again += again;
  middle.left += left;
  middle.underWay += emitted - received - lost;
}

const memory = [];
async function rssMb(pid) {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

const startedAt = performance.now();
const elapsed = () => performance.now() - startedAt;
let beam = await beamUp();
let side = await sideUp();
await join(beam);
await node.start(Sink, {
  args: {
    count: relay.count,
    subscribeTo: [
      { to: { name: "relay", node: beamNode }, cancel: "temporary", resubscribe: { minDelayMs: 100, maxDelayMs: 500 } },
    ],
  },
});

let sampledAt = Number.NEGATIVE_INFINITY;
async function sample() {
  if (elapsed() - sampledAt < SAMPLE_MS) return;
  sampledAt = elapsed();
  const { heapUsed, external } = process.memoryUsage();
  const now = {
    second: Math.round(elapsed() / 1_000),
    rssMb: await rssMb(process.pid),
    heapMb: Math.round((heapUsed + external) / 2 ** 20),
    beamRssMb: await rssMb(beam.pid),
    sideRssMb: await rssMb(side.pid),
    relayed: relay.count.received,
    confirmed: careful.count.received,
  };
  memory.push(now);
  process.stderr.write(`${JSON.stringify(now)}\n`);
}

while (elapsed() < Number(options.minutes) * 60_000) {
  await sleep(EVERY_MS);
  await sample();
  if (kills.beam <= kills.side) {
    kills.beam++;
    await takeMiddle(beam);
    await beam.kill();
    beam = await beamUp();
  } else {
    kills.side++;
    side.kill("SIGKILL");
    await once(side, "exit");
    side = await sideUp();
  }
  await join(beam);
}

await sleep(EVERY_MS);
running.isOver = true;
await sleep(REST_MS);
for (const { pid } of [relayed, confirmed]) node.cast(pid, "last");
await sleep(REST_MS);
await takeMiddle(beam);

const seconds = Math.round(elapsed() / 1_000);
const statsOf = (name) => node.stats().stages.find((stage) => stage.name === name);
const result = {
  node: process.version,
  otp: release.otp,
  seconds,
  kills,
  relay: {
    emitted: relay.producer.emitted,
    ...relay.count,
    countedByProducer: statsOf("relayed").unconfirmed,
    discarded: statsOf("relayed").discarded,
  },
  middle,
  careful: { emitted: careful.producer.emitted, ...careful.count, discarded: statsOf("confirmed").discarded },
  memory,
};
const agrees = {
  relay: relay.count.received + relay.count.lost === relay.producer.emitted && relay.count.again === 0,
  middle: middle.again === 0 && middle.underWay <= MOST_UNDER_WAY * (kills.beam + 1),
  careful: careful.count.received === careful.producer.emitted && careful.count.lost === 0,
};
process.stdout.write(`${JSON.stringify({ ...result, agrees }, undefined, 1)}\n`);
if (Object.values(agrees).includes(false)) process.exitCode = 1;

side.disconnect();
await once(side, "exit");
await beam.kill();
await node.stop();
await epmd[Symbol.asyncDispose]();
