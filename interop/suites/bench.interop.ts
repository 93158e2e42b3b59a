import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { describePeers } from "../harness/index.ts";
import { startProcess } from "../providers/index.ts";

const bench = (name: string) => fileURLToPath(new URL(`../../bench/${name}`, import.meta.url));

interface Results {
  readonly results: readonly {
    readonly rows: readonly { readonly id: string; readonly peers: Record<string, { value?: { median: number } }> }[];
  }[];
}

describePeers("the benches", { otp: ["25", "27", "29"], genStage: true }, (release) => {
  test("run: every row of the short form gives a figure for this library and for the BEAM", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tiebeam-bench-"));
    try {
      const json = join(folder, "results.json");
      const flags = ["--short", "--peers", "tiebeam,beam", "--otp", release.otp, "--json", json];

      const run = await startProcess({ argv: [process.execPath, bench("run.mjs"), ...flags] });

      expect([await run.exited, run.output()]).toEqual([0, expect.stringContaining("| calls, 64 callers, in |")]);
      const { results } = JSON.parse(await readFile(json, "utf8")) as Results;
      const rows = results.flatMap(({ rows }) => rows);
      expect(rows.length).toBeGreaterThan(5);
      for (const { id, peers } of rows) {
        for (const name of ["tiebeam", "beam"]) expect(peers[name]?.value?.median, `${id} ${name}`).toBeGreaterThan(0);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 120_000);

  test("run: growth is measured at several sizes", async () => {
    const flags = ["--rows", "received,mailbox", "--rounds", "1", "--most", "100"];

    const run = await startProcess({ argv: [process.execPath, bench("growth.mjs"), ...flags] });
    await run.exited;

    expect(run.output()).toMatch(
      /message received, over so many connections \| [\d,]+ \| [\d,]+ \| [\d,]+ \| -?[\d.]+ \|/,
    );
  });
});
