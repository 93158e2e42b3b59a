import process from "node:process";
import { expect, test } from "vitest";
import { atom } from "../../src/term/index.ts";
import { stageViolations } from "./stage-invariants.ts";
import { StageChaos } from "./stages.ts";

/**
 * Random topologies of stages on up to four nodes, while their processes crash, are killed, cancel and subscribe anew, links break
 * and nodes come and go. Every message between two stages is held against the demand.
 * `TIEBEAM_SEEDS=10000` runs more; `TIEBEAM_SEED=123 npx vitest run test/simulation/stages` runs one, with its story.
 */
const { TIEBEAM_SEED, TIEBEAM_SEEDS = "200" } = process.env;
const BATCH = 50;
const TIMEOUT_MS = 10 * 60 * 1000;

const NOTHING = { peers: [], connecting: 0, processes: 0, names: 0, aliases: 0, monitored: 0, stages: [] };

/** Runs a seed. Gives what went wrong, and the run. */
async function run(seed: number): Promise<{ problems: string[]; chaos: StageChaos }> {
  using chaos = new StageChaos(seed);
  await chaos.run();
  const problems = stageViolations(chaos);

  const { cluster, lives } = chaos;
  for (const { node, pid, isAlive } of lives) if (isAlive && pid !== undefined) node.exit(pid, atom("kill"));
  await cluster.advance(1_000);
  for (const node of cluster.nodes) {
    const { stages, monitored } = node.stats();
    if (stages.length + monitored > 0) problems.push(`${node.name} has ${stages.length} stages, ${monitored} monitors`);
  }
  const { nodes } = cluster;
  await cluster.until(Promise.all(nodes.map((node) => node.stop())));
  await cluster.advance(100);
  for (const node of nodes) {
    const { dials: _, refused: __, ...left } = node.stats();
    if (JSON.stringify(left) !== JSON.stringify(NOTHING)) problems.push(`${node.name} kept ${JSON.stringify(left)}`);
  }
  const { openStreams, listeners, clock } = cluster;
  if (openStreams + listeners + clock.pendingTimers > 0) {
    problems.push(`${openStreams} streams, ${listeners} listeners and ${clock.pendingTimers} timers are left`);
  }
  return { problems, chaos };
}

function story({ problems, chaos }: { problems: string[]; chaos: StageChaos }, seed: number): string {
  const again = `TIEBEAM_SEED=${seed} npx vitest run test/simulation/stages`;
  return [`seed ${seed}, again with: ${again}`, ...problems, ...(TIEBEAM_SEED ? chaos.log : [])].join("\n");
}

if (TIEBEAM_SEED !== undefined) {
  test(`seed ${TIEBEAM_SEED} keeps every promise of stages`, async () => {
    const outcome = await run(Number(TIEBEAM_SEED));
    expect(outcome.problems, story(outcome, Number(TIEBEAM_SEED))).toEqual([]);
  });
} else {
  for (let first = 1; first <= Number(TIEBEAM_SEEDS); first += BATCH) {
    const last = Math.min(first + BATCH - 1, Number(TIEBEAM_SEEDS));
    test(`seeds ${first} to ${last} keep every promise of stages`, { timeout: TIMEOUT_MS }, async () => {
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
    const total: Record<string, number> = {};
    for (let seed = 1; seed <= 20; seed++) {
      const { chaos } = await run(seed);
      for (const [key, value] of Object.entries(summary(chaos))) total[key] = (total[key] ?? 0) + value;
    }
    for (const [what, count] of Object.entries(total)) expect(count, what).toBeGreaterThan(100);
  });
}

function summary({ lives, wire }: StageChaos) {
  const traffic = [...wire.subscriptions.values()];
  return {
    subscriptions: traffic.length,
    ended: traffic.filter(({ isOver }) => isOver).length,
    sent: traffic.reduce((sum, { sent }) => sum + sent.length, 0),
    sentAgain: traffic.reduce((sum, { sent, fresh }) => sum + sent.length - fresh.length, 0),
    handled: lives.reduce((sum, { handled }) => sum + handled.length, 0),
    deaths: lives.filter(({ isAlive }) => !isAlive).length,
  };
}
