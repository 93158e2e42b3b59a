// What does encoding and decoding one ordinary message cost here, beside the other codecs at hand?
//
// Input: a map of ten atom keys, 290 bytes: short strings, integers, a float, two lists. Every codec gets the same
// value; erlpack has no atoms, so its keys are binaries, and it decodes its own bytes. Results are checked equal
// before any timing; rounds take turns; the median of the rounds is reported.
//
// Run: npm run build && node bench/etf.bench.mjs [--json]
import { isDeepStrictEqual } from "node:util";
import { deserialize, serialize } from "node:v8";
import erlpack from "erlpack";
import { Decoder, decode, Encoder, encode, Reader, Writer } from "../dist/etf/index.js";

const ROUNDS = 9;
const ROUND_MS = 150;

const message = {
  id: 1_234_567,
  sku: "sku-000042",
  name: "Walking boots, brown, size 42",
  email: "someone.else@example.com",
  status: "pending",
  quantity: 3,
  price: 19.99,
  warehouse: "eu-central-1",
  tags: ["outdoor", "leather", "sale", "men"],
  sizes: [410, 420, 430, 440, 450],
};

const encoder = new Encoder();
const writer = new Writer(65_536);
const decoder = new Decoder();
const reader = new Reader(new Uint8Array());
const bytes = encode(message);
const term = bytes.subarray(1);
const packed = erlpack.pack(message);
const json = JSON.stringify(message);
const clone = serialize(message);

const rows = {
  encode: {
    "tiebeam encode()": () => encode(message),
    "tiebeam Encoder": () => {
      encoder.write(writer, message);
      writer.reuse();
    },
    erlpack: () => erlpack.pack(message),
    JSON: () => JSON.stringify(message),
    "v8.serialize": () => serialize(message),
  },
  decode: {
    "tiebeam decode()": () => decode(bytes),
    "tiebeam Decoder": () => decoder.read(reader.reset(term)),
    erlpack: () => erlpack.unpack(packed),
    JSON: () => JSON.parse(json),
    "v8.deserialize": () => deserialize(clone),
  },
};

for (const [name, run] of Object.entries(rows.decode)) {
  if (!isDeepStrictEqual(run(), message)) throw new Error(`${name} decodes to something else`);
}
if (Buffer.compare(Buffer.concat([Buffer.of(131), encodedByEncoder()]), bytes) !== 0)
  throw new Error("encoders differ");

function encodedByEncoder() {
  encoder.write(writer, message);
  const encoded = Buffer.from(writer.bytes.subarray(0, writer.offset));
  writer.reuse();
  return encoded;
}

/** Thousands of calls a second over about ROUND_MS. */
function measure(run) {
  const end = performance.now() + ROUND_MS;
  const start = performance.now();
  let calls = 0;
  let now = start;
  for (; now < end; now = performance.now()) {
    for (let i = 0; i < 1000; i++) run();
    calls += 1000;
  }
  return calls / (now - start);
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const results = {};
for (const [direction, candidates] of Object.entries(rows)) {
  const names = Object.keys(candidates);
  const rates = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) measure(candidates[name]);
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) rates[name].push(measure(candidates[name]));
  }
  results[direction] = names.map((name) => ({
    name,
    thousandsPerSecond: Math.round(median(rates[name])),
    toErlpack: Number(median(rates[name].map((rate, round) => rate / rates.erlpack[round])).toFixed(1)),
  }));
}

if (process.argv.includes("--json")) {
  console.log(JSON.stringify({ node: process.version, bytes: bytes.length, ...results }));
} else {
  console.log(`${bytes.length} bytes, Node ${process.version}, thousands of calls a second, ratio to erlpack`);
  for (const [direction, measured] of Object.entries(results)) {
    for (const { name, thousandsPerSecond, toErlpack } of measured) {
      console.log(
        `${direction.padEnd(7)} ${name.padEnd(17)} ${String(thousandsPerSecond).padStart(6)} ${toErlpack.toFixed(1).padStart(5)}`,
      );
    }
  }
}
