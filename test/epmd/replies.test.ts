import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeAliveReply,
  decodeDumpReply,
  decodeNamesReply,
  decodePortReply,
  decodeWord,
  encodeAliveReply,
  encodeDumpReply,
  encodeNamesReply,
  encodePortReply,
  MalformedReply,
  type ReplyDecoder,
} from "../../src/epmd/replies.ts";
import { anEntry, aPlainName } from "./arbitraries.ts";

const aPort = fc.integer({ min: 0, max: 65_535 });

test("an entry is read back, and no prefix of its answer is one", () => {
  fc.assert(
    fc.property(anEntry, fc.nat(), (entry, at) => {
      const bytes = encodePortReply(entry);

      expect(decodePortReply(bytes, false)).toEqual({ value: entry });
      expect(decodePortReply(bytes.subarray(0, at % bytes.length), true)).toBeUndefined();
    }),
  );
});

test("creations are read back in both forms", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (creation) => {
      expect(decodeAliveReply(encodeAliveReply(6, creation), false)).toEqual({ value: creation });
      expect(decodeAliveReply(encodeAliveReply(5, creation & 3), false)).toEqual({ value: creation & 3 });
    }),
  );
  expect(decodeAliveReply(encodeAliveReply(6, undefined), false)).toEqual({ value: "refused" });
  expect(decodeAliveReply(encodeAliveReply(5, undefined), false)).toEqual({ value: "refused" });
});

test("listings and dumps are read back once the connection has ended, and not before", () => {
  const aLive = fc.record({ name: aPlainName, port: aPort });
  const aDumped = fc.record({ name: aPlainName, port: aPort, active: fc.boolean(), fd: fc.nat() });
  fc.assert(
    fc.property(fc.array(aLive), fc.array(aDumped), (names, dumped) => {
      expect(decodeNamesReply(encodeNamesReply(4_369, names), true)).toEqual({ value: names });
      expect(decodeNamesReply(encodeNamesReply(4_369, names), false)).toBeUndefined();
      expect(decodeDumpReply(encodeDumpReply(4_369, dumped), true)).toEqual({ value: dumped });
    }),
  );
});

test("a listing that ends inside a line, or holds anything else, is malformed", () => {
  const whole = encodeNamesReply(4_369, [{ name: "shop", port: 1 }]);

  for (let length = 5; length < whole.length; length++) {
    expect(() => decodeNamesReply(whole.subarray(0, length), true)).toThrow(MalformedReply);
  }
  expect(() => decodeNamesReply(Buffer.from("HTTP/1.1 400 Bad Request\r\n"), true)).toThrow(MalformedReply);
});

test("any bytes are an answer, not yet one, or malformed", () => {
  const decoders: ReplyDecoder<unknown>[] = [
    decodeAliveReply,
    decodePortReply,
    decodeNamesReply,
    decodeDumpReply,
    decodeWord("OK", "NO"),
  ];
  fc.assert(
    fc.property(fc.uint8Array(), fc.constantFrom(118, 119, 121, 79), fc.boolean(), (rest, code, ended) => {
      for (const decode of decoders) {
        try {
          decode(Uint8Array.of(code, ...rest), ended);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedReply);
        }
      }
    }),
    { numRuns: 1_000 },
  );
});
