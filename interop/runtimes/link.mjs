// A node of what is published, beside a BEAM: connects, calls, is called, and has GenStage both ways. Runs under any
// runtime. In the environment: NAME, COOKIE, EPMD_PORT, and PEER, a node with the servers `echo` and `counter` of the
// fixtures. Prints one line of JSON when its own part is done; serves `echo` and `numbers` until it is ended.
import { env } from "node:process";
import { atom, GenServer, GenStage, reply, startNode, tuple } from "../../dist/index.js";

const { NAME, COOKIE, EPMD_PORT, PEER, EVENTS } = env;

class Echo extends GenServer {
  static calls = { echo: (term) => reply(term) };
}

function* numbers() {
  for (let n = 1; n <= Number(EVENTS); n++) yield n;
}

const node = await startNode({
  name: NAME,
  cookie: COOKIE,
  epmd: "auto",
  epmdPort: Number(EPMD_PORT),
  stopOn: ["SIGTERM"],
});
await node.start(Echo, { name: "echo" });
await node.start(GenStage.from(numbers), { name: "numbers" });
await node.connect(PEER);

const term = tuple(atom("grüße"), 1.5, 2n ** 70n, [new Uint8Array([255]), { a: null }]);
const echoed = await node.call({ name: "echo", node: PEER }, tuple(atom("echo"), term));
let received = 0;
let inOrder = true;
for await (const event of node.stream({ name: "counter", node: PEER })) inOrder &&= event === ++received;

console.log(JSON.stringify({ peers: node.peers(), echoed: String(echoed) === String(term), received, inOrder }));
console.log(`ended: ${await node.closed}`);
