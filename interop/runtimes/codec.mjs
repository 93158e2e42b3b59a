// Decodes and encodes what a BEAM wrote, with the codec that is published. Runs under any runtime, without a package
// of others: `<runtime> codec.mjs <file>`. The file has the vectors and what another runtime made of each; what differs
// is printed as one line of JSON.
import { readFileSync } from "node:fs";
import { argv } from "node:process";
import { inflateSync } from "node:zlib";
import { decode, encode } from "../../dist/etf/index.js";

const inflate = (bytes, size) => inflateSync(bytes, { maxOutputLength: size });
const hexOf = (bytes) => Buffer.from(bytes).toString("hex");

function outcome(hex) {
  try {
    return hexOf(encode(decode(Uint8Array.from(Buffer.from(hex, "hex")), { floats: "exact", inflate })));
  } catch (error) {
    return error.code ?? String(error);
  }
}

const vectors = JSON.parse(readFileSync(argv[2], "utf8"));
const different = vectors.filter(({ hex, expected }) => outcome(hex) !== expected).map(({ name }) => name);
console.log(JSON.stringify({ checked: vectors.length, different }));
