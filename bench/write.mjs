// Puts the outcomes of benches into docs/performance.md: JSON files of bench/run.mjs and bench/growth.mjs.
//
// Of several files of one kind the rows of later ones take the place of those of earlier ones: that is how a few rows are
// measured anew.
//
// Run: node bench/write.mjs FILE...
import { readFile } from "node:fs/promises";
import process from "node:process";
import { textsOf, writeTexts } from "./support/publish.mjs";

const kinds = new Map();
for (const file of process.argv.slice(2)) {
  const outcome = JSON.parse(await readFile(file, "utf8"));
  const before = kinds.get(outcome.kind);
  kinds.set(outcome.kind, before === undefined ? outcome : merged(before, outcome));
}
for (const outcome of kinds.values()) await writeTexts(textsOf(outcome));

function merged(before, after) {
  if (before.results === undefined) return { ...before, ...after, rows: joined(before.rows, after.rows, "id") };
  const results = joined(before.results, after.results, "otp", (one, other) => ({
    ...one,
    ...other,
    rows: joined(one.rows, other.rows, "id"),
  }));
  return { ...before, ...after, results };
}

/** What has the same key is replaced where it is, the rest is appended. */
function joined(before, after, key, both = (_one, other) => other) {
  const all = new Map(before.map((each) => [each[key], each]));
  for (const each of after) all.set(each[key], all.has(each[key]) ? both(all.get(each[key]), each) : each);
  return [...all.values()];
}
