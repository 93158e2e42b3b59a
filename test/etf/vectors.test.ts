import { describe, expect, test } from "vitest";
import { DecodeError, decode, encode } from "../../src/etf/index.ts";
import { equals, Fun } from "../../src/term/index.ts";
import { acceptedHere, inflate, LOCAL, RELEASES, type Vector, vectorsOf } from "./vectors.ts";

const exact = (bytes: Uint8Array) => decode(bytes, { floats: "exact", inflate });

/** Entries whose bytes another writer may have in another form or order. */
function hasOtherBytes(release: number, { name, bytes, opts }: Vector): boolean {
  // Up to OTP 25 stand-alone terms have Latin-1 atoms, and ports of the old form.
  const oldForms = release < 26 && bytes.some((byte) => byte === 100 || byte === 115 || byte === 89);
  return (
    oldForms || /minor_version|compressed|deterministic/.test(opts) || name.startsWith("decode:") || /map_/.test(name)
  );
}

describe.each(RELEASES)("the vectors of OTP %i", (release) => {
  const vectors = vectorsOf(release);

  test("what that release wrote or accepted is decoded, what it refused is refused by code", () => {
    for (const vector of vectors) {
      if (vector.name === LOCAL || (vector.decode === "badarg" && acceptedHere(release, vector) === undefined)) {
        expect(() => exact(vector.bytes), vector.name).toThrow(DecodeError);
      } else {
        expect(() => exact(vector.bytes), vector.name).not.toThrow();
      }
    }
  });

  test("a decoded term is encoded to an equal one, and to the same bytes where there is one form", () => {
    for (const vector of vectors.filter(({ name, decode }) => name !== LOCAL && decode !== "badarg")) {
      const term = exact(vector.bytes);
      const encoded = encode(term);

      expect(equals(exact(encoded), term), vector.name).toBe(true);
      if (!hasOtherBytes(release, vector)) expect(Buffer.compare(encoded, vector.bytes), vector.name).toBe(0);
    }
  });

  test("every strict prefix is refused as truncated", () => {
    const small = vectors.filter(
      ({ bytes, decode, opts }) => bytes.length < 80 && decode === undefined && opts === "[]",
    );
    for (const { name, bytes } of small) {
      for (let length = 0; length < bytes.length; length++) {
        expect(() => exact(bytes.subarray(0, length)), `${name}, ${length} bytes`).toThrow(
          expect.objectContaining({ code: "ETF_TRUNCATED" }),
        );
      }
    }
  });
});

test("a closure of any release comes back byte for byte", () => {
  for (const release of [27, 29] as const) {
    const funs = vectorsOf(release).filter(({ name }) => name.startsWith("fun_closure") || name === "fun_shell");
    expect(funs.length).toBeGreaterThan(4);
    for (const { name, bytes } of funs) {
      const fun = decode(bytes);
      expect(fun, name).toBeInstanceOf(Fun);
      expect(Buffer.from(encode(fun)), name).toEqual(Buffer.from(bytes));
    }
  }
});
