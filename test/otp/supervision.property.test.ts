import process from "node:process";
import { expect, test } from "vitest";
import { type Scenario, scenario } from "./supervision-scenario.ts";
import { play } from "./supervision-tree.ts";

/**
 * Random trees of supervisors under random crashes and requests: who is started and stopped, in which order, is what a model
 * says, made from OTP's documentation. `TIEBEAM_TREES=5000` runs more; `TIEBEAM_SEED=123 npx vitest run test/otp/supervision`
 * runs one, with its story. That the model is right is seen in the interop suite `supervisors`, where OTP plays them too.
 */
const { TIEBEAM_SEED, TIEBEAM_TREES = "500" } = process.env;
const BATCH = 250;

function story({ seed, tree, steps }: Scenario): string {
  const again = `seed ${seed}, again with: TIEBEAM_SEED=${seed} npx vitest run test/otp/supervision`;
  return [
    again,
    ...(TIEBEAM_SEED ? [JSON.stringify(tree, undefined, 1), ...steps.map((s) => JSON.stringify(s))] : []),
  ].join("\n");
}

async function check(seed: number): Promise<Scenario> {
  const wanted = scenario(seed, { timed: true });
  expect(await play(wanted), story(wanted)).toEqual(wanted.expected);
  return wanted;
}

if (TIEBEAM_SEED !== undefined) {
  test(`tree ${TIEBEAM_SEED} starts and stops what the rules say`, async () => {
    await check(Number(TIEBEAM_SEED));
  });
} else {
  for (let first = 1; first <= Number(TIEBEAM_TREES); first += BATCH) {
    const last = Math.min(first + BATCH - 1, Number(TIEBEAM_TREES));
    test(`trees ${first} to ${last} start and stop what the rules say`, { timeout: 60_000 }, async () => {
      for (let seed = first; seed <= last; seed++) await check(seed);
    });
  }
}

test("the trees are not idle: much of everything happens to them", () => {
  const counts = new Map<string, number>();
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  for (let seed = 1; seed <= 500; seed++) {
    const { tree, steps, expected } = scenario(seed, { timed: true });
    for (const { kind } of tree.children) count(kind);
    for (const { op } of steps) count(op);
    for (const { log, reply } of expected) {
      if (reply !== undefined) count(reply);
      for (const line of log) count(line.split(" ")[0]!);
    }
    count(expected.at(-1)!.running === undefined ? "ended" : "lives");
  }
  const kinds = ["leaf", "supervisor", "dynamic", "ended", "lives"];
  const ops = ["end", "kill_supervisor", "start_child", "terminate_child", "restart_child", "delete_child", "elapse"];
  const lines = ["init", "ok", "stop", "ignore", "fail", "crash"];
  const replies = ["ignored", "failed", "not_found", "running", "already_started", "already_present"];
  for (const what of [...kinds, ...ops, ...lines, ...replies]) expect(counts.get(what), what).toBeGreaterThan(20);
});
