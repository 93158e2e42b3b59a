import { expect, test } from "vitest";
import { SimulatedCluster } from "../../src/testing/index.ts";

const A = "a@sim";
const B = "b@sim";
const RUNS = 1_000;

/** Two nodes that begin to connect to each other at about the same instant, over links of any delay. */
async function meet(seed: number) {
  const cluster = new SimulatedCluster({ seed, speed: { delayMs: [0, 1 + (seed % 40)] } });
  const { random } = cluster;
  const [a, b] = [await cluster.start(A), await cluster.start(B)];
  const heard = { a: [] as unknown[], b: [] as unknown[] };
  const connecting: Promise<unknown>[] = [];
  const begin = (node: typeof a, peer: string, inbox: unknown[]) => {
    node.monitorNodes((event) => void inbox.push(event.type));
    cluster.clock.setTimer(random.below(3) * random.below(20), () => void connecting.push(node.connect(peer)));
  };
  begin(a, B, heard.a);
  begin(b, A, heard.b);
  await cluster.advance(1_000);
  await Promise.all(connecting);
  return { cluster, a, b, heard };
}

test(`two nodes that connect to each other at the same instant end with one connection, ${RUNS} times of ${RUNS}`, async () => {
  let crossed = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    const { cluster, a, b, heard } = await meet(seed);
    const found = [a.peers(), b.peers(), heard, cluster.openStreams, a.stats().connecting, b.stats().connecting];
    const due = [[B], [A], { a: ["nodeup"], b: ["nodeup"] }, 1, 0, 0];
    expect(found, `seed ${seed}`).toEqual(due);
    crossed += a.stats().dials * b.stats().dials;
    await cluster.until(Promise.all([a.stop(), b.stop()]));
  }
  expect(crossed).toBeGreaterThan(RUNS / 4);
});
