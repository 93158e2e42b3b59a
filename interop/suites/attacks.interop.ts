import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Atom, atom, mod, type Node } from "../../src/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { type ExUnitRun, readScript, runExUnit, testsOf } from "../support/exunit.ts";
import { Answers, exposeOurs } from "../support/exunit-node.ts";
import { nodeBeside } from "../support/our-node.ts";

const SCRIPT = readScript("attacks");

describePeers("Attacks with the right cookie", { otp: ["25", "27", "29"] }, (release) => {
  let beam: Beam;
  let node: Node;
  let closed: Node;
  let run: ExUnitRun;
  let refused: number;
  /** The folder that the commands would write to, as this side and as the BEAM's sees it. */
  let folders: string[];

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "attacks-"));
    folders = [folder, join(release.root ?? "/", folder)];
    for (const each of folders) mkdirSync(each, { recursive: true });
    beam = await startBeam(release);
    await beam.eval(`System.put_env("TIEBEAM_TRACE", "${join(folder, "trace")}"); nil`);
    node = await nodeBeside(beam);
    closed = await nodeBeside(beam, { rules: () => ({ operations: ["send", "monitor"], names: ["shown"] }) });
    for (const name of ["shown", "hidden"]) await closed.start(Answers, { name });
    exposeOurs(node, []);
    exposeInsides();
    run = await runExUnit(beam, node.name, [SCRIPT]);
    ({ refused } = node.stats());
  });

  afterAll(async () => {
    await closed.stop();
    await node.stop();
    await beam[Symbol.asyncDispose]();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  /** What the script has to know of the node in order to say that nothing has changed. */
  function exposeInsides(): void {
    node.expose(mod("Ours"), {
      refused: () => node.stats().refused,
      refused_by_closed: () => closed.stats().refused,
      closed_node: () => atom(closed.name),
      internal: ({ tag }: Atom) => (tag === "host" ? node.pid : node.whereis(tag)),
      leader: () => node.erpc.call(beam.name, "erlang", "group_leader"),
      polluted: () => "polluted" in {},
    });
    node.expose(mod("Ours"), { for_friends: () => atom("secret") }, { peers: ["friend@127.0.0.1"] });
  }

  testsOf(SCRIPT, SCRIPT.tests, () => run);

  test("the node has counted them, has run nothing, and works on", async () => {
    expect(run).toMatchObject({ total: SCRIPT.tests.length, failures: 0 });
    expect(refused).toBeGreaterThan(200);
    expect(folders.filter((folder) => existsSync(join(folder, "trace")))).toEqual([]);
    expect(node.peers()).toEqual([beam.name]);
    expect(await node.erpc.call(beam.name, "erlang", "node")).toBeDefined();
  });
});
