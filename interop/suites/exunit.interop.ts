import { afterAll, beforeAll, expect, test } from "vitest";
import type { Node } from "../../src/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { type ExUnitRun, readScript, runExUnit, sourceOf, testsOf } from "../support/exunit.ts";
import { exposeOurs } from "../support/exunit-node.ts";
import { KeptLog, nodeBeside } from "../support/our-node.ts";

const SCRIPTS = [
  "gen_server", "sys", "supervisors", "tasks", "rpc", "ties", "gen_event", "gen_statem", "loss",
].map(readScript); // biome-ignore format: a list

/** `sys` is left out: what a state looks like is up to each server. sys.interop.ts holds it against OTP's own. */
const OF_OTP = SCRIPTS.filter(({ name }) => name !== "sys");

/** OTP 23 and Elixir 1.10 lack much of what the scripts use. */
const otp = ["25", "27", "29"];

/** Keeps what `:sys.trace` prints. */
class PrintedLog extends KeptLog {
  readonly printed: string[] = [];

  override info(message: string): void {
    this.printed.push(message);
  }
}

describePeers("ExUnit, on a node of ours", { otp }, (release) => {
  let beam: Beam;
  let node: Node;
  let run: ExUnitRun;
  const log = new PrintedLog();

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam, { logger: log });
    exposeOurs(node, log.printed);
    run = await runExUnit(beam, node.name, SCRIPTS);
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  for (const script of SCRIPTS) testsOf(script, script.tests, () => run);

  test("ExUnit counts the tests that are written, and no failure", () => {
    const written = SCRIPTS.flatMap(({ tests }) => tests).length;
    expect(run).toMatchObject({ total: written, failures: 0, excluded: 0, skipped: 0 });
  });
});

describePeers("ExUnit, on a BEAM in its place", { otp }, (release) => {
  let run: ExUnitRun;

  beforeAll(async () => {
    await using beam = await startBeam(release);
    await using twin = await startBeam(release, { cookie: beam.cookie, hidden: true });
    await twin.eval("Code.compile_string(input); nil", { input: sourceOf("twin") });
    run = await runExUnit(beam, twin.name, OF_OTP, ["ours"]);
  });

  for (const script of OF_OTP) {
    const tests = script.tests.filter((name) => !script.onlyOurs.includes(name));
    testsOf(script, tests, () => run);
  }
});
