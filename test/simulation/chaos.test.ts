import process from "node:process";
import { expect, test } from "vitest";
import { Chaos } from "./chaos.ts";
import { violations } from "./invariants.ts";

/**
 * Five nodes whose processes link, monitor, call and send while links break, stall and slow down and nodes crash.
 * `TIEBEAM_SEEDS=10000` runs more; `TIEBEAM_SEED=123 npx vitest run test/simulation` runs one, with its story.
 */
const { TIEBEAM_SEED, TIEBEAM_SEEDS = "200" } = process.env;
const BATCH = 50;
const TIMEOUT_MS = 5 * 60 * 1000;

const NOTHING = { peers: [], connecting: 0, processes: 0, names: 0, aliases: 0, monitored: 0, stages: [] };

/** Runs a seed. Gives what went wrong, and figures about what happened. */
async function run(seed: number): Promise<{ problems: string[]; chaos: Chaos }> {
  const chaos = new Chaos(seed);
  await chaos.run();
  const problems = violations(chaos);

  const { cluster } = chaos;
  await cluster.until(Promise.all(cluster.nodes.map((node) => node.stop())));
  await cluster.advance(100);
  for (const { name, node } of chaos.machines) {
    const { dials: _, refused: __, ...left } = node.stats();
    if (JSON.stringify(left) !== JSON.stringify(NOTHING)) problems.push(`${name} kept ${JSON.stringify(left)}`);
  }
  const { openStreams, listeners, clock } = cluster;
  if (openStreams + listeners + clock.pendingTimers > 0) {
    problems.push(`${openStreams} streams, ${listeners} listeners and ${clock.pendingTimers} timers are left`);
  }
  return { problems, chaos };
}

function story({ problems, chaos }: { problems: string[]; chaos: Chaos }, seed: number): string {
  const again = `TIEBEAM_SEED=${seed} npx vitest run test/simulation`;
  return [`seed ${seed}, again with: ${again}`, ...problems, ...(TIEBEAM_SEED ? chaos.log : [])].join("\n");
}

if (TIEBEAM_SEED !== undefined) {
  test(`seed ${TIEBEAM_SEED} keeps every promise`, async () => {
    const outcome = await run(Number(TIEBEAM_SEED));
    expect(outcome.problems, story(outcome, Number(TIEBEAM_SEED))).toEqual([]);
  });
} else {
  for (let first = 1; first <= Number(TIEBEAM_SEEDS); first += BATCH) {
    const last = Math.min(first + BATCH - 1, Number(TIEBEAM_SEEDS));
    test(`seeds ${first} to ${last} keep every promise`, { timeout: TIMEOUT_MS }, async () => {
      for (let seed = first; seed <= last; seed++) {
        const outcome = await run(seed);
        expect(outcome.problems, story(outcome, seed)).toEqual([]);
      }
    });
  }

  test("a seed gives the same run every time", async () => {
    const [one, other] = [await run(3), await run(3)];
    expect(one.chaos.log).toEqual(other.chaos.log);
    expect(summary(one.chaos)).toEqual(summary(other.chaos));
  });

  test("the runs are not idle: much of everything happens in them", async () => {
    const total = { received: 0, answered: 0, failed: 0, fired: 0, links: 0, ended: 0 };
    for (let seed = 1; seed <= 20; seed++) {
      const { chaos } = await run(seed);
      for (const [key, value] of Object.entries(summary(chaos))) total[key as keyof typeof total] += value;
    }
    for (const [what, count] of Object.entries(total)) expect(count, what).toBeGreaterThan(100);
  });
}

function summary({ lives }: Chaos) {
  const calls = lives.flatMap((life) => life.calls);
  const answered = calls.filter(({ outcome }) => typeof outcome === "number").length;
  return {
    received: sum(lives.map(({ received }) => received.length)),
    answered,
    failed: calls.length - answered,
    fired: sum(lives.flatMap(({ monitors }) => monitors.map(({ downs }) => downs.length))),
    links: sum(lives.flatMap(({ links }) => [...links.values()])),
    ended: lives.filter(({ alive }) => !alive).length,
  };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
