import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeRequest, type EpmdRequest, encodeRequest, RequestReader } from "../../src/epmd/requests.ts";
import { MAX_REQUEST_BYTES } from "../../src/epmd/wire.ts";
import { aName, anEntry } from "./arbitraries.ts";

const aRequest: fc.Arbitrary<EpmdRequest> = fc.oneof(
  anEntry.map((entry) => ({ op: "register" as const, entry })),
  aName.map((name) => ({ op: "lookup" as const, name })),
  aName.map((name) => ({ op: "stop" as const, name })),
  fc.constantFrom({ op: "names" as const }, { op: "dump" as const }, { op: "kill" as const }),
);

/** The body that a reader finds when the bytes come in these pieces. */
function readPieces(pieces: readonly Uint8Array[]) {
  const reader = new RequestReader();
  let progress = reader.data(new Uint8Array(0));
  for (const piece of pieces) progress = reader.data(piece);
  return progress;
}

test("a request is read back from its bytes, whole or split at any byte", () => {
  fc.assert(
    fc.property(aRequest, fc.nat(), (request, at) => {
      const bytes = encodeRequest(request);
      const split = at % bytes.length;

      const body = readPieces([bytes.subarray(0, split), bytes.subarray(split)]);

      expect(decodeRequest(body as Uint8Array)).toEqual(request);
    }),
  );
});

test("a request is read back byte by byte, and no prefix of it is one", () => {
  fc.assert(
    fc.property(aRequest, (request) => {
      const reader = new RequestReader();
      const bytes = encodeRequest(request);

      const steps = [...bytes].map((byte) => reader.data(Uint8Array.of(byte)));

      expect(steps.slice(0, -1).every((step) => step === "incomplete")).toBe(true);
      expect(decodeRequest(steps.at(-1) as Uint8Array)).toEqual(request);
    }),
    { numRuns: 30 },
  );
});

test("any bytes are a request, not yet one, or malformed, and nothing is thrown", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }), fc.uint8Array(), (pieces, body) => {
      readPieces(pieces);
      decodeRequest(body);
    }),
    { numRuns: 2_000 },
  );
});

// From here on: how the epmd of OTP 25 answered these when it was asked.
test("lengths of zero and over 3057 are malformed as soon as they are known", () => {
  const lengthOnly = (length: number) => readPieces([Uint8Array.of(length >> 8, length & 255)]);

  expect(lengthOnly(0)).toBe("malformed");
  expect(lengthOnly(MAX_REQUEST_BYTES)).toBe("incomplete");
  expect(lengthOnly(MAX_REQUEST_BYTES + 1)).toBe("malformed");
  expect(lengthOnly(65_535)).toBe("malformed");
});

test("one NUL after a name to look up is dropped, any other is malformed", () => {
  const lookup = (name: string) => decodeRequest(Buffer.from(`z${name}`));

  expect(lookup("ab\0")).toEqual({ op: "lookup", name: "ab" });
  expect(lookup("ab\0x")).toBeUndefined();
  expect(lookup("\0")).toBeUndefined();
  expect(lookup("")).toBeUndefined();
  expect(lookup("a".repeat(256))).toBeUndefined();
});

test("what follows the extra bytes of a registration is left alone", () => {
  const entry = { name: "a", port: 1, nodeType: 77, protocol: 0, highest: 6, lowest: 5, extra: Uint8Array.of(1) };
  const body = encodeRequest({ op: "register", entry }).subarray(2);

  expect(decodeRequest(Uint8Array.of(...body, 9, 9))).toEqual({ op: "register", entry });
});

test.each([
  ["1021 extra bytes", "name", new Uint8Array(1_021)],
  ["256 characters", "é".repeat(256), new Uint8Array(0)],
  ["a surrogate as UTF-8", "\u{dfff}", new Uint8Array(0)],
])("a registration with %s is understood and cannot be granted", (_, name, extra) => {
  const entry = { name: "n", port: 1, nodeType: 77, protocol: 0, highest: 6, lowest: 5, extra };
  const nameBytes = name === "\u{dfff}" ? Uint8Array.of(0xed, 0xbf, 0xbf) : new TextEncoder().encode(name);
  const body = encodeRequest({ op: "register", entry }).subarray(2);
  const replaced = Uint8Array.of(...body.subarray(0, 9), 0, 0, ...nameBytes, ...body.subarray(12));
  new DataView(replaced.buffer).setUint16(9, nameBytes.length);

  expect(decodeRequest(replaced)).toEqual({ op: "unfit", highest: 6 });
});
