import { readFileSync } from "node:fs";
import { describe, test } from "vitest";
import type { Beam } from "../harness/index.ts";

/** A file of ExUnit tests. */
export interface ExUnitScript {
  /** "gen_server" */
  readonly name: string;
  readonly source: string;
  /** The one module of tests that it defines. */
  readonly module: string;
  /** What its tests are called, in their order. */
  readonly tests: readonly string[];
  /** Those with `@tag :ours`: they do not hold for a BEAM in the place of our node. */
  readonly onlyOurs: readonly string[];
}

/** How a run of ExUnit ended. */
export interface ExUnitRun {
  readonly total: number;
  readonly failures: number;
  readonly excluded: number;
  readonly skipped: number;
  readonly tests: readonly ExUnitResult[];
}

interface ExUnitResult {
  readonly module: string;
  /** "test " and what it is called. */
  readonly name: string;
  /** ExUnit's own text, null for a test that has passed. */
  readonly failure: string | null;
}

/** The text of `suites/exunit/<name>.exs`. */
export function sourceOf(name: string): string {
  return readFileSync(new URL(`../suites/exunit/${name}.exs`, import.meta.url), "utf8");
}

/** Reads `suites/exunit/<name>.exs`. Its tests have to be written as `test "..." do`, so that they are known before any BEAM runs. */
export function readScript(name: string): ExUnitScript {
  const source = sourceOf(name);
  const [, module] = /^defmodule (\S+Test) do$/m.exec(source) ?? [];
  if (module === undefined) throw new Error(`${name}.exs has no module of tests`);
  const found = [...source.matchAll(/^( {2}@tag :ours\n)? {2}test "(.+)"(?:, .+)? do$/gm)];
  const onlyOurs = found.filter(([, tag]) => tag !== undefined).map(([, , text]) => text!);
  return { name, source, module, tests: found.map(([, , text]) => text!), onlyOurs };
}

/** Has a BEAM run ExUnit on scripts, in one run, against the node of that name; `exclude` leaves out tests by their tag. */
export async function runExUnit(
  beam: Beam,
  node: string,
  scripts: readonly ExUnitScript[],
  exclude: readonly string[] = [],
): Promise<ExUnitRun> {
  await beam.eval(
    `System.put_env("TIEBEAM_NODE", "${node}"); {:ok, _} = Application.ensure_all_started(:ex_unit); nil`,
  );
  for (const { name, source } of [{ name: "case", source: sourceOf("case") }, ...scripts]) {
    await beam.eval(`Code.compile_string(input, "${name}.exs"); nil`, { input: source });
  }
  const tags = exclude.map((tag) => `:${tag}`).join(", ");
  return beam.eval<ExUnitRun>(`Ours.Results.run([${tags}])`, { timeoutMs: 100_000 });
}

/** One test here for each of these tests of a script: it fails with ExUnit's text, or when ExUnit has not run it. */
export function testsOf({ name, module }: ExUnitScript, tests: readonly string[], run: () => ExUnitRun): void {
  describe(name, () => {
    test.each(tests)("%s", (name) => {
      const { total, tests } = run();
      const result = tests.find((test) => test.module === module && test.name === `test ${name}`);
      if (result === undefined) throw new Error(`ExUnit has not run it; it ran ${total} tests`);
      if (result.failure !== null) throw new Error(result.failure);
    });
  });
}
