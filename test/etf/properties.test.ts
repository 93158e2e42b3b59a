import erlpack from "erlpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DecodeError, Decoder, decode, Encoder, encode, Reader, Writer } from "../../src/etf/index.ts";
import { copyTerm, equals, isPlainObject, type Term } from "../../src/term/index.ts";
import { canonicalTerm, wildTerm } from "../support/arbitrary-term.ts";
import { RELEASES, vectorsOf } from "./vectors.ts";

describe("round trips", () => {
  test("a term comes back as it was", () => {
    fc.assert(
      fc.property(canonicalTerm, (term) => {
        expect(decode(encode(term))).toEqual(term);
      }),
      { numRuns: 1500 },
    );
  });

  test("whatever can be sent comes back as an equal term, and as its local copy", () => {
    fc.assert(
      fc.property(wildTerm, (value) => {
        const encoded = encode(value);
        expect(equals(decode(encoded, { floats: "exact" }), value as Term)).toBe(true);
        expect(decode(encoded)).toEqual(copyTerm(value));
      }),
      { numRuns: 1500 },
    );
  });

  test("every strict prefix of a term is refused as truncated", () => {
    fc.assert(
      fc.property(canonicalTerm, fc.nat(), (term, n) => {
        const encoded = encode(term);
        expect(() => decode(encoded.subarray(0, n % encoded.length))).toThrow(
          expect.objectContaining({ code: "ETF_TRUNCATED" }),
        );
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the fast paths", () => {
  // A decoder that has met a key sequence often reads its maps by what was compiled for them; a new one never does.
  test("a decoder that knows the atoms and shapes gives what a new one gives", () => {
    const decoder = new Decoder();
    fc.assert(
      fc.property(canonicalTerm, (term) => {
        const encoded = encode(term);
        for (let i = 0; i < 70; i++) decoder.read(new Reader(encoded, 1));

        expect(decoder.read(new Reader(encoded, 1))).toEqual(new Decoder().read(new Reader(encoded, 1)));
      }),
      { numRuns: 300 },
    );
  });

  test("an encoder that knows the atoms and key sequences writes what a new one writes", () => {
    const encoder = new Encoder();
    fc.assert(
      fc.property(wildTerm, (value) => {
        const [known, fresh] = [encoder, new Encoder()].map((each) => {
          const writer = new Writer(16);
          each.write(writer, value);
          return Buffer.from(writer.take());
        });

        expect(known).toEqual(fresh);
      }),
      { numRuns: 1000 },
    );
  });

  test("a decoder is right with more shapes and atoms than it remembers", () => {
    const decoder = new Decoder();
    for (let i = 0; i < 6000; i++) {
      const object = { [`a${i}`]: i, [`b${i % 7}`]: { [`c${i % 600}`]: i } };
      expect(decoder.read(new Reader(encode(object), 1))).toEqual(object);
    }
  });
});

describe("hostile bytes", () => {
  const onlyDecodeErrors = (bytes: Uint8Array) => {
    try {
      decode(bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  };

  test("random bytes give a term or a DecodeError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => onlyDecodeErrors(Uint8Array.of(131, ...bytes))),
      { numRuns: 5000 },
    );
  });

  test("what a BEAM wrote, with bytes changed, gives a term or a DecodeError, and decoding goes on", () => {
    const inputs = RELEASES.flatMap((release) => vectorsOf(release)).filter(({ bytes }) => bytes.length < 600);
    const mutation = fc.record({
      input: fc.constantFrom(...inputs),
      changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
    });
    fc.assert(
      fc.property(mutation, ({ input, changes }) => {
        const bytes = input.bytes.slice();
        for (const [at, byte] of changes) bytes[1 + (at % bytes.length)] = byte;
        onlyDecodeErrors(bytes);
      }),
      { numRuns: 10_000 },
    );

    expect(decode(encode({ a: [1, "b"] }))).toEqual({ a: [1, "b"] });
  });
});

/** Values that erlpack has the same bytes for. It writes atoms in a form that current BEAMs do not write: none here. */
const erlpackValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.integer({ min: 0, max: 255 }),
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).filter((value) => value < 0 || value > 255),
    fc.double({ noNaN: true, noDefaultInfinity: true, noInteger: true }),
    fc.string({ unit: "grapheme" }),
    // Lists of bytes have a short form, which erlpack does not write.
    fc.array(tie("value"), { maxLength: 5 }).map((items) => (items.length === 0 ? items : ["", ...items])),
    fc.dictionary(
      fc.string().map((key) => `k${key}`),
      tie("value"),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
})).value;

/** The same with binaries as keys, in the order that an object has them. */
function withTextKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTextKeys);
  if (!isPlainObject(value)) return value;
  return new Map(Object.entries(value).map(([key, field]) => [key, withTextKeys(field)]));
}

test("where erlpack has a form for a value, the bytes are the same", () => {
  fc.assert(
    fc.property(erlpackValue, (value) => {
      expect(Buffer.from(encode(withTextKeys(value)))).toEqual(erlpack.pack(value));
    }),
    { numRuns: 1000 },
  );
});
