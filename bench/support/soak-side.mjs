// The side of the soak that is written in TypeScript and killed: the stage in the middle between two Elixir stages, and a
// consumer that confirms what it has handed on. Started by bench/soak.mjs, which is its parent.
import process from "node:process";
import "./typescript.mjs";

const { Consumer, noReply, ProducerConsumer, startNode, withOptions } = await import("../../src/index.ts");

const { name, cookie, epmdPort, beam, parent } = JSON.parse(process.argv[2]);
const RESUBSCRIBE = { minDelayMs: 100, maxDelayMs: 500 };

class Middle extends ProducerConsumer {
  init() {
    return withOptions({
      subscribeTo: [{ to: { name: "numbers", node: beam }, cancel: "temporary", resubscribe: RESUBSCRIBE }],
    });
  }

  handleEvents(events) {
    return noReply({ events });
  }
}

/** Is done with events when its parent has them for sure. */
class Careful extends Consumer {
  init() {
    return withOptions({
      subscribeTo: [
        { to: { name: "confirmed", node: parent }, cancel: "temporary", ack: true, resubscribe: RESUBSCRIBE },
      ],
    });
  }

  handleEvents(events) {
    return new Promise((resolve, reject) => {
      process.send(events, (error) => (error === null ? resolve() : reject(error)));
    });
  }
}

const node = await startNode({ name, cookie, epmd: "require", epmdPort });
process.once("disconnect", () => void node.stop());
await node.start(Middle, { name: "middle" });
await node.start(Careful, { name: "careful" });
process.send("up");
