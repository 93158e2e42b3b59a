// What becomes of the outcome of a bench: text on stdout, JSON in a file, tables in docs/performance.md.
import { readFile, writeFile } from "node:fs/promises";
import { median } from "./figures.mjs";
import { growthTable, memoryTable, rowsTable } from "./report.mjs";

const DOCUMENT = new URL("../../docs/performance.md", import.meta.url);

export async function publish(outcome, { json, write }) {
  const texts = textsOf(outcome);
  for (const text of Object.values(texts)) console.log(`\n${text}`);
  if (json) await writeFile(json, `${JSON.stringify(outcome, undefined, 1)}\n`);
  if (write) await writeTexts(texts);
}

/** The texts for the document, by the names of their places there. */
export function textsOf(outcome) {
  if (outcome.kind === "growth") return { growth: growthText(outcome) };
  if (outcome.kind === "memory") return { memory: memoryText(outcome) };
  const rows = outcome.results.map((result) => [`rows of OTP ${result.otp}`, rowsText(result, outcome)]);
  return { ...Object.fromEntries(rows), ...(outcome.codec && { codec: outcome.codec.text }) };
}

/** Each text lies between two comments, `<!-- name -->` and `<!-- end of name -->`. What is around them stays. */
export async function writeTexts(texts) {
  let document = await readFile(DOCUMENT, "utf8");
  for (const [name, text] of Object.entries(texts)) {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    const [from, to] = [document.indexOf(begin), document.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/performance.md has no ${begin} and ${end}`);
    document = `${document.slice(0, from)}${begin}\n\n${text}\n\n${document.slice(to)}`;
  }
  await writeFile(DOCUMENT, document);
}

function rowsText({ peers, missing, rows }, { machine, rounds, seconds }) {
  const versions = Object.entries(peers).map(([name, version]) => `${name}: ${version}`);
  const load = machine.load.map((each) => each.toFixed(0)).join(" to ");
  const conditions = [`${rounds} rounds of ${seconds} s`, `${machine.cores} cores`, `load ${load}`];
  const waited = rows.flatMap(({ peers: { tiebeam } }) => tiebeam?.rounds ?? []).map(waitedPart);
  if (waited.length > 0)
    conditions.push(`tiebeam waited for a processor ${Math.round(100 * median(waited))} % of the time`);
  const absent = Object.entries(missing).map(([name, reason]) => `\n\nMissing: ${name}, as ${reason}.`);
  return `${[...versions, ...conditions].join("; ")}.\n\n${rowsTable(rows, Object.keys(peers))}${absent.join("")}`;
}

/** The part of the time in which a thread of the peer could have run, but others did. */
const waitedPart = ({ waited, seconds }) => Math.min(1, waited.peer / seconds);

const memoryText = ({ node, otp, seconds, rows }) =>
  `Node.js ${node}; OTP ${otp}; ${seconds} s for each row; MB.\n\n${memoryTable(rows)}`;

const growthText = ({ node, rounds, machine, rows }) =>
  `Node.js ${node}; ${rounds} rounds; ${machine.cores} cores; load ${machine.load.toFixed(0)}; nanoseconds.\n\n${growthTable(rows)}`;
