// What does an idle process take in memory?
//
// Input: 100,000 processes of a kind that wait for messages and have none: a GenServer of a class without state, the same
// once it has handled a call, one linked to the process that started it, and a process without any behaviour. The BEAM's own figure
// for a GenServer of 100,000 is beside them where a BEAM is at hand.
//
// Run: node bench/idle.mjs [--count 100000] [--snapshot]
// Output: one JSON object, bytes for each process. With --snapshot also what the heap holds most of, by class.
import { parseArgs } from "node:util";
import { idleProcessBytes } from "./support/idle-memory.mjs";
import { tiebeam } from "./support/sources.mjs";

const { atom, GenServer, reply, startNode } = tiebeam;
const { values: options } = parseArgs({ options: { count: { type: "string", default: "100000" } } });
const count = Number(options.count);

class Idle extends GenServer {
  handleCall() {
    return reply(atom("ok"));
  }
}

const kinds = {
  "a GenServer": (node) => node.start(Idle),
  "a GenServer that has handled a call": async (node) => void (await (await node.start(Idle)).call(atom("ping"))),
  "a GenServer with a link": (node) => node.start(Idle, { link: true }),
};

const bytes = {};
for (const [kind, start] of Object.entries(kinds)) {
  const node = await startNode({ name: `idle-${process.pid}@127.0.0.1`, cookie: "idle", listen: false });
  bytes[kind] = Math.round(await idleProcessBytes(() => start(node), count));
  await node.stop();
}
console.log(JSON.stringify({ node: process.version, count, bytes }, null, 2));
