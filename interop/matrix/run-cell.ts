import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CellResult, idOf, type StepResult } from "./cell.ts";
import { Pair, type Parts } from "./pair.ts";
import { SCENARIO } from "./scenario.ts";

const STEP_TIMEOUT_MS = 90_000;

/** The scenario's first step of every cell, in which both nodes are started. */
const START = "start";

export interface CellOptions extends Omit<Parts, "log"> {
  /** Where the cell's log is to be. */
  readonly logs: string;
}

/** Puts the cell together and goes through the scenario, up to the first step that fails. Leaves nothing but its log. */
export async function runCell(options: CellOptions): Promise<CellResult> {
  const { cell, release, runtime, logs } = options;
  const id = idOf(cell);
  const since = performance.now();
  const lines: string[] = [];
  const log = (line: string) => lines.push(`${((performance.now() - since) / 1_000).toFixed(3)} ${line}`);
  const steps: StepResult[] = [];

  /** False when it failed. */
  const step = async (name: string, run: () => Promise<StepResult["figures"]>): Promise<boolean> => {
    log(`== ${name}`);
    const began = performance.now();
    const outcome = await settled(run());
    const ms = Math.round(performance.now() - began);
    steps.push({ name, ms, ...outcome });
    log(`   ${JSON.stringify(outcome)}`);
    return outcome.outcome === "passed";
  };

  let pair: Pair | undefined;
  const started = await step(START, async () => {
    pair = await Pair.start({ ...options, log });
    return {};
  });
  if (pair && started) {
    const running = pair;
    for (const { name, when, run } of SCENARIO) {
      if (when && !when(cell)) continue;
      if (!(await step(name, () => run(running)))) break;
    }
  }
  await pair?.[Symbol.asyncDispose]();

  mkdirSync(logs, { recursive: true });
  writeFileSync(join(logs, `${id}.log`), `${lines.join("\n")}\n`);
  const { otpVersion: otp, elixir, genStage } = release;
  return {
    id,
    cell,
    outcome: steps.every(({ outcome }) => outcome === "passed") ? "passed" : "failed",
    provider: release.provider,
    versions: { otp, elixir, ...(genStage && { genStage: genStage.version }), runtime: runtime.version },
    steps,
    ms: Math.round(performance.now() - since),
    log: `${id}.log`,
  };
}

async function settled(work: Promise<StepResult["figures"]>): Promise<Omit<StepResult, "name" | "ms">> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done within ${STEP_TIMEOUT_MS} ms`)), STEP_TIMEOUT_MS);
    });
    return { outcome: "passed", figures: await Promise.race([work, late]) };
  } catch (error) {
    return { outcome: "failed", figures: {}, error: (error as Error).message };
  } finally {
    clearTimeout(timer);
  }
}
