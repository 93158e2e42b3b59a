import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode } from "../../src/etf/index.ts";
import {
  atom,
  BitString,
  charlist,
  Export,
  equals,
  float,
  ImproperList,
  inspect,
  mod,
  Pid,
  Port,
  parse,
  Ref,
  type Term,
  TermMap,
  TermSyntaxError,
  tuple,
} from "../../src/term/index.ts";
import { wildTerm } from "../support/arbitrary-term.ts";
// Made by test/vectors/record-inspect.exs on Elixir 1.14.
import recorded from "../vectors/inspect.json" with { type: "json" };

const ALL = { limit: Number.POSITIVE_INFINITY, printableLimit: Number.POSITIVE_INFINITY };

const isOpaque = (term: unknown): boolean =>
  /#PID<|#Port<|#Reference</.test(inspect(term, ALL)) ||
  term instanceof Pid ||
  term instanceof Ref ||
  term instanceof Port;

test.each(["elixir", "erlang"] as const)("what inspect prints in %s is read back as the same term", (syntax) => {
  fc.assert(
    fc.property(
      wildTerm.filter((term) => !isOpaque(term)),
      (term) => {
        const text = inspect(term, { ...ALL, syntax });

        expect(equals(parse(text, { syntax }), term), text).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

test("what Elixir's own inspect printed is read as the term it stood for", () => {
  const whole = recorded.entries.filter(({ text, opts }) => opts.limit === null && !/\\x8/.test(text));

  const wrong = whole.filter(({ text, hex }) => {
    const term = decode(Uint8Array.from(Buffer.from(hex, "hex")), { floats: "exact" });
    return !equals(parse(text, { syntax: "elixir" }), term);
  });

  expect(wrong).toEqual([]);
  expect(whole.length).toBeGreaterThan(500);
});

describe("Elixir", () => {
  test.each<[string, unknown]>([
    ["0xFF_FF", 0xffff],
    ["0b101", 5],
    ["0o17", 15],
    ["1_000_000", 1_000_000],
    ["-5", -5],
    ["9007199254740993", 9007199254740993n],
    ["1.0", float(1)],
    ["-1.5e-3", -0.0015],
    ["?a", 97],
    ["?\\n", 10],
    ["?é", 233],
    [":ok", atom("ok")],
    [':"with space"', atom("with space")],
    [":nil", null],
    ["nil", null],
    ["Foo.Bar", mod("Foo.Bar")],
    ["Elixir.Foo", mod("Foo")],
    ["Elixir", atom("Elixir")],
    ["'abc'", charlist("abc")],
    ["~c(a b)", charlist("a b")],
    ['~C"a\\n"', charlist("a\\n")],
    ["~s|x|", "x"],
    ['"a\\x41\\u00e9\\u{1F600}\\s\\#{x}"', "aAé😀 #{x}"],
    ['"\\xFF"', Uint8Array.of(255)],
    ["{1, a: 2}", tuple(1, [tuple(atom("a"), 2)])],
    ["[1, a: 2,]", [1, tuple(atom("a"), 2)]],
    ["[1 | [2 | [3]]]", [1, 2, 3]],
    ["[1 | [2 | 3]]", new ImproperList([1, 2], 3)],
    ["%{}", {}],
    [
      '%{1 => 2, a: 3, "b c": 4}',
      new TermMap([
        [1, 2],
        [atom("a"), 3],
        [atom("b c"), 4],
      ]),
    ],
    ["%Shop.Order{id: 1}", { __struct__: mod("Shop.Order"), id: 1 }],
    ['<<1, "é", 2::16, 1::size(3), 1::5>>', new Uint8Array([1, 0xc3, 0xa9, 0, 2, 33])],
    ["<<-1>>", Uint8Array.of(255)],
    ['<<"a", 1::1>>', new BitString(Uint8Array.of(97, 128), 1)],
    ["&Enum.map/2", new Export("Elixir.Enum", "map", 2)],
    ["&nil.ok/0", new Export("nil", "ok", 0)],
    ['&:"a b"."c d"/0', new Export("a b", "c d", 0)],
    ["[a?: 1, +: 2]", [tuple(atom("a?"), 1), tuple(atom("+"), 2)]],
    [" { } ", tuple()],
  ])("%s", (text, expected) => {
    // biome-ignore format: a table
    expect(equals(parse(text, { syntax: "elixir" }), expected)).toBe(true);
  });
});

describe("Erlang", () => {
  test.each<[string, unknown]>([
    ["ok", atom("ok")],
    ["'with space'.", atom("with space")],
    ["'it\\'s'", atom("it's")],
    ["nil", null],
    ["16#FF", 255],
    ["2#1010", 10],
    ["1_000", 1000],
    ["$a", 97],
    ["$\\n", 10],
    ["1.5e3", float(1500)],
    ['"abc"', charlist("abc")],
    ['"\\x41\\x{e9}\\101\\^A"', [0x41, 0xe9, 0x41, 1]],
    ['<<"abc">>', "abc"],
    ['<<"é"/utf8>>', "é"],
    ['<<"é">>', Uint8Array.of(233)],
    ["<<1,2:3>>", new BitString(Uint8Array.of(1, 0b01000000), 3)],
    ['~"é"', "é"],
    [
      '#{a => 1,<<"b">> => 2}',
      new Map<Term, Term>([
        [atom("a"), 1],
        ["b", 2],
      ]),
    ],
    ["fun lists:map/2", new Export("lists", "map", 2)],
    ["{error,{a,[b|c]}}", tuple(atom("error"), tuple(atom("a"), new ImproperList([atom("b")], atom("c"))))],
  ])("%s", (text, expected) => {
    // biome-ignore format: a table
    expect(equals(parse(text, { syntax: "erlang" }), expected)).toBe(true);
  });
});

test("without a syntax, what Elixir can read is Elixir, and the rest Erlang", () => {
  expect(parse('"abc"')).toBe("abc");
  expect(equals(parse('{ok, "abc"}'), tuple(atom("ok"), charlist("abc")))).toBe(true);
  expect(equals(parse('{:ok, "abc"}'), tuple(atom("ok"), "abc"))).toBe(true);
});

test.each<["elixir" | "erlang", string, number]>([
  ["elixir", "", 0],
  ["elixir", "[1,", 3],
  ["elixir", "{:ok, 1", 7],
  ["elixir", '"abc', 4],
  ["elixir", "1 2", 2],
  ["elixir", "{:ok, foo}", 6],
  ["elixir", '"#{x}"', 1],
  ["elixir", "%{a: 1, a: 2}", 1],
  ["elixir", "%{1 2}", 4],
  ["elixir", "#PID<0.1.2>", 0],
  ["elixir", "<<1.5>>", 2],
  ["elixir", "<<1::99999999>>", 5],
  ["elixir", "&Enum.map/256", 13],
  ["elixir", ":", 1],
  ["elixir", '"\\u{110000}"', 11],
  ["elixir", '"\\ud800"', 7],
  ["elixir", "1.0e999", 0],
  ["erlang", "{ok, 1", 6],
  ["erlang", "37#1", 0],
  ["erlang", "Variable", 0],
  ["erlang", "<0.1.2>", 0],
  ["erlang", '<<"日">>', 3],
  ["erlang", "#rec{}", 0],
])("in %s %j is refused at its offset", (syntax, text, offset) => {
  expect(() => parse(text, { syntax })).toThrow(expect.objectContaining({ code: "TERM_SYNTAX", offset }));
});

test("of two errors the one further on is reported", () => {
  expect(() => parse("{ok, [1, 2")).toThrow(expect.objectContaining({ offset: 10 }));
  expect(() => parse("{:ok, [1, 2")).toThrow(expect.objectContaining({ offset: 11 }));
});

test("a deep text is refused, not overflowed", () => {
  for (const open of ["[", "{", "%{a: ", "[1 | ", "<<", "#{a=>", "%{%{"]) {
    expect(() => parse(open.repeat(200_000))).toThrow(TermSyntaxError);
  }
});

test("any text gives a term or a syntax error", () => {
  const piece = fc.constantFrom(
    ..."[]{}%#<>|,:\"'\\~&?$=.-_ \n01aAé",
    "::",
    "=>",
    "fun ",
    "nil",
    "<<",
    ">>",
    '~c"',
    "0x",
  );

  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      try {
        parse(pieces.join(""));
      } catch (error) {
        expect(error).toBeInstanceOf(TermSyntaxError);
      }
    }),
    { numRuns: 1_500 },
  );
});
