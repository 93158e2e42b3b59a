import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Node } from "../../src/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { type ExUnitRun, readScript, resultOf, runExUnit } from "../support/exunit.ts";
import { exposeOurs } from "../support/exunit-node.ts";
import { KeptLog, nodeBeside } from "../support/our-node.ts";

/** Keeps what `:sys.trace` prints. */
class PrintedLog extends KeptLog {
  readonly printed: string[] = [];

  override info(message: string): void {
    this.printed.push(message);
  }
}

const SCRIPTS = ["gen_server", "sys", "supervisors", "tasks", "rpc", "ties", "gen_event", "gen_statem", "loss"].map(readScript);

describePeers("ExUnit, on a node of ours", { otp: ["25", "27", "29"] }, (release) => {
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

  for (const { name, module, tests } of SCRIPTS) {
    describe(name, () => {
      test.each(tests)("%s", (name) => {
        const { failure } = resultOf(run, module, name);
        if (failure !== null) throw new Error(failure);
      });
    });
  }

  test("ExUnit counts the tests that are written, and no failure", () => {
    const written = SCRIPTS.flatMap(({ tests }) => tests).length;
    expect(run).toMatchObject({ total: written, failures: 0, excluded: 0, skipped: 0 });
  });
});
