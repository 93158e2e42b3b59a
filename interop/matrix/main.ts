// The command behind `npm run interop`; see HELP in options.ts.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findReleases, missingReleases, type Release, stopProviders } from "../providers/index.ts";
import { findRuntimes, missingRuntimes, type Runtime } from "../runtimes/index.ts";
import { type Cell, type CellResult, idOf, type NotRun } from "./cell.ts";
import { CONSTRAINTS, dimensionsOf, NEVER_RUN } from "./dimensions.ts";
import { HELP, type RunOptions, readOptions, wrongIn } from "./options.ts";
import { between, compatibilityPage, summary } from "./page.ts";
import { plan } from "./plan.ts";
import { LOGS_FOLDER, RESULTS_FOLDER, type Report, SUITES_FILE, type SuitesReport } from "./report.ts";
import { runMatrix } from "./run-matrix.ts";
import { StopWatch } from "./stop-watch.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));

// Whatever was started is killed at the exit, which signals alone do not bring about.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = optionsOrReason(args);
  if (typeof options === "string") {
    console.error(`${options}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const watch = new StopWatch();
  if (!options.list) await run("node", "interop/prepare.mjs");
  watch.lap("preparing");

  const releases = await findReleases();
  try {
    return await runAll(options, releases, watch);
  } finally {
    await stopProviders();
  }
}

async function runAll(options: RunOptions, releases: readonly Release[], watch: StopWatch): Promise<number> {
  const at = new Date().toISOString();
  const runtimes = findRuntimes();
  const names = runtimes.map(({ name }) => name);
  const wrong = wrongIn(options.only, dimensionsOf(releases, names));
  if (wrong !== undefined) {
    console.error(wrong);
    return 2;
  }
  const planned = options.matrix ? plan(releases, names, options.size, options.only) : [];
  if (options.list) {
    for (const cell of planned) console.log(idOf(cell));
    return 0;
  }

  rmSync(RESULTS_FOLDER, { recursive: true, force: true });
  mkdirSync(LOGS_FOLDER, { recursive: true });
  const cells = await runCells(planned, releases, runtimes, options.atOnce);
  if (options.matrix) watch.lap("matrix");
  const suitesPassed = !options.suites || (await runSuites(options));
  if (options.suites) watch.lap("suites");

  const report: Report = {
    at,
    machine: { system: `${process.platform} ${process.arch}`, cores: cpus().length },
    seconds: watch.seconds,
    size: options.size,
    releases: releases.map(({ otp, otpVersion, elixir, genStage, provider }) => ({
      otp,
      otpVersion,
      elixir,
      genStage: genStage?.version ?? "none",
      provider,
    })),
    runtimes: runtimes.map(({ name, version }) => ({ name, version })),
    notRun: await notRun(releases),
    cells,
    suites: readJson<SuitesReport>(SUITES_FILE) ?? { suites: [], skips: {} },
  };
  writeFileSync(join(RESULTS_FOLDER, "report.json"), `${JSON.stringify(report, null, 1)}\n`);
  if (options.whole) {
    writeFileSync(join(project, "docs/compatibility.md"), compatibilityPage(report));
    const readme = join(project, "README.md");
    writeFileSync(readme, between(readFileSync(readme, "utf8"), "interop", summary(report)));
  }

  const failed = cells.filter(({ outcome }) => outcome === "failed");
  console.log(`\nmatrix: ${cells.length - failed.length} of ${cells.length} cells passed`);
  for (const { id, steps, log } of failed) {
    console.log(`  ${id}: ${steps.at(-1)?.name}: ${steps.at(-1)?.error?.split("\n")[0]} (${join(LOGS_FOLDER, log)})`);
  }
  console.log(`took ${watch}`);
  return failed.length === 0 && suitesPassed ? 0 : 1;
}

function runCells(cells: readonly Cell[], releases: readonly Release[], runtimes: readonly Runtime[], atOnce: number) {
  let count = 0;
  const done = ({ id, outcome, ms, steps }: CellResult) => {
    const where = outcome === "failed" ? `, at ${steps.at(-1)?.name}` : "";
    console.log(`${++count}/${cells.length} ${outcome} ${id} (${(ms / 1_000).toFixed(1)} s${where})`);
  };
  return runMatrix(cells, { releases, runtimes, logs: LOGS_FOLDER, atOnce, done });
}

/** False when a test failed. */
function runSuites({ suiteNames, only }: RunOptions): Promise<boolean> {
  process.env.TIEBEAM_SUITES_REPORT = SUITES_FILE;
  if (only.otp) process.env.TIEBEAM_OTP = only.otp.join();
  return run("npx", "vitest", "run", "--config", "interop/vitest.config.ts", ...suiteNames);
}

/** What is known and was not run, each with its reason. */
async function notRun(releases: readonly Release[]): Promise<NotRun[]> {
  return [
    ...NEVER_RUN,
    ...(await missingReleases(releases)).map(({ otp, reason }) => ({ what: `OTP ${otp}`, reason })),
    ...missingRuntimes().map(({ name, reason }) => ({ what: name, reason })),
    ...CONSTRAINTS.map(({ what, reason }) => ({ what, reason })),
  ];
}

/** Runs a program of the project in this terminal. False when it failed. */
async function run(program: string, ...args: string[]): Promise<boolean> {
  const child = spawn(program, args, { cwd: project, stdio: "inherit" });
  const [code] = await once(child, "close");
  return code === 0;
}

function optionsOrReason(args: readonly string[]): RunOptions | string {
  try {
    return readOptions(args);
  } catch (error) {
    return (error as Error).message;
  }
}

function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch {
    return undefined; // no suite was run
  }
}
