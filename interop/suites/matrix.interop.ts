import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describePeers } from "../harness/index.ts";
import { BROKEN } from "../matrix/broken.ts";
import type { Cell } from "../matrix/cell.ts";
import { Certificates } from "../matrix/certificates.ts";
import { type CellOptions, runCell } from "../matrix/run-cell.ts";
import { findRuntimes } from "../runtimes/index.ts";

describePeers("the matrix", { otp: ["23", "29"] }, (release) => {
  test("sees each peer that is broken on purpose, at the step where it is, and nothing wrong with one that is not", async () => {
    using logs = new Folder();
    const [runtime] = findRuntimes();
    const cell: Cell = {
      otp: release.otp,
      transport: "tcp",
      connects: "ours",
      epmd: "stock",
      visibility: "visible",
      genStage: "none",
      runtime: runtime!.name,
      fault: "none",
      second: "none",
    };
    const run = async (name: string, broken: Pick<CellOptions, "link" | "echo">) => {
      const result = await runCell({
        cell,
        release,
        second: undefined,
        runtime: runtime!,
        stockEpmdPort: Number(process.env.ERL_EPMD_PORT),
        certificates: () => new Certificates(release),
        logs: join(logs.path, name),
        ...broken,
      });
      const last = result.steps.at(-1)!;
      expect(readFileSync(join(logs.path, name, result.log), "utf8")).toContain(`== ${last.name}`);
      return { name, outcome: result.outcome, step: last.name, error: /^\w+/.exec(last.error ?? "")?.[0] };
    };

    const results = [await run("not broken", {})];
    for (const [name, broken] of Object.entries(BROKEN)) results.push(await run(name, await broken()));

    expect(results).toEqual([
      { name: "not broken", outcome: "passed", step: "end", error: undefined },
      { name: "drops a flag", outcome: "failed", step: "connect", error: "HANDSHAKE_FLAGS" },
      { name: "sends a wrong tag", outcome: "failed", step: "ping", error: "NODEDOWN" },
      { name: "answers late", outcome: "failed", step: "messages", error: "EXIT_TIMEOUT" },
    ]);
  });
});

/** A temporary folder that is gone when it is disposed. */
class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "tiebeam-matrix-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
