import { startEpmd } from "../harness/epmd.ts";
import { compileFixtures } from "../harness/fixtures.ts";
import type { Release } from "../providers/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import type { Cell, CellResult } from "./cell.ts";
import { Certificates } from "./certificates.ts";
import { runCell } from "./run-cell.ts";

export interface MatrixOptions {
  readonly releases: readonly Release[];
  readonly runtimes: readonly Runtime[];
  /** The folder for the logs of the cells. */
  readonly logs: string;
  /** How many cells run at the same time. They mostly wait. */
  readonly atOnce: number;
  /** Told of each cell when it is done. */
  readonly done: (result: CellResult) => void;
}

/** Runs the cells, several at a time, beside one stock epmd. The results are in the order of the cells. */
export async function runMatrix(cells: readonly Cell[], options: MatrixOptions): Promise<CellResult[]> {
  const { releases, runtimes, logs, atOnce, done } = options;
  const [first] = releases;
  if (!first) return [];
  for (const release of releases) await compileFixtures(release); // once, and not in several cells at the same time
  await using epmd = await startEpmd(first);
  const certificates = new Map(releases.map((release) => [release.otp, new Certificates(release)]));
  const results: CellResult[] = [];

  const run = async (index: number): Promise<void> => {
    const cell = cells[index]!;
    const result = await runCell({
      cell,
      release: releases.find(({ otp }) => otp === cell.otp)!,
      second: releases.find(({ otp }) => otp === cell.second),
      runtime: runtimes.find(({ name }) => name === cell.runtime)!,
      stockEpmdPort: epmd.port,
      certificates: ({ otp }) => certificates.get(otp)!,
      logs,
    });
    results[index] = result;
    done(result);
  };

  try {
    let next = 0;
    const worker = async () => {
      while (next < cells.length) await run(next++);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    return results;
  } finally {
    for (const each of certificates.values()) each[Symbol.dispose]();
  }
}
