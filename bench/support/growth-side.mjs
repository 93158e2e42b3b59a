// Many nodes in one process, each with a connection to the one node that is measured, and a process `leaf` that counts what it
// gets and floods the `sink` over there when it is told to. Started by bench/support/growth-rows.mjs, which is its parent.
import process from "node:process";

const { library, nodes, hub, port, cookie } = JSON.parse(process.argv[2]);
const { atom, fixedPortResolver, GenServer, reply, startNode, tuple } = await import(library);
const sink = { name: "sink", node: hub };
const message = tuple(atom("price"), "sku-000042");

class Leaf extends GenServer {
  #count = 0;

  async handleCast([, count]) {
    for (let left = count; left > 0; left--) {
      const full = this.process.send(sink, message);
      if (full !== undefined) await full;
    }
  }

  handleCall() {
    const count = this.#count;
    this.#count = 0;
    return reply(count);
  }

  handleInfo() {
    this.#count++;
  }
}

const started = [];
process.once("disconnect", () => {
  for (const node of started) void node.stop();
});
for (const name of nodes) {
  const node = await startNode({ name, cookie, epmd: "none", listen: false, resolve: fixedPortResolver(port) });
  started.push(node);
  await node.start(Leaf, { name: "leaf" });
  await node.connect(hub);
}
process.send("up");
