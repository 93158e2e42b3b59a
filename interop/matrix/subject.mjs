// Our node as a program of its own, as it is published: what a cell of the matrix has on our side, under the cell's runtime.
// Driven by lines of JSON: `{ id, op, args }` comes in on stdin, `{ id, value }` or `{ id, error }` goes out on stdout.
// Terms in them are encoded, in base64. Ends with its stdin.
import { createInterface } from "node:readline";
import { inflateSync } from "node:zlib";
import { decode, encode } from "../../dist/etf/index.js";
import {
  atom,
  BusyError,
  Exit,
  fixedPortResolver,
  GenServer,
  GenStage,
  inspect,
  noReply,
  ProducerConsumer,
  reply,
  startNode,
  stop,
  tuple,
  withOptions,
} from "../../dist/index.js";

const termOf = (base64) => decode(Buffer.from(base64, "base64"), { floats: "exact" });
const base64Of = (term) => Buffer.from(encode(term)).toString("base64");
const recode = { floats: "exact", inflate: (bytes, size) => inflateSync(bytes, { maxOutputLength: size }) };
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Answers `{echo, Term}`, `{relay, Node, Term}` by what the echo server there answers, `pid` and `alias`. A cast
 * `{exit, Reason}` ends it; all else it keeps.
 */
class Echo extends GenServer {
  #seen = [];

  async handleCall(request) {
    if (request === atom("pid")) return reply(this.process.pid);
    if (request === atom("alias")) return reply(this.process.alias());
    if (request === atom("seen")) return reply(this.#seen);
    const [tag, ...rest] = request;
    if (tag === atom("echo")) return reply(rest[0]);
    const [to, term] = rest;
    return reply(await this.process.call({ name: "echo", node: to.tag }, tuple(atom("echo"), term)));
  }

  handleCast(request) {
    if (request[0] === atom("exit")) throw new Exit(request[1]);
    this.#seen.push(tuple(atom("cast"), request));
    return noReply();
  }

  handleInfo(message) {
    this.#seen.push(tuple(atom("info"), message));
  }
}

/** Counts the messages `{Number, _}` and whether each has the number after the last. */
class Sink extends GenServer {
  static count = 0;
  static inOrder = true;

  handleInfo(message) {
    if (message[0] !== Sink.count++) Sink.inOrder = false;
  }
}

/** Is linked to and monitors what it is told to, writes down what comes of both, and ends. */
class Watcher extends GenServer {
  static seen = [];

  init(pid) {
    this.process.trapExit = true;
    this.process.link(pid);
    this.process.monitor(pid);
  }

  handleInfo(message) {
    Watcher.seen.push(`${inspect(message[0])} ${inspect(message.at(-1))}`);
    return Watcher.seen.length < 2 ? noReply() : stop(atom("normal"));
  }
}

/** Linked to two processes: the end of one is the end of the other. */
class Bridge extends GenServer {
  init(pids) {
    for (const pid of pids) this.process.link(pid);
  }
}

class Through extends ProducerConsumer {
  init({ from, maxDemand }) {
    return withOptions({ subscribeTo: [{ to: from, maxDemand }] });
  }

