// What does the hash of a term cost here, beside erlang:phash2/1 on the BEAMs at hand?
//
// Input: a small integer, a text of 10 bytes, a tuple of both with an atom, and the map of ten keys of etf.bench.mjs, 290
// bytes when encoded. The hashes of all sides are checked equal before any timing. Here and there many short rounds are
// timed, of which the median and the fastest are told: a round that another program interrupts says nothing.
//
// Run: node bench/phash2.bench.mjs [--otp 25,29]        (BEAMs: npm run interop:prepare)
// Output: one JSON object, nanoseconds for one call.
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { message } from "./codec/terms.mjs";
import { percentile } from "./support/figures.mjs";
import { findReleases, startBeam, startEpmd, tiebeam } from "./support/sources.mjs";

const { encode } = await import("../src/etf/index.ts");
const { atom, phash2, tuple } = tiebeam;
const { values: options } = parseArgs({ options: { otp: { type: "string" } } });

const ROUNDS = 400;
const ROUND_CALLS = 1_000;

const terms = {
  "small integer": 42,
  "text of 10 bytes": "sku-000042",
  "tuple of three": tuple(atom("price"), "sku-000042", 42),
  "map of 290 bytes": message,
};

const summary = (nanoseconds) => ({
  p50: Math.round(percentile(nanoseconds, 0.5)),
  fastest: Math.round(Math.min(...nanoseconds)),
});

function measureHere(term) {
  const rounds = [];
  let used = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let call = 0; call < ROUND_CALLS; call++) used ^= phash2(term);
    rounds.push(((performance.now() - start) * 1e6) / ROUND_CALLS);
  }
  if (used !== 0) throw new Error("one term has two hashes"); // an even number of equal hashes
  return summary(rounds.slice(ROUNDS / 4)); // until then the code was still being compiled
}

/** Only compiled code runs in a round: `lists:foreach/2` and the function itself. */
async function measureThere(beam, term) {
  const input = Buffer.from(encode(term)).toString("hex");
  const [hash, rounds] = await beam.eval(
    `[term] = Fixtures.Vectors.decode_all(input)
     terms = List.duplicate(term, ${ROUND_CALLS})
     hash = &:erlang.phash2/1
     rounds = for _ <- 1..${ROUNDS} do
       start = System.monotonic_time(:nanosecond)
       :lists.foreach(hash, terms)
       (System.monotonic_time(:nanosecond) - start) / ${ROUND_CALLS}
     end
     [hash.(term), rounds]`,
    { input },
  );
  if (hash !== phash2(term)) throw new Error(`${hash} on OTP ${beam.otp}, ${phash2(term)} here`);
  return summary(rounds);
}

async function measureRelease(release) {
  const epmd = await startEpmd(release);
  try {
    const beam = await startBeam(release, { epmdPort: epmd.port });
    try {
      const rows = {};
      for (const [name, term] of Object.entries(terms)) rows[name] = await measureThere(beam, term);
      return rows;
    } finally {
      await beam.kill();
    }
  } finally {
    await epmd[Symbol.asyncDispose]();
  }
}

const wanted = options.otp?.split(",");
const results = { node: process.version, load: loadavg()[0], here: {} };
for (const [name, term] of Object.entries(terms)) results.here[name] = measureHere(term);
for (const release of await findReleases()) {
  if (wanted?.includes(release.otp) ?? true) results[`OTP ${release.otp}`] = await measureRelease(release);
}
console.log(JSON.stringify(results, null, 2));
