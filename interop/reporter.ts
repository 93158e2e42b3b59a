import { writeFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule, Vitest } from "vitest/node";
import type { SuiteResult, SuitesReport } from "./matrix/report.ts";
import type { Release } from "./providers/index.ts";
import { notAcross } from "./support/not-across.ts";

/**
 * After the run: which OTP releases and which suites ran, what was skipped and why. `TIEBEAM_SUITES_REPORT` names a file to
 * put it into as well.
 */
export default class PeersReporter implements Reporter {
  #releases: readonly Release[] = [];
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    this.#releases = this.#vitest?.projects[0]?.getProvidedContext().releases ?? [];
    const stages = stageLines(modules);
    this.#print("", "Peers", ...this.#peerLines(), "Suites", ...suiteLines(modules), ...stages, ...skipLines(modules));
    const file = process.env.TIEBEAM_SUITES_REPORT;
    if (file) writeFileSync(file, `${JSON.stringify(suitesReport(modules), null, 1)}\n`);
  }

  #peerLines(): string[] {
    if (this.#releases.length === 0) return ["  none: no BEAM was found, every suite was skipped"];
    return this.#releases.map(({ otp, otpVersion, elixir, provider, genStage }) => {
      const stage = genStage ? `GenStage ${genStage.version}` : "no GenStage";
      return `  OTP ${otp} (${otpVersion}), Elixir ${elixir}, ${stage}, ${provider}`;
    });
  }

  #print(...lines: string[]): void {
    for (const line of lines) console.log(line);
  }
}

const suiteOf = (module: TestModule) => module.relativeModuleId.split("/").at(-1)!.replace(".interop.ts", "");

const releaseOf = (test: TestCase) => / on OTP (\d+)\b/.exec(test.fullName)?.[1];

function suiteLines(modules: readonly TestModule[]): string[] {
  return modules.map((module) => {
    const { passed, failed, skipped } = countOf([...module.children.allTests()]);
    const unloaded = module.errors().length > 0 ? ", did not load" : "";
    return `  ${suiteOf(module)}: ${passed} passed, ${failed} failed, ${skipped} skipped${unloaded}`;
  });
}

function suitesReport(modules: readonly TestModule[]): SuitesReport {
  const suites = modules.flatMap((module): SuiteResult[] => {
    const tests = [...module.children.allTests()];
    const otps = [...new Set(tests.map((test) => releaseOf(test) ?? ""))];
    const results = otps.map((otp) => ({
      suite: suiteOf(module),
      otp,
      ...countOf(tests.filter((test) => (releaseOf(test) ?? "") === otp)),
    }));
    const unloaded = { suite: suiteOf(module), otp: "", passed: 0, failed: 1, skipped: 0 };
    return module.errors().length > 0 ? [...results, unloaded] : results;
  });
  return { suites, skips: Object.fromEntries(skipReasons(modules)) };
}

function countOf(tests: readonly TestCase[]) {
  const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
  for (const test of tests) counts[test.result().state]++;
  const { passed, failed, skipped, pending } = counts;
  return { passed, failed: failed + pending, skipped };
}

/** How many of the numbered behaviours of GenStage passed across nodes, for each release. A test may show several: `#155 #168 …`. */
function stageLines(modules: readonly TestModule[]): string[] {
  const passed = new Map<string, Set<string>>();
  for (const module of modules.filter(({ moduleId }) => moduleId.includes("gen-stage"))) {
    for (const test of module.children.allTests("passed")) {
      const otp = releaseOf(test);
      const numbers = /^(?:#\d+ )+/.exec(test.name)?.[0].match(/\d+/g) ?? [];
      if (otp === undefined) continue;
      passed.set(otp, new Set([...(passed.get(otp) ?? []), ...numbers]));
    }
  }
  if (passed.size === 0) return [];
  const counts = [...passed].map(([otp, all]) => `  OTP ${otp}: ${all.size} of 242`);
  return [
    "GenStage behaviours across nodes",
    ...counts,
    `  ${notAcross.length} are not tried: see interop/support/not-across.ts`,
  ];
}

function skipLines(modules: readonly TestModule[]): string[] {
  const reasons = skipReasons(modules);
  const total = [...reasons.values()].reduce((sum, count) => sum + count, 0);
  return [`Skipped: ${total}`, ...[...reasons].map(([reason, count]) => `  ${count} × ${reason}`)];
}

/** Each reason once, with the number of tests it skipped. */
function skipReasons(modules: readonly TestModule[]): Map<string, number> {
  const reasons = new Map<string, number>();
  for (const test of modules.flatMap((module) => [...module.children.allTests("skipped")])) {
    const result = test.result();
    const reason = (result.state === "skipped" && result.note) || "marked as skipped";
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return reasons;
}
