// What is measured at several sizes. `measure(size, repeat)` prepares that size, has `repeat(items, work, options)` measure
// work that is done for so many items, and takes everything down again. `floor` is the same without this library, where that does not
// grow linearly itself, and `beam` the same with a BEAM in its place, where that grows, too.
import process from "node:process";
import { sentByBeam } from "./growth-beam.mjs";
import { MESSAGES, withLeaves } from "./growth-leaves.mjs";

const library = new URL("../../dist/index.js", import.meta.url).href;
const { atom, GenServer, startNode, tuple } = await import(library);
const { decode, encode } = await import(new URL("../../dist/etf/index.js", import.meta.url).href);

const COOKIE = "growth";
const message = tuple(atom("price"), "sku-000042");

/** Resolves when there have been so many. */
class Count {
  #count = 0;
  #wanted = Number.POSITIVE_INFINITY;
  #reached;

  add() {
    this.#count++;
    if (this.#count === this.#wanted) this.#reached();
  }

  /** From now on; what is wanted may come before it is waited for. */
  expect(wanted) {
    this.#count = 0;
    this.#wanted = wanted;
    return new Promise((resolve) => {
      this.#reached = resolve;
    });
  }
}

class Counter extends GenServer {
  #count;

  init(count) {
    this.#count = count;
  }

