import type { Profile } from "../etf/index.ts";
import { inspect, type Term, toJson } from "../term/index.ts";

/** How terms are read and printed. */
export interface TermFlags {
  readonly syntax: "elixir" | "erlang";
  readonly json: boolean;
}

/** A term on one line, whole: as `inspect` has it, or its JSON form. */
export function renderTerm(term: Term, { syntax, json }: TermFlags): string {
  if (json) return JSON.stringify(toJson(term));
  return inspect(term, { syntax, limit: Number.POSITIVE_INFINITY, printableLimit: Number.POSITIVE_INFINITY });
}

/** An event of a stream: text as it is, so that lines stay lines, and any other term as {@link renderTerm} has it. */
export function renderEvent(term: Term, flags: TermFlags): string {
  return typeof term === "string" && !flags.json ? term : renderTerm(term, flags);
}

/** JSON has one kind of number, so `1.0` is 1 there; printed as a term it stays a float. */
export function profileFor({ json }: TermFlags): Profile {
  return { floats: json ? "natural" : "exact" };
}

/** Rows with their columns below each other. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** Milliseconds, for people. */
export function renderMs(ms: number): string {
  return ms < 1_000 ? `${ms.toFixed(1)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}
