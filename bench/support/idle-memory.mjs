// What one idle process takes in memory, for every bench that has such a row.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const WARM_UP = 1_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

/** Bytes of the heap in use once everything that is garbage is gone. */
export async function usedBytes() {
  for (let round = 0; round < 3; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * Bytes that each of `count` processes takes while it has nothing to do, the node's own tables included. `start` makes one;
 * nothing else may hold on to it. The first few are not counted, so that code and shapes are there already.
 */
export async function idleProcessBytes(start, count = 100_000) {
  for (let i = 0; i < WARM_UP; i++) await start();
  const before = await usedBytes();
  for (let i = 0; i < count; i++) await start();
  return ((await usedBytes()) - before) / count;
}
