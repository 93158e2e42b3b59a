import process from "node:process";
import { beforeAll, describe, expect, test } from "vitest";
import { fuzzDecoder, fuzzEncoder, fuzzReferences, fuzzShapes } from "./codec-target.ts";
import { fuzzEpmdReply, fuzzEpmdServer } from "./epmd-target.ts";
import { fuzzKeptDecoder, fuzzTerm } from "./etf-target.ts";
import { fuzzHandshakeMachine, fuzzHandshakeStream } from "./handshake-target.ts";
import { fuzzFrameReader, fuzzFrames, fuzzRandomBytes } from "./link-target.ts";
import { immediate, usedBytes } from "./memory.ts";
import { Mutator } from "./mutator.ts";
import { fuzzNode } from "./node-target.ts";
import { fuzzSignals } from "./signals-target.ts";

/**
 * Spoilt bytes for everything that reads bytes of others. Each run has a new seed, which is printed;
 * `TIEBEAM_FUZZ_SEED` repeats one, `TIEBEAM_FUZZ_CASE` runs one case of it, `TIEBEAM_FUZZ_CASES=1000000` runs more.
 */
const { TIEBEAM_FUZZ_CASES = "20000", TIEBEAM_FUZZ_SEED, TIEBEAM_FUZZ_CASE } = process.env;
const TOTAL = Number(TIEBEAM_FUZZ_CASES);
const SEED = Number(TIEBEAM_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 32));

/** What is fuzzed, and its share of the cases. Random bytes are as many as all others together. */
const TARGETS: readonly [name: string, share: number, run: (mutator: Mutator) => void | Promise<void>][] = [
  ["handshake machines", 0.2, fuzzHandshakeMachine],
  ["handshakes over a stream", 0.15, fuzzHandshakeStream],
  ["frames", 0.1, fuzzFrameReader],
  ["spoilt packets after a good handshake", 0.2, fuzzFrames],
  ["signals of a peer that lies", 0.05, fuzzSignals],
  ["terms", 0.15, fuzzTerm],
  ["terms, and what a decoder remembers", 0.05, fuzzKeptDecoder],
  ["encoding, the fast way and the plain way", 0.05, fuzzEncoder],
  ["decoding, the fast way and the plain way", 0.1, fuzzDecoder],
  ["decoding with an atom cache, the fast way and the plain way", 0.05, fuzzReferences],
  ["decoding maps of known shapes, the fast way and the plain way", 0.1, fuzzShapes],
  ["the epmd server", 0.05, fuzzEpmdServer],
  ["replies of an epmd", 0.04, fuzzEpmdReply],
  ["random bytes after a good handshake", 1, fuzzRandomBytes],
];
const NODE_SHARE = 0.01;

const BREATH = 500;
const MAX_CASE_MS = 5_000;
const MAX_GROWTH_BYTES = 16 * 2 ** 20;
const TIMEOUT_MS = 60 * 60 * 1000;

beforeAll(() => void process.stdout.write(`fuzz seed ${SEED}: repeat with TIEBEAM_FUZZ_SEED=${SEED}\n`));

describe.each(TARGETS)("fuzzing %s", (name, share, run) => {
  const cases = Math.ceil(TOTAL * share);

  const runCase = async (index: number) => {
    const start = performance.now();
    try {
      await run(new Mutator(SEED + index));
    } catch (error) {
      const again = `TIEBEAM_FUZZ_SEED=${SEED} TIEBEAM_FUZZ_CASE=${index} npx vitest run test/fuzz -t "${name}"`;
      throw new Error(`case ${index} of seed ${SEED}: ${error}\nagain with: ${again}`, { cause: error });
    }
    const ms = performance.now() - start;
    if (ms > MAX_CASE_MS) throw new Error(`case ${index} of seed ${SEED} took ${ms} ms`);
  };

  test(`${name}: ${cases} cases end in good order or by a named error, and leave nothing`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    if (TIEBEAM_FUZZ_CASE !== undefined) return runCase(Number(TIEBEAM_FUZZ_CASE));
    const warm = Math.ceil(cases / 5);
    let before = 0;
    for (let index = 0; index < cases; index++) {
      await runCase(index);
      if (index % BREATH === 0) await immediate();
      if (index === warm) before = await usedBytes();
    }
    expect((await usedBytes()) - before).toBeLessThan(MAX_GROWTH_BYTES);
  });
});

test(
  "a node that is attacked serves the others, and only the attackers' connections end",
  { timeout: TIMEOUT_MS },
  () => fuzzNode(SEED, Math.ceil(TOTAL * NODE_SHARE)),
);
