import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encode } from "../../src/etf/index.ts";
import { inOrder, type Scenario, type Seen, scenario } from "../../test/otp/supervision-scenario.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";

const SCRIPT = readFileSync(new URL("supervision-trees.exs", import.meta.url), "utf8");

/** `TIEBEAM_TREES=1000` plays more; `TIEBEAM_SEED=123` plays that one. */
const { TIEBEAM_SEED, TIEBEAM_TREES = "200" } = process.env;
const COUNT = TIEBEAM_SEED === undefined ? Number(TIEBEAM_TREES) : 1;
const FIRST = Number(TIEBEAM_SEED ?? 1);
const BATCH = 50;

// OTP 23 has neither significant children nor automatic shutdown.
describePeers("random trees of OTP's supervisors", { otp: ["25", "27", "29"] }, (release) => {
  let beam: Beam;

  beforeAll(async () => {
    beam = await startBeam(release);
    await beam.eval(SCRIPT);
  });

  afterAll(() => beam[Symbol.asyncDispose]());

  /** What OTP made of each. */
  async function played(scenarios: readonly Scenario[]): Promise<Seen[][]> {
    const input = encode(scenarios.map(({ tree, steps }) => ({ tree, steps })));
    const seen = await beam.eval<Seen[][]>("Forest.play(:erlang.binary_to_term(input))", { input, timeoutMs: 60_000 });
    return seen.map((all, i) =>
      all.map(({ log, reply, running }, n) => ({
        log: inOrder(log, scenarios[i]!.steps[n - 1]),
        reply: reply ?? undefined,
        running: running ?? undefined,
      })),
    );
  }

  test(`${COUNT} trees start and stop their children as the model of test/otp says`, { timeout: 120_000 }, async () => {
    for (let done = 0; done < COUNT; done += BATCH) {
      const seeds = Array.from({ length: Math.min(BATCH, COUNT - done) }, (_, i) => FIRST + done + i);
      const scenarios = seeds.map((seed) => scenario(seed, { timed: false }));
      for (const [i, seen] of (await played(scenarios)).entries()) {
        const { seed, expected } = scenarios[i]!;
        const again = `TIEBEAM_SEED=${seed} npx vitest run --config interop/vitest.config.ts suites/supervision-trees`;
        expect(seen, `seed ${seed}, again with: ${again}`).toEqual(expected);
      }
    }
  });
});
