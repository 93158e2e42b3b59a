import { inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type DecodeOptions, Decoder, decode, encode, Reader } from "../../src/etf/index.ts";
import { atom, Float, float, Structs, type Term, TermMap, tuple } from "../../src/term/index.ts";

const bytes = (hex: string) => Uint8Array.from(Buffer.from(`83${hex}`, "hex"));
const read = (hex: string, options?: DecodeOptions) => decode(bytes(hex), options);

const refusal = (input: Uint8Array, options?: DecodeOptions) => {
  try {
    decode(input, options);
  } catch (error) {
    const { code, offset } = error as { code: string; offset: number };
    return { code, offset };
  }
  return undefined;
};

describe("shapes of the default profile", () => {
  test("a binary of UTF-8 is a string, byte order mark and NUL included", () => {
    expect(read("6d00000005efbbbf0061")).toBe("\ufeff\0a");
    expect(read("6d00000001ff")).toEqual(Uint8Array.of(255));
    expect(read("6d00000001" + "61", { binaries: "bytes" })).toEqual(Uint8Array.of(97));
  });

  test("long texts of any script are strings, and a single wrong byte makes them bytes", () => {
    for (const text of [
      "a".repeat(70_000),
      "é".repeat(5000),
      "日本語".repeat(3000),
      "😀".repeat(2000),
      `${"a".repeat(100)}é`,
    ]) {
      const encoded = encode(text);
      expect(decode(encoded)).toBe(text);
      encoded[encoded.length - 1] = 0xff;
      expect(decode(encoded)).toBeInstanceOf(Uint8Array);
    }
  });

  test.each([
    "c080",
    "c1bf",
    "e08080",
    "eda080",
    "f0808080",
    "f4908080",
    "f5808080",
    "80",
    "c3",
    "e282",
    "f09f98",
    "c328",
  ])("the bytes %s are no UTF-8", (text) => {
    const length = (text.length / 2 + 1).toString(16).padStart(8, "0");
    expect(read(`6d${length}61${text}`)).toBeInstanceOf(Uint8Array);
  });

  test("a map with atom keys is an object with the ordinary prototype", () => {
    const object = read("7400000002" + "77095f5f70726f746f5f5f" + "6101" + "770b636f6e7374727563746f72" + "6102");

    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
    expect(Object.entries(object as object)).toEqual([
      ["__proto__", 1],
      ["constructor", 2],
    ]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test("a map with `true`, `nil` and other atoms as keys is an object", () => {
    expect(read("7400000002" + "770474727565" + "6101" + "77036e696c" + "6102")).toEqual({ true: 1, nil: 2 });
  });

  test("a map with atoms and other keys is a Map, whatever comes first", () => {
    const atomFirst = read("7400000002" + "770161" + "6101" + "6102" + "6103");
    const atomLast = read("7400000002" + "6102" + "6103" + "770161" + "6101");

    expect(atomFirst).toEqual(
      new Map<unknown, unknown>([
        [atom("a"), 1],
        [2, 3],
      ]),
    );
    expect(atomLast).toEqual(
      new Map<unknown, unknown>([
        [2, 3],
        [atom("a"), 1],
      ]),
    );
    expect(atomFirst).not.toBeInstanceOf(TermMap);
  });

  test("a map with a tuple, a list or bytes as key finds it by value", () => {
    const map = read("7400000001" + "6802" + "770161" + "6101" + "6102") as TermMap;

    expect(map).toBeInstanceOf(TermMap);
    expect(map.get(tuple(atom("a"), 1) as unknown as Term)).toBe(2);
  });

  test("floats in keys are exact under every profile, floats elsewhere by profile", () => {
    // #{1 => 1.0, 1.0 => 2.0} and {#{ {1.0} => 1.0 }}
    const map = read(
      "7400000002" + "6101" + "463ff0000000000000" + "463ff0000000000000" + "464000000000000000",
    ) as TermMap;

    expect([...map]).toEqual([
      [1, 1],
      [float(1), 2],
    ]);
    expect(read("463ff0000000000000", { floats: "exact" })).toEqual(float(1));
    expect(read("463ff8000000000000", { floats: "exact" })).toBe(1.5);
    expect(read("468000000000000000", { floats: "exact" })).toEqual(new Float(-0));
    expect(read("468000000000000000")).toBe(-0);
  });

  test("a struct is an instance of its class, whose constructor and setters do not run", () => {
    let ran = 0;
    class Order {
      id: number;
      constructor() {
        ran++;
        this.id = 0;
      }
      set total(_: number) {
        ran++;
      }
    }
    const structs = new Structs().register("Shop.Order", Order);
    const struct = encode({ __struct__: atom("Elixir.Shop.Order"), id: 7, total: 1, constructor: 2 });
    const order = decode(struct, { structs }) as unknown as Order;

    expect(order).toBeInstanceOf(Order);
    expect(Object.entries(order)).toEqual([
      ["id", 7],
      ["total", 1],
      ["constructor", 2],
    ]);
    expect(ran).toBe(0);
    expect(decode(struct)).toEqual({ __struct__: atom("Elixir.Shop.Order"), id: 7, total: 1, constructor: 2 });
  });

  test("tails that are lists are merged, however many there are", () => {
    const count = 100_000;
    const merged = read(`${"6c000000016101".repeat(count)}6b00020203`);

    expect(merged).toHaveLength(count + 2);
  });

  test("results do not follow the bytes they were read from", () => {
    const input = bytes("6d00000002" + "ff01");
    const result = decode(input);
    input.fill(0);

    expect(result).toEqual(Uint8Array.of(255, 1));
  });
});

describe("refused input", () => {
  test.each([
    ["6cffffffff6a", "ETF_TRUNCATED"], // a lying list
    ["6dffffffff", "ETF_TRUNCATED"], // a lying binary
    ["7480000000", "ETF_TRUNCATED"], // a lying map, on which OTP 23 crashes
    ["69ffffffff", "ETF_FIELD"], // more elements than any tuple has
    ["6900ffffff", "ETF_TRUNCATED"], // a lying tuple
    ["6f00ffffff00", "ETF_LIMIT"], // an integer of 16 MB
    ["4300ffffff00", "ETF_TRUNCATED"], // a lying record
    ["5a000677016100000001", "ETF_FIELD"], // a reference of six words
    ["7c00", "ETF_TAG"],
    ["8361", "ETF_TAG"], // a version byte inside
    ["6801836101", "ETF_TAG"],
    ["5200", "ETF_ATOM"], // an atom reference outside a packet
    ["79000000006a", "ETF_TAG"], // LOCAL_EXT
    ["71770161770162620000ffff", "ETF_FIELD"], // an export of arity 65535
    ["7177016177016246" + "3ff0000000000000", "ETF_TAG"], // an export whose arity is a float
    ["586101", "ETF_TAG"], // a pid whose node is a number
    ["5000000001" + "789c", "ETF_INFLATE"], // compressed, without inflate
    ["7400000002770161610177016161" + "02", "ETF_DUPLICATE_KEY"],
    ["7400000002" + "6d0000000161" + "6101" + "6d0000000161" + "6102", "ETF_DUPLICATE_KEY"],
    ["7400000002" + "6801" + "6101" + "6101" + "6801" + "6101" + "6102", "ETF_DUPLICATE_KEY"],
    [`63${"6e616e".padEnd(62, "0")}`, "ETF_FIELD"], // "nan" as text
  ])("%s gives %s", (hex, code) => {
    expect(refusal(bytes(hex))?.code).toBe(code);
  });

  test("a duplicate key is found in large maps and known shapes too", () => {
    const object = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i]));
    const large = Buffer.from(encode(object));
    const small = Buffer.from(encode({ k1: 1, k2: 2 }));
    for (const encoded of [large, small]) {
      for (let i = 0; i < 100; i++) decode(encoded);
      const at = encoded.indexOf("k2");
      encoded[at + 1] = "1".charCodeAt(0);
      expect(refusal(encoded)?.code).toBe("ETF_DUPLICATE_KEY");
    }
  });

  test.each([
    ["maxDepth", 2, [[[]]]],
    [
      "maxElements",
      5,
      [
        [300, 2],
        [300, 4],
      ],
    ],
    ["maxAtoms", 2, [atom("limit1"), atom("limit2"), atom("limit3")]],
    ["maxBigBytes", 8, 2n ** 64n],
    ["maxBytes", 9, "abcd"],
  ])("%s bounds a term", (limit, most, value) => {
    const encoded = encode(value);

    expect(decode(encoded, { limits: { [limit]: most + 1 } })).toEqual(value);
    expect(refusal(encoded, { limits: { [limit]: most } })?.code).toBe(
      limit === "maxDepth" ? "ETF_DEPTH" : "ETF_LIMIT",
    );
  });

  test("more new atoms in a term than the limit are refused", () => {
    const atoms = Array.from(
      { length: 100_001 },
      (_, i) => `7703${Buffer.from([i >> 14, (i >> 7) & 127, i & 127]).toString("hex")}`,
    );

    expect(refusal(bytes(`6c000186a1${atoms.join("")}6a`))?.code).toBe("ETF_LIMIT");
  });

  test("compressed terms are bounded before they are inflated", () => {
    let asked = 0;
    const inflate = (input: Uint8Array, size: number) => {
      asked++;
      return inflateSync(input, { maxOutputLength: size });
    };

    expect(refusal(bytes("50ffffffff789c"), { inflate })).toEqual({ code: "ETF_LIMIT", offset: 1 });
    expect(asked).toBe(0);
    // term_to_binary of 1,000 a's, compressed, on OTP 25: announced as 1003 bytes, here as 500
    expect(refusal(bytes("50000001f4789ccb667e91380a46c12818f6000034547c4e"), { inflate })?.code).toBe("ETF_INFLATE");
    expect(asked).toBe(1);
  });
});

