// A thread with servers in it. Frames come as transferred buffers or through a ring, and the replies leave as they came.
import { parentPort, workerData } from "node:worker_threads";
import { Ring } from "./ring.mjs";

const { handleFrames, threadUs } = await import("./servers.mjs");

let us = 0;
parentPort.on("message", (message) => {
  if (typeof message === "number") us = message;
  else if (message === "time") parentPort.postMessage(threadUs());
  else {
    const replies = handleFrames(new Uint8Array(message), us);
    parentPort.postMessage(replies.buffer, [replies.buffer]);
  }
});

const requests = new Ring(workerData.requests);
const replies = new Ring(workerData.replies);
parentPort.postMessage("ready");
for (;;) {
  await requests.wait();
  replies.put(handleFrames(requests.take(), us));
}
