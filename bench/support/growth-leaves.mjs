// Many nodes of this library in a few other processes, each with a connection to the one node that is measured.
import { fork } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";

export const MESSAGES = 100_000;
/** Processes that the nodes are spread over. */
const SIDES = 4;
const library = new URL("../../dist/index.js", import.meta.url).href;

/** Runs `work` with the addresses of a process `leaf` on each of `size` nodes that are connected to the hub, and stops them. */
export async function withLeaves({ node: hub, port, cookie }, size, work) {
  const names = Array.from({ length: size }, (_, i) => `leaf-${process.pid}-${size}-${i}@127.0.0.1`);
  const sides = [];
  try {
    for (let i = 0; i < Math.min(SIDES, size); i++) {
      const nodes = names.filter((_, j) => j % SIDES === i);
      sides.push(await startSide({ library, nodes, hub, port, cookie }));
    }
    await work(names.map((each) => ({ name: "leaf", node: each })));
  } finally {
    for (const side of sides) {
      side.disconnect();
      await once(side, "exit");
    }
  }
}

/** Starts a process with nodes, and waits until all are connected. */
export async function startSide(facts) {
  const side = fork(fileURLToPath(new URL("growth-side.mjs", import.meta.url)), [JSON.stringify(facts)]);
  const ended = once(side, "exit").then(([status]) => Promise.reject(new Error(`a side ended with ${status}`)));
  ended.catch(() => {}); // it matters only at the start
  await Promise.race([once(side, "message"), ended]);
  return side;
}