  handleInfo(info) {
    // Holds the mailbox until it is let go.
    if (info === HOLD) return holding.promise;
    this.#count.add();
  }
}

/** Waits for a node that is never found to spawn a process. */
class Asking extends GenServer {
  init() {
    this.process.spawnRemote("nowhere@127.0.0.1", "shop", "serve", []).catch(() => {});
  }
}

const HOLD = atom("hold");
const holding = { promise: undefined, release: undefined };

function hold() {
  holding.promise = new Promise((resolve) => {
    holding.release = resolve;
  });
}

async function withNode(work, options) {
  const name = `growth-${process.pid}@127.0.0.1`;
  const node = await startNode({ name, cookie: COOKIE, epmd: "none", ...options });
  try {
    await work(node);
  } finally {
    await node.stop();
  }
}

async function startMany(node, size, count) {
  const pids = [];
  for (let i = 0; i < size; i++) pids.push((await node.start(Counter, { args: count })).pid);
  return pids;
}

/** A node with a process `sink`, and `size` nodes elsewhere, each with a connection to it and a process `leaf`. */
function connected(size, work) {
  return withNode(async (node) => {
    const count = new Count();
    await node.start(Counter, { name: "sink", args: count });
    await withLeaves({ node: node.name, port: node.port, cookie: COOKIE }, size, (leaves) => work(node, leaves, count));
  });
}

const received = (size, repeat) =>
  connected(size, async (node, leaves, count) => {
    const each = Math.ceil(MESSAGES / size);
    await repeat(each * size, async () => {
      const all = count.expect(each * size);
      for (const leaf of leaves) node.cast(leaf, tuple(atom("flood"), each));
      await all;
    });
  });

const sent = (size, repeat) =>
  connected(size, async (node, leaves) => {
    const each = Math.ceil(MESSAGES / size);
    await repeat(each * size, async () => {
      for (let i = 0; i < each; i++) for (const leaf of leaves) await node.send(leaf, message);
      const counts = await Promise.all(leaves.map((leaf) => node.call(leaf, atom("count"), { timeoutMs: 60_000 })));
      if (counts.some((count) => count !== each)) throw new Error("something did not arrive");
    });
  });

const processes = (size, repeat) =>
  withNode(async (node) => {
    const count = new Count();
    const pids = await startMany(node, size, count);
    const each = Math.ceil(MESSAGES / size);
    await repeat(each * size, async () => {
      const all = count.expect(each * size);
      for (let i = 0; i < each; i++) for (const pid of pids) void node.send(pid, message);
      await all;
    });
  });

const starts = (size, repeat) =>
  withNode(async (node) => {
    const ended = new Count();
    await repeat(size, async () => {
      const pids = await startMany(node, size, ended);
      const all = ended.expect(size);
      for (const pid of pids) {
        node.monitor(pid, () => ended.add());
        node.exit(pid, atom("kill"));
      }
      await all;
    });
  });

const monitors = (size, repeat) =>
  withNode(async (node) => {
    const times = Math.ceil(MESSAGES / 10 / size);
    const downs = new Count();
    const prepare = async () => {
      const groups = [];
      for (let i = 0; i < times; i++) groups.push(await startMany(node, size));
      return groups;
    };
    const work = async (groups) => {
      for (const pids of groups) {
        const all = downs.expect(size);
        for (const pid of pids) node.monitor(pid, () => downs.add());
        for (const pid of pids) node.exit(pid, atom("kill"));
        await all;
      }
    };
    await repeat(size * times, work, { prepare });
  });

/** Processes that end while what they asked of another node is not answered. */
const asking = (size, repeat) => {
  const prepare = async (node) => {
    const pids = [];
    for (let i = 0; i < size; i++) pids.push((await node.start(Asking)).pid);
    return pids;
  };
  const ended = new Count();
  return withNode(
    (node) =>
      repeat(
        size,
        async (pids) => {
          const all = ended.expect(size);
          for (const pid of pids) {
            node.monitor(pid, () => ended.add());
            node.exit(pid, atom("kill"));
          }
          await all;
        },
        { prepare: () => prepare(node) },
      ),
    { listen: false, resolve: () => new Promise(() => {}) },
  );
};

const mailbox = (size, repeat) =>
  withNode(async (node) => {
    const count = new Count();
    const [pid] = await startMany(node, 1, count);
    const times = Math.ceil(MESSAGES / size);
    await repeat(size * times, async () => {
      for (let i = 0; i < times; i++) {
        hold();
        const all = count.expect(size);
        void node.send(pid, HOLD);
        for (let j = 0; j < size; j++) void node.send(pid, message);
        holding.release();
        await all;
      }
    });
  });

const keyOf = (i) => `sku-${String(i).padStart(7, "0")}`;

async function maps(size, repeat) {
  const times = Math.ceil(MESSAGES / size);
  const map = new Map(Array.from({ length: size }, (_, i) => [keyOf(i), i]));
  await repeat(size * times, () => {
    for (let i = 0; i < times; i++) {
      if (decode(encode(map)).size !== size) throw new Error("another map came back");
    }
  });
}

/** What no codec can do without: the keys are read one after the other, cut out of what arrives, and put into a Map. */
async function mapsAlone(size, repeat) {
  const times = Math.ceil(MESSAGES / size);
  const map = new Map(Array.from({ length: size }, (_, i) => [keyOf(i), i]));
  const length = keyOf(0).length;
  await repeat(size * times, () => {
    for (let i = 0; i < times; i++) {
      const text = [...map.keys()].join("");
      const copy = new Map();
      for (let j = 0; j < size; j++) copy.set(text.slice(j * length, (j + 1) * length), j);
    }
  });
}

/** Powers of ten. */
const sizes = (from, to) => (from > to ? [] : [from, ...sizes(from * 10, to)]);

export const growthRows = [
  { id: "received", title: "message received, over so many connections", sizes: sizes(1, 1_000), measure: received },
  {
    id: "sent",
    title: "message sent, over so many connections",
    sizes: sizes(1, 1_000),
    measure: sent,
    beam: sentByBeam,
  },
  { id: "processes", title: "message to one of so many processes", sizes: sizes(1, 100_000), measure: processes },
  { id: "starts", title: "process started and ended, so many at a time", sizes: sizes(100, 100_000), measure: starts },
  { id: "monitors", title: "monitor and its DOWN, so many at a time", sizes: sizes(10, 10_000), measure: monitors },
  {
    id: "asking",
    title: "process ended that waits for another node, so many at a time",
    sizes: sizes(100, 10_000),
    measure: asking,
  },
  { id: "mailbox", title: "message in a mailbox of so many", sizes: sizes(100, 1_000_000), measure: mailbox },
  {
    id: "maps",
    title: "key of a map of so many, encoded and decoded",
    sizes: sizes(100, 1_000_000),
    measure: maps,
    floor: { title: "the same in JavaScript alone", measure: mapsAlone },
  },
];
