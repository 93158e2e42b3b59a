// This library as the measured node, with default options. bench/contract.md says what each message means.
// Started by bench/support/peers.mjs, which is its parent.
import { Session } from "node:inspector/promises";
import process from "node:process";
import { collectGarbage, usedBytes } from "../support/heap.mjs";

const { library, name, cookie, epmdPort, objects } = JSON.parse(process.argv[2]);
globalThis.program = Array.from({ length: objects }, (_, id) => ({ id, name: `object ${id}` }));
const tiebeam = await import(library);
const { atom, broadcastDispatcher, Consumer, demandDispatcher, GenServer, noReply, Producer, reply } = tiebeam;
const { startNode, tuple, withOptions } = tiebeam;

class Echo extends GenServer {
  handleCall(request) {
    return reply(request);
  }
}

class Sink extends GenServer {
  #count = 0;

  handleInfo() {
    this.#count++;
  }

  handleCall() {
    const count = this.#count;
    this.#count = 0;
    return reply(tuple(count, this.process.pid));
  }
}

class Idle extends GenServer {}

/** As many messages of lent bytes as are on their way before a flood waits. */
const LENT_AT_A_TIME = 8;

const order = (id) => ({
  id,
  sku: "sku-000042",
  name: "Walking boots, brown, size 42",
  email: "someone.else@example.com",
  status: "pending",
  quantity: 3,
  price: 19.99,
  warehouse: "eu-central-1",
  tags: ["outdoor", "leather", "sale", "men"],
  sizes: [410, 420, 430, 440, 450],
});

class Events extends Producer {
  #make;
  #next = 1;
  #count;

  init({ kind, consumers, count }) {
    this.#make = kind === "maps" ? order : (id) => id;
    this.#count = count;
    const dispatcher = consumers === 1 ? demandDispatcher() : broadcastDispatcher();
    return withOptions({ demand: "accumulate", dispatcher });
  }

  handleDemand(demand) {
    const first = this.#next;
    this.#next = Math.min(first + demand, this.#count + 1);
    const events = [];
    for (let id = first; id < this.#next; id++) events.push(this.#make(id));
    return noReply({ events });
  }
}

class Taker extends Consumer {
  #seen = 0;
  #sum = 0;

  init({ producer, maxDemand, count, reportTo }) {
    this.count = count;
    this.reportTo = reportTo;
    return withOptions({ subscribeTo: [{ to: producer, maxDemand }] });
  }

  handleEvents(events) {
    this.#seen += events.length;
    for (const event of events) this.#sum += typeof event === "number" ? event : event.id;
    if (this.#seen === this.count)
      void this.process.send(this.reportTo, tuple(atom("consumed"), this.#seen, this.#sum));
  }
}

class Bench extends GenServer {
  async handleInfo([{ tag }, ...args]) {
    await this[tag](...args);
  }

  async flood(to, payload, count, lent) {
    const message = lent ? tiebeam.lend(payload) : payload;
    for (let i = 0; i < count; i++) {
      const full = this.process.send(to, message);
      // With lent bytes there always is a promise: several of them are on their way at a time.
      if (full !== undefined && (!lent || i % LENT_AT_A_TIME === 0)) await full;
    }
  }

  async calls([server, node], request, callers, each, reportTo) {
    const to = { name: server, node: node.tag };
    const caller = async () => {
      for (let i = 0; i < each; i++) {
        const answer = await this.process.call(to, request, { timeoutMs: 60_000 });
        if (answer[1] !== request[1]) throw new Error("the echo answered something else");
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    await this.process.send(reportTo, tuple(atom("called"), callers * each));
  }

  async consume(producer, consumers, maxDemand, count, reportTo) {
    for (let i = 0; i < consumers; i++) await node.start(Taker, { args: { producer, maxDemand, count, reportTo } });
    await this.process.send(reportTo, tuple(atom("subscribed"), consumers));
  }

  async produce({ tag: kind }, consumers, count, reportTo) {
    const { pid } = await node.start(Events, { args: { kind, consumers, count } });
    await this.process.send(reportTo, tuple(atom("producing"), pid));
  }

  async idle(count, reportTo) {
    const before = usedBytes();
    const pids = [];
    for (let i = 0; i < count; i++) pids.push((await node.start(Idle)).pid);
    const bytes = usedBytes() - before;
    for (const pid of pids) this.process.exit(pid, atom("kill"));
    await this.process.send(reportTo, tuple(atom("idle"), bytes / count));
  }
}

const profiling = new Session();
const orders = {
  async profile() {
    profiling.connect();
    await profiling.post("Profiler.enable");
    await profiling.post("Profiler.setSamplingInterval", { interval: 200 });
    await profiling.post("Profiler.start");
  },
  async profiled() {
    const { profile } = await profiling.post("Profiler.stop");
    profiling.disconnect();
    return profile;
  },
  memory: () => {
    collectGarbage();
    return process.memoryUsage();
  },
};

const node = await startNode({ name, cookie, epmd: "require", epmdPort });
await node.start(Echo, { name: "echo" });
await node.start(Sink, { name: "sink" });
await node.start(Bench, { name: "bench" });
process.once("disconnect", () => void node.stop());
process.on("message", async (order) => process.send({ result: await orders[order]() }));
process.send("up");
