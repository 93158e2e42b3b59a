import { readFileSync } from "node:fs";
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
}

/** How a run of ExUnit ended. */
export interface ExUnitRun {
  readonly total: number;
  readonly failures: number;
  readonly excluded: number;
  readonly skipped: number;
  readonly tests: readonly ExUnitResult[];
}

export interface ExUnitResult {
  readonly module: string;
  /** "test " and what it is called. */
  readonly name: string;
  /** ExUnit's own text, null for a test that has passed. */
  readonly failure: string | null;
}

/** Reads `suites/exunit/<name>.exs`. Its tests have to be written as `test "..." do`, so that they are known before any BEAM runs. */
export function readScript(name: string): ExUnitScript {
  const source = readFileSync(new URL(`../suites/exunit/${name}.exs`, import.meta.url), "utf8");
  const [, module] = /^defmodule (\S+Test) do$/m.exec(source) ?? [];
  if (module === undefined) throw new Error(`${name}.exs has no module of tests`);
  const tests = [...source.matchAll(/^ {2}test "(.+)"(?:, .+)? do$/gm)].map(([, text]) => text!);
  return { name, source, module, tests };
}

/** Has a BEAM run ExUnit on scripts, in one run, against the node of ours of that name. */
export async function runExUnit(beam: Beam, node: string, scripts: readonly ExUnitScript[]): Promise<ExUnitRun> {
  await beam.eval(
    `System.put_env("TIEBEAM_NODE", "${node}"); {:ok, _} = Application.ensure_all_started(:ex_unit); nil`,
  );
  const { source } = { source: readFileSync(new URL("../suites/exunit/case.exs", import.meta.url), "utf8") };
  for (const [name, input] of [["case", source], ...scripts.map(({ name, source }) => [name, source])]) {
    await beam.eval(`Code.compile_string(input, "${name}.exs"); nil`, { input: input! });
  }
  return beam.eval<ExUnitRun>("Ours.Results.run()", { timeoutMs: 100_000 });
}

/** What came of one test. Fails when ExUnit did not run it. */
export function resultOf(run: ExUnitRun, module: string, name: string): ExUnitResult {
  const result = run.tests.find((test) => test.module === module && test.name === `test ${name}`);
  if (result === undefined) throw new Error(`ExUnit has not run it; it ran ${run.total} tests`);
  return result;
}
