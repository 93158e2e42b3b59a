import { fileURLToPath } from "node:url";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const files = (names: readonly string[]) => names.map((name) => `suites/${name}.interop.ts`);

/** What is built upon what nodes say to each other. */
const UPON = [
  "agents-and-tasks",
  "applications",
  "attacks",
  "bench",
  "exunit",
  "gen-event",
  "gen-server",
  "gen-stage-*",
  "gen-statem",
  "media",
  "mirror",
  "observer",
  "remote-children",
  "soa",
  "supervision-trees",
];

/** Suites that measure times, count what all share, or fill the machine: one at a time, when no other runs. */
const ALONE = [
  "attacks",
  "bench",
  "connecting",
  "faults",
  "gen-stage",
  "gen-stage-faults",
  "harness",
  "hosts",
  "large",
  "links-under-faults",
  "messaging",
  "peer-limits",
  "refusals",
];

/** The others mostly wait, for BEAMs to start above all. */
const AT_ONCE = 3;

/**
 * Suites against real BEAM peers, in four projects: `nodes` and `upon`, each in two parts, of which the second,
 * `nodes-alone` and `upon-alone`, follows when nothing else runs any more.
 */
export default defineConfig({
  test: {
    globalSetup: [here("global-setup.ts")],
    reporters: ["default", here("reporter.ts")],
    projects: [
      project("nodes", { include: files(["*"]), exclude: files([...UPON, ...ALONE]) }),
      project("upon", { include: files(UPON), exclude: files(ALONE) }),
      project("nodes-alone", { include: files(ALONE), exclude: files(UPON) }),
      project("upon-alone", { include: files(ALONE.filter((name) => isUpon(name))) }),
    ],
  },
});

function project(name: string, which: { include: string[]; exclude?: string[] }): TestProjectInlineConfiguration {
  const alone = name.endsWith("-alone");
  return {
    // So that what suites take from the examples is of the same sources as what they take from here.
    resolve: { alias: [{ find: /^tiebeam$/, replacement: here("../src/index.ts") }] },
    test: {
      name,
      root: here("."),
      ...which,
      maxWorkers: alone ? 1 : AT_ONCE,
      fileParallelism: !alone,
      sequence: { groupOrder: alone ? 1 : 0 },
      testTimeout: 60_000,
      hookTimeout: 120_000,
    },
  };
}

function isUpon(name: string): boolean {
  return UPON.some((pattern) => pattern === name || (pattern.endsWith("*") && name.startsWith(pattern.slice(0, -1))));
}
