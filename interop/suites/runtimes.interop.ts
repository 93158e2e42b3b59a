import { describe, expect, test } from "vitest";
import { peers, startBeam } from "../harness/index.ts";
import { findRuntimes, missingRuntimes, tryCodec, tryLink } from "../runtimes/index.ts";

const runtimes = findRuntimes();
const peer = peers()
  .filter(({ genStage }) => genStage)
  .at(-1);

describe.each(runtimes)("under $name", (runtime) => {
  test("the codec makes of all recorded vectors the bytes and refusals that it makes of them here", async () => {
    const { checked, different } = await tryCodec(runtime);

    expect(different).toEqual([]);
    expect(checked).toBeGreaterThan(1_900);
  });

  test("a node connects to a BEAM, calls, is called, and takes and gives 10,000 events", async (context) => {
    if (!peer) return context.skip("no BEAM with GenStage");
    await using beam = await startBeam(peer, { genStage: true });

    const trial = await tryLink(runtime, beam);

    expect(trial).toMatchObject({
      peers: [beam.name],
      echoed: true,
      received: 10_000,
      inOrder: true,
      answer: [1, "two", ["three"]],
      taken: { count: 10_000, in_order: true },
      ended: 0,
    });
    await beam.until("Node.list(:connected) == []");
  });
});

for (const { name, reason } of missingRuntimes()) {
  describe(`under ${name}`, () => {
    test("has no runtime", (context) => context.skip(`no ${name}: ${reason}`));
  });
}
