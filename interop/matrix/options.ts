import { parseArgs } from "node:util";
import type { DimensionName, Dimensions } from "./cell.ts";
import type { Only, Size } from "./plan.ts";

export const HELP = `npm run interop -- [options]

Without options: the usual matrix and all suites, on every release at hand, and docs/compatibility.md and the
summary in README.md written anew. With one of these, what they name, and nothing is written but the results:

  --short               only the short matrix: every value of every dimension once
  --full                the full matrix, and all suites
  --only otp=25,fault=link-cut
                        only cells with these values; several of a dimension: otp=25|27, or --only again
  --suites gen-server   only suites with this in their name, on the releases of --only if that names some; may be given again
  --at-once 3           how many cells run at the same time
  --list                show which cells would run
  --help
`;

/** What a run of `npm run interop` is to do. */
export interface RunOptions {
  readonly size: Size;
  readonly only: Only;
  readonly matrix: boolean;
  readonly suites: boolean;
  /** Parts of names; empty for all. */
  readonly suiteNames: readonly string[];
  readonly atOnce: number;
  readonly list: boolean;
  readonly help: boolean;
  /** Everything is run, so that the page may say so. */
  readonly whole: boolean;
}

/** @throws Error with one line that says what is wrong. */
export function readOptions(args: readonly string[]): RunOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      short: { type: "boolean", default: false },
      full: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      suites: { type: "string", multiple: true, default: [] },
      "at-once": { type: "string", default: "3" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { short, full, only, suites, list, help } = values;
  if (short && full) throw new Error("either --short or --full");
  const atOnce = Number(values["at-once"]);
  if (!Number.isInteger(atOnce) || atOnce < 1) throw new Error("--at-once takes a number of cells");
  const part = short || only.length > 0;
  return {
    size: short ? "short" : full ? "full" : "usual",
    only: readOnly(only),
    matrix: part || full || suites.length === 0,
    suites: suites.length > 0 || !part,
    suiteNames: suites,
    atOnce,
    list,
    help,
    whole: !part && suites.length === 0,
  };
}

/** What is wrong with values to keep to, if anything is. */
export function wrongIn(only: Only, dimensions: Dimensions): string | undefined {
  for (const [dimension, values] of Object.entries(only)) {
    const known: readonly string[] | undefined = dimensions[dimension as DimensionName];
    if (!known) return `no dimension ${dimension}; there are ${Object.keys(dimensions).join(", ")}`;
    const unknown = values.filter((value) => !known.includes(value));
    if (unknown.length > 0) return `${dimension} is not ${unknown.join()} here, but one of ${known.join(", ")}`;
  }
  return undefined;
}

function readOnly(filters: readonly string[]): Only {
  const only: Record<string, string[]> = {};
  for (const filter of filters.flatMap((each) => each.split(","))) {
    const [dimension = "", values] = filter.split("=");
    if (!values) throw new Error(`--only takes dimension=value, not ${filter}`);
    only[dimension] = [...(only[dimension] ?? []), ...values.split("|")];
  }
  return only;
}
