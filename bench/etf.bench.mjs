// What do encoding and decoding cost here, beside the other codecs at hand and `term_to_binary` of BEAMs?
//
// Input: bench/codec/terms.mjs; the first is the message of all benches, a map of ten atom keys, 278 bytes. Every codec gets
// the same terms; what a codec cannot give back as it was is not compared. erlpack has no atoms, so its keys are binaries.
// Two ways to call tiebeam: `encode` and `decode`, and an Encoder and a Decoder that are kept, as a connection keeps them.
//
// Rounds take turns in alternating order. What counts is processor time, garbage collection included: on a machine with
// other work wall time says more about that. Reported are the medians, and of the ratios in one round the median.
//
// Run: npm run build && node bench/etf.bench.mjs [options]          (BEAMs: npm run interop:prepare)
//   --rows "map of ten keys,100 pids"     default: all
//   --otp 25,29                           the BEAMs; default 25,29 as far as they are at hand, `--otp none` for none
//   --rounds 9 --ms 60                    how often, and how long one timing takes
//   --dist DIR                            the build to measure, default dist
//   --with DIR                            another build of the library (its dist folder), to compare the two
//   --short                               the first two rows for a moment: does it run?
//   --json FILE                           all figures
// Output: tables on stdout, progress on stderr.
import { writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { classesOf, functionsOf, others, prepared } from "./codec/candidates.mjs";
import { terms } from "./codec/terms.mjs";
import { percentile } from "./support/figures.mjs";

const { values: options } = parseArgs({
  options: {
    rows: { type: "string" },
    otp: { type: "string", default: "25,29" },
    rounds: { type: "string", default: "9" },
    ms: { type: "string", default: "60" },
    dist: { type: "string", default: new URL("../dist/", import.meta.url).pathname },
    with: { type: "string" },
    short: { type: "boolean", default: false },
    json: { type: "string" },
  },
});
const ROUNDS = options.short ? 1 : Number(options.rounds);
const ROUND_MS = options.short ? 2 : Number(options.ms);
const DIRECTIONS = ["encode", "decode"];
const median = (values) => percentile(values, 0.5);
const progress = (text) => process.stderr.write(`${text}\n`);

const load = async (dist) => ({
  ...(await import(pathToFileURL(resolve(dist, "etf/index.js")).href)),
  ...(await import(pathToFileURL(resolve(dist, "term/index.js")).href)),
});
const tiebeam = await load(options.dist);
const other = options.with === undefined ? undefined : await load(options.with);

/** Each with the library whose classes its terms are made of. */
const candidates = {
  "tiebeam encode, decode": [functionsOf(tiebeam), tiebeam],
  "tiebeam Encoder, Decoder": [classesOf(tiebeam), tiebeam],
  ...(other && {
    "other encode, decode": [functionsOf(other), other],
    "other Encoder, Decoder": [classesOf(other), other],
  }),
  ...Object.fromEntries(Object.entries(others(tiebeam)).map(([name, make]) => [name, [make, tiebeam]])),
};

const beams = await startBeams();
const rows = [];
try {
  const chosen = options.rows?.split(",") ?? Object.keys(terms(tiebeam)).slice(0, options.short ? 2 : undefined);
  for (const row of chosen) rows.push(await measureRow(row));
} finally {
  for (const beam of Object.values(beams)) await beam[Symbol.asyncDispose]();
}
const result = { node: process.version, load: loadavg()[0], rounds: ROUNDS, rows };
if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(result, null, 2)}\n`);
for (const direction of DIRECTIONS) console.log(`${tableOf(direction)}\n`);

/** By name: the BEAMs that are wanted and at hand. */
async function startBeams() {
  const started = {};
  if (options.short || options.otp === "none") return started;
  const { BeamCodec, findReleases } = await import("./codec/beam.mjs");
  const wanted = options.otp.split(",");
  for (const release of await findReleases()) {
    if (wanted.includes(release.otp)) started[`OTP ${release.otp}`] = await BeamCodec.start(release);
  }
  return started;
}

async function measureRow(row) {
  progress(row);
  const bytes = tiebeam.encode(terms(tiebeam)[row]).slice();
  const timed = {};
  const missing = {};
  for (const [name, [candidate, library]] of Object.entries(candidates)) {
    const { reason, ...calls } = prepared(candidate, terms(library)[row]);
    if (reason === undefined) timed[name] = (direction, count) => timeHere(calls[direction], count);
    else missing[name] = reason;
  }
  for (const [name, beam] of Object.entries(beams)) {
    if (!tiebeam.equals(tiebeam.decode(await beam.reencoded(bytes)), terms(tiebeam)[row]))
      throw new Error(`${name} differs`);
    timed[name] = (direction, count) => beam.time(direction, bytes, count);
  }
  const measured = { row, bytes: bytes.length, missing };
  for (const direction of DIRECTIONS) measured[direction] = await measureDirection(timed, direction);
  return measured;
}

/** By candidate: calls in a second of processor time and of wall time, and the ratios to the reference candidates. */
async function measureDirection(timed, direction) {
  const names = Object.keys(timed);
  const counts = {};
  for (const name of names) counts[name] = await callsFor(timed[name], direction);
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const times = {};
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      times[name] = await timed[name](direction, counts[name]);
    }
    rounds.push(times);
  }
  const cpuRate = ({ calls, cpuMs }) => (1000 * calls) / Math.max(cpuMs, 0.001);
  const ratiosTo = (name) =>
    Object.fromEntries(
      names
        .filter((reference) => reference !== name)
        .map((reference) => [reference, rounded(median(rounds.map((r) => cpuRate(r[name]) / cpuRate(r[reference]))))]),
    );
  return Object.fromEntries(
    names.map((name) => [
      name,
      {
        perCpuSecond: rounded(median(rounds.map((round) => cpuRate(round[name])))),
        perSecond: rounded(median(rounds.map(({ [name]: { calls, wallMs } }) => (1000 * calls) / wallMs))),
        ratios: ratiosTo(name),
      },
    ]),
  );
}

/** How many calls take about ROUND_MS, found by doing more and more; that also has them compiled. */
async function callsFor(time, direction) {
  for (let calls = 4; ; calls *= 2) {
    const { cpuMs, calls: done } = await time(direction, calls);
    if (cpuMs > ROUND_MS / 3) return Math.max(1, Math.round((done * ROUND_MS) / cpuMs));
  }
}

function timeHere(call, calls) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let i = 0; i < calls; i++) call();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { calls, wallMs, cpuMs: (user + system) / 1000 };
}

function rounded(value) {
  return Number(value.toPrecision(3));
}

/** One line per row: what tiebeam does in a millisecond of processor time, and its ratio to each of the others. */
function tableOf(direction) {
  const references = [
    "erlpack",
    ...Object.keys(candidates)
      .slice(2)
      .filter((name) => name !== "erlpack"),
    ...Object.keys(beams),
  ];
  const head = [direction, "per ms", "kept", ...references];
  const lines = rows.map(({ row, [direction]: measured }) => {
    const { "tiebeam encode, decode": call, "tiebeam Encoder, Decoder": kept } = measured;
    const ratio = (name) => (measured[name] ? call.ratios[name] : "–");
    return [row, call.perCpuSecond / 1000, kept.perCpuSecond / 1000, ...references.map(ratio)];
  });
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