describe("a decoder", () => {
  test("reads a term in place, leaves the reader behind it and resolves the packet's atom references", () => {
    const decoder = new Decoder();
    const buffer = Buffer.from("00006802520161010000", "hex");
    const reader = new Reader(buffer, 2);
    const header = new Reader(Buffer.from("ok"));
    decoder.references = [decoder.atom(header, 1), decoder.atom(header.reset(Buffer.from("ok")), 2)];

    expect(decoder.read(reader)).toEqual(tuple(atom("ok"), 1));
    expect(reader.offset).toBe(8);

    decoder.references = [];
    expect(() => decoder.read(new Reader(buffer, 2))).toThrow(expect.objectContaining({ code: "ETF_ATOM" }));
  });

  test("refuses a map of a shape that it knows well when it is cut anywhere, whatever lies behind the cut", () => {
    for (const object of [
      { id: 5, count: 300 },
      { id: 300, count: 5 },
      { id: 2.5, name: "x" },
      { id: [{ id: true }] },
    ]) {
      const decoder = new Decoder();
      const whole = encode(object);
      for (let times = 0; times < 100; times++) expect(decoder.read(new Reader(whole, 1))).toEqual(object);

      for (let end = 1; end < whole.length; end++) {
        expect(() => decoder.read(new Reader(whole, 1, end))).toThrow(
          expect.objectContaining({ code: "ETF_TRUNCATED" }),
        );
      }
    }
  });

  test("is usable after input that it refused", () => {
    const decoder = new Decoder();
    // A float as a map's key, cut short: what follows must not be read as a part of a key.
    expect(() => decoder.read(new Reader(Buffer.from("7400000001680246", "hex")))).toThrow();

    expect(decoder.read(new Reader(Buffer.from("463ff0000000000000", "hex")))).toBe(1);
  });
});
