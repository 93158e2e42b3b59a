import { describe, expect, test } from "vitest";
import { decode } from "../../src/etf/index.ts";
import {
  atom,
  charlist,
  Fun,
  float,
  inspect,
  mod,
  NativeRecord,
  Pid,
  Port,
  Ref,
  Structs,
  tuple,
} from "../../src/term/index.ts";
// Terms of OTP 25 as ~tp printed them.
import printed from "../vectors/etf-otp25.json" with { type: "json" };
// Made by test/vectors/record-inspect.exs on Elixir 1.14.
import recorded from "../vectors/inspect.json" with { type: "json" };

const fromHex = (hex: string) => decode(Uint8Array.from(Buffer.from(hex, "hex")), { floats: "exact" });

/** Infinity is written null in the vectors. */
const limitOf = (value: number | null | undefined) => (value === null ? Number.POSITIVE_INFINITY : value);

test.each(recorded.entries.map(({ text, hex, opts }) => ({ text: text.slice(0, 100), whole: text, hex, opts })))(
  "prints as Elixir does: $text",
  ({
    whole,
    hex,
    opts,
  }: {
    whole: string;
    hex: string;
    opts: { limit?: number | null; printable_limit?: number | null };
  }) => {
    const options = { limit: limitOf(opts.limit), printableLimit: limitOf(opts.printable_limit) };

    expect(inspect(fromHex(hex), options)).toBe(whole);
  },
);

/** ~tp breaks lines after a comma, where nothing stands on one line, and after =>, where a space does. */
const oneLine = (text: string) => text.replace(/=>\n\s*/g, "=> ").replace(/\n\s*/g, "");

const readable = (printed as readonly { name: string; term: string; hex: string }[]).filter(
  ({ name, term }) =>
    !/^(?:decode:|roundtrip:)/.test(name) &&
    !/#Fun|#Ref|#Port|<\d+\.\d+\.\d+>|\.\.\.|fun vec:/.test(term) &&
    term.length < 2_000,
);

test(`prints as Erlang does: ${readable.length} terms`, () => {
  const wrong = readable
    .map(({ name, hex, term }) => ({
      name,
      theirs: oneLine(term),
      ours: inspect(fromHex(hex), { syntax: "erlang", limit: Number.POSITIVE_INFINITY }),
    }))
    .filter(({ theirs, ours }) => theirs !== ours);

  expect(wrong).toEqual([]);
  expect(readable.length).toBeGreaterThan(200);
});

// Elixir 1.15 and later; 1.14 wrote single quotes.
test.each<[string, string]>([
  ["abc", '~c"abc"'],
  ["a\"b'\\", `~c"a\\"b'\\\\"`],
  ["\n\x1b\x07#{x}", '~c"\\n\\e\\a\\#{x}"'],
])("a list of printable characters is a charlist: %j", (text: string, expected: string) => {
  expect(inspect(charlist(text))).toBe(expected);
});

test("lists with other numbers are lists", () => {
  expect(inspect(charlist("é"))).toBe("[233]");
  expect(inspect([97, 98.5])).toBe("[97, 98.5]");
  expect(inspect([97, 127])).toBe("[97, 127]");
});

test("structs are printed by their fields", () => {
  class Order {
    id = 7;
    items = ["a"];
  }
  const structs = new Structs().register("Shop.Order", Order);

  expect(inspect(new Order(), { structs })).toBe('%Shop.Order{id: 7, items: ["a"]}');
  expect(inspect({ __struct__: mod("Shop.Order"), id: 7 })).toBe("%Shop.Order{id: 7}");
  expect(inspect({ __struct__: mod("Shop.Order") })).toBe("%Shop.Order{}");
  expect(inspect({ __struct__: mod("Shop.Order"), id: 7 }, { syntax: "erlang" })).toBe(
    "#{'__struct__' => 'Elixir.Shop.Order',id => 7}",
  );
});

test("what belongs to a node is shown with its name", () => {
  const creator = new Pid("a@b.c", 9, 1, 3);
  const fun = new Fun({
    arity: 1,
    uniq: new Uint8Array(16),
    index: 6,
    module: "Elixir.Shop",
    oldIndex: 6,
    oldUniq: 32,
    creator,
    freeVariables: [],
  });

  expect(inspect([creator, new Ref("a@b", 1, [3, 2, 1]), new Port("a@b", 5n, 1), fun])).toBe(
    "[#PID<a@b.c.9.1>, #Reference<a@b.1.2.3>, #Port<a@b.5>, #Function<6.32 in Shop>]",
  );
  expect(inspect([creator, new Ref("a@b", 1, [3, 2, 1]), fun], { syntax: "erlang" })).toBe(
    "[<a@b.c.9.1>,#Ref<a@b.1.2.3>,#Fun<Elixir.Shop.6.32>]",
  );
});

describe("values that are no terms do not make it throw", () => {
  test.each([
    [new Date(), "#JavaScript<Date>"],
    [() => 1, "#JavaScript<function>"],
    [Symbol("x"), "#JavaScript<symbol>"],
    [Number.NaN, "#JavaScript<NaN>"],
    [
      new Map<unknown, unknown>([
        [new Date(), 1],
        [1, 2],
      ]),
      "%{#JavaScript<Date> => 1, 1 => 2}",
    ],
    [undefined, "nil"],
  ])("%s", (value, expected) => {
    // biome-ignore format: a table
    expect(inspect(value)).toBe(expected);
    expect(inspect(value, { syntax: "erlang" })).toEqual(expect.any(String));
  });
});

test("Erlang's form is cut like Elixir's", () => {
  expect(inspect([1, 2, 3], { syntax: "erlang", limit: 2 })).toBe("[1,2|...]");
  expect(inspect(tuple(1, 2, 3), { syntax: "erlang", limit: 2 })).toBe("{1,2,...}");
  expect(inspect("abcdef", { syntax: "erlang", printableLimit: 3 })).toBe('<<"abc"...>>');
});

test("a native record shows its fields", () => {
  const record = new NativeRecord("shop", "order", true, [["id", 1]]);

  expect(inspect(record)).toBe("#Record<shop.order id: 1>");
  expect(inspect(record, { syntax: "erlang" })).toBe("#shop:order{id = 1}");
});

test("a term nested a hundred thousand deep is printed whole", () => {
  let deep: unknown = float(1);
  for (let i = 0; i < 100_000; i++) deep = i % 2 === 0 ? [deep] : tuple(atom("a"), { b: deep });

  const text = inspect(deep, { limit: Number.POSITIVE_INFINITY });

  expect(text).toContain("1.0");
  expect(inspect(deep)).toContain("...");
});
