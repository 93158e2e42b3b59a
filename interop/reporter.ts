import type { Reporter, TestModule, Vitest } from "vitest/node";
import type { Release } from "./providers/index.ts";
import { notAcross } from "./support/not-across.ts";

/** After the run: which OTP releases and which suites ran, what was skipped and why. */
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

function suiteLines(modules: readonly TestModule[]): string[] {
  return modules.map((module) => {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const test of module.children.allTests()) counts[test.result().state]++;
    const suite = module.relativeModuleId.split("/").at(-1)!.replace(".interop.ts", "");
    const unloaded = module.errors().length > 0 ? ", did not load" : "";
    return `  ${suite}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped${unloaded}`;
  });
}

/** How many of the numbered behaviours of GenStage passed across nodes, for each release. A test may show several: `#155 #168 …`. */
function stageLines(modules: readonly TestModule[]): string[] {
  const passed = new Map<string, Set<string>>();
  for (const module of modules.filter(({ moduleId }) => moduleId.includes("gen-stage"))) {
    for (const test of module.children.allTests("passed")) {
      const otp = / on OTP (\d+) /.exec(test.fullName)?.[1];
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

/** Each reason once, with the number of tests it skipped. */
function skipLines(modules: readonly TestModule[]): string[] {
  const reasons = new Map<string, number>();
  for (const test of modules.flatMap((module) => [...module.children.allTests("skipped")])) {
    const result = test.result();
    const reason = (result.state === "skipped" && result.note) || "marked as skipped";
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const total = [...reasons.values()].reduce((sum, count) => sum + count, 0);
  return [`Skipped: ${total}`, ...[...reasons].map(([reason, count]) => `  ${count} × ${reason}`)];
}
