import { expect, test } from "vitest";
import { decode } from "../../src/etf/index.ts";
import { ioFormat } from "../../src/remote/io-format.ts";
import type { Term } from "../../src/term/index.ts";
import recorded from "../vectors/io-format.json" with { type: "json" };

// Made on OTP 25 by test/vectors/record-io-format.escript.
const argsOf = (args: string) => decode(Buffer.from(args, "base64"), { floats: "exact" }) as Term[];

test.each(recorded.good)("io_lib:format($format, ...) is $text", ({ format, args, text }) => {
  expect(ioFormat(format, argsOf(args))).toBe(text);
});

test.each(recorded.bad)("io_lib:format($format, ...) is refused, as on the BEAM", ({ format, args }) => {
  expect(() => ioFormat(format, argsOf(args))).toThrow(expect.objectContaining({ code: "BADARG" }));
});

test("a field of a size that only harms is refused", () => {
  expect(() => ioFormat("~999999999s", ["x"])).toThrow(expect.objectContaining({ code: "BADARG" }));
});