  handleEvents(events) {
    return noReply({ events: events.map((event) => event * 2) });
  }
}

let node;
let pulled = 0;
const downs = [];

/** Waits, for as long as the caller does, until a function gives something. */
async function until(get) {
  for (;;) {
    const value = get();
    if (value) return value;
    await sleep(2);
  }
}

async function timed(work) {
  const since = performance.now();
  const value = await work();
  return { value, ms: performance.now() - since };
}

function* integers(last) {
  for (let n = 1; n <= last; n++) {
    pulled = n;
    yield n;
  }
}

const operations = {
  async start({ proxyPort, fixedPort, ...options }) {
    const resolve =
      proxyPort !== undefined
        ? () => ({ host: "127.0.0.1", port: proxyPort })
        : fixedPort !== undefined && fixedPortResolver(fixedPort);
    node = await startNode({ ...options, ...(resolve && { resolve }), floats: "exact" });
    node.monitorNodes(({ type, node, reason }) => {
      if (type === "nodedown") downs.push({ node, reason: String(reason), at: Date.now() });
    });
    await node.start(Echo, { name: "echo" });
    await node.start(Sink, { name: "sink" });
    return { name: node.name, port: node.port };
  },

  /** Connects at this moment (milliseconds since 1970), or at once. */
  async dial({ node: peer, at = 0 }) {
    if (at > Date.now()) await sleep(at - Date.now());
    await node.connect(peer);
  },

  disconnect: ({ node: peer }) => node.disconnect(peer),

  status: () => {
    const { dials, connecting, peers, processes, names, aliases, monitored } = node.stats();
    return {
      peers: peers.map(({ node }) => node),
      dials,
      connecting,
      holdings: { processes, names, aliases, monitored },
    };
  },

  /** When a node was lost, and why; what was told of it is forgotten. */
  async lost({ node: peer }) {
    const index = () => downs.findIndex(({ node }) => node === peer) + 1;
    return downs.splice((await until(index)) - 1, 1)[0];
  },

  losses: () => downs.length,

  /** Lines of `name encoding` as `name, what we make of it, encoding`. */
  recode: ({ lines, peer }) =>
    lines.map((line) => {
      const [name, hex] = line.split(" ");
      const ours = encode(decode(Buffer.from(hex, "hex"), recode), { peer });
      return `${name} ${Buffer.from(ours).toString("hex")} ${hex}`;
    }),

  /** The names of those lines whose term another term is than the BEAM's echo server makes of the encoding. */
  async compare({ node: peer, lines }) {
    const server = { name: "echo", node: peer };
    const answers = lines.map(async (line) => {
      const [name, hex] = line.split(" ");
      const bytes = Buffer.from(hex, "hex");
      const request = tuple(atom("compare"), decode(bytes, recode), new Uint8Array(bytes));
      return (await node.call(server, request, { timeoutMs: 20_000 })) === true ? [] : [name];
    });
    return (await Promise.all(answers)).flat();
  },

  async call({ to, request, timeoutMs = 5_000 }) {
    const destination = typeof to === "string" ? termOf(to) : to;
    const { value, ms } = await timed(() => node.call(destination, termOf(request), { timeoutMs }));
    return { value: base64Of(value), ms };
  },

  cast: ({ to, request }) => void node.cast(typeof to === "string" ? termOf(to) : to, termOf(request)),
  send: ({ to, message }) => void node.send(typeof to === "string" ? termOf(to) : to, termOf(message)),

  /** A call of the echo server there with so many bytes, which have to come back. */
  async echoBytes({ node: peer, bytes }) {
    const sent = new Uint8Array(bytes).map((_, i) => (i * 31) % 256);
    const call = () => node.call({ name: "echo", node: peer }, tuple(atom("echo"), sent), { timeoutMs: 30_000 });
    const { value, ms } = await timed(call);
    return { same: value instanceof Uint8Array && Buffer.compare(value, sent) === 0, ms };
  },

  async watch({ pid }) {
    Watcher.seen = [];
    await node.start(Watcher, { args: termOf(pid) });
  },
  watched: async () => (await until(() => Watcher.seen.length >= 2)) && [...Watcher.seen].sort(),

  victim: async () => base64Of((await node.start(Echo)).pid),
  bridge: async ({ pids }) => void (await node.start(Bridge, { args: pids.map(termOf) })),

  async take({ from, maxDemand }) {
    let count = 0;
    let inOrder = true;
    const { ms } = await timed(async () => {
      for await (const event of node.stream(from, { maxDemand })) inOrder &&= event === ++count;
    });
    return { count, inOrder, ms };
  },

  async produce({ name, last }) {
    pulled = 0;
    await node.start(
      GenStage.from(() => integers(last)),
      { name },
    );
  },
  pulled: () => pulled,
  through: async ({ name, from, maxDemand }) => void (await node.start(Through, { name, args: { from, maxDemand } })),

  /** Sends `{0, Bytes}`, `{1, Bytes}`, ... without waiting until one of them is refused with BUSY. */
  flood({ to, bytes, most }) {
    const text = "x".repeat(bytes);
    for (let sent = 0; sent < most; sent++) {
      try {
        void node.send(to, tuple(sent, text));
      } catch (error) {
        if (!(error instanceof BusyError)) throw error;
        return { sent, busyBytes: error.bytes };
      }
    }
    return { sent: most, busyBytes: 0 };
  },
  sunk: async ({ count }) => (await until(() => Sink.count >= count)) && { count: Sink.count, inOrder: Sink.inOrder },

  async stop() {
    await node.stop();
    setImmediate(() => process.exit(0));
  },
};

function answer(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const lines = createInterface({ input: process.stdin });
lines.on("line", async (line) => {
  const { id, op, args = {} } = JSON.parse(line);
  try {
    answer({ id, value: (await operations[op](args)) ?? null });
  } catch (error) {
    answer({ id, error: { code: error.code ?? error.name, message: error.message } });
  }
});
lines.on("close", () => process.exit(0));
