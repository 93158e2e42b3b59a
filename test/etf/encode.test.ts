import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  type AtomSink,
  decode,
  type EncodeOptions,
  Encoder,
  type EncoderOptions,
  encode,
  Writer,
} from "../../src/etf/index.ts";
import {
  atom,
  BitString,
  charlist,
  Export,
  Fun,
  float,
  ImproperList,
  NativeRecord,
  Pid,
  Port,
  Ref,
  Structs,
  TermMap,
  tuple,
} from "../../src/term/index.ts";

const hex = (value: unknown, options?: EncodeOptions) => Buffer.from(encode(value, options)).toString("hex").slice(2);

const refusal = (value: unknown, options?: EncodeOptions) => {
  try {
    encode(value, options);
  } catch (error) {
    const { code, path } = error as { code: string; path: string };
    return { code, path };
  }
  return undefined;
};

describe("the forms of values", () => {
  // Each is term_to_binary of the commented term on OTP 29, without 131.
  test.each([
    [0, "6100"], // 0
    [255, "61ff"], // 255
    [256, "6200000100"], // 256
    [-1, "62ffffffff"], // -1
    [2 ** 31, "6e040000000080"], // 2147483648
    [-(2 ** 31) - 1, "6e040101000080"], // -2147483649
    [5n, "6105"], // 5
    [2n ** 64n, "6e0900000000000000000001"], // 18446744073709551616
    [0.5, "463fe0000000000000"], // 0.5
    [-0, "468000000000000000"], // -0.0
    [float(1), "463ff0000000000000"], // 1.0
    [true, "770474727565"], // true
    [null, "77036e696c"], // nil
    [undefined, "77036e696c"], // nil
    [atom("é"), "7702c3a9"], // é
    ["", "6d00000000"], // <<>>
    ["é", "6d00000002c3a9"], // <<"é"/utf8>>
    [Uint8Array.of(255), "6d00000001ff"], // <<255>>
    [[], "6a"], // []
    [[0], "6b000100"], // [0]
    [charlist("hi"), "6b00026869"], // "hi"
    [[256], "6c0000000162000001006a"], // [256]
    [[-1], "6c0000000162ffffffff6a"], // [-1]
    [tuple(), "6800"], // {}
    [tuple(atom("ok"), 1), "680277026f6b6101"], // {ok, 1}
    [new ImproperList([1], 2), "6c0000000161016102"], // [1|2]
    [new BitString(Uint8Array.of(0xa0), 3), "4d0000000103a0"], // <<5:3>>
    [{}, "7400000000"], // #{}
    [{ a: 1 }, "74000000017701616101"], // #{a => 1}
    [new Map([["a", 1]]), "74000000016d00000001616101"], // #{<<"a">> => 1}
    [new Export("lists", "map", 2), "7177056c6973747377036d61706102"], // fun lists:map/2
  ])("%o", (value, expected) => {
    expect(hex(value)).toBe(expected);
  });

  test("-0 in a list of bytes stays a float", () => {
    expect(decode(encode([1, -0]), { floats: "exact" })).toEqual([1, float(-0)]);
  });

  test("an integral number beyond 2^53 is the integer that it is, exactly", () => {
    expect(decode(encode(2 ** 60))).toBe(2n ** 60n);
    expect(decode(encode(-1e300))).toBe(BigInt(-1e300));
  });

  test("a list of 65,535 bytes has the short form, a longer one has not", () => {
    expect(hex(new Array(65_535).fill(7)).slice(0, 6)).toBe("6bffff");
    expect(hex(new Array(65_536).fill(7)).slice(0, 10)).toBe("6c00010000");
  });

  test("a text is its UTF-8, whichever characters it has, and however many", () => {
    const host = (text: string) => {
      const bytes = Buffer.from(text);
      return `6d${bytes.length.toString(16).padStart(8, "0")}${bytes.toString("hex")}`;
    };
    for (let code = 0; code <= 0x10ffff; code += code < 0x10000 ? 1 : 61) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const text = `a${String.fromCodePoint(code)}z`;
      const encoded = hex(text);
      if (encoded !== host(text)) expect(encoded, code.toString(16)).toBe(host(text));
    }
    for (const character of ["a", "é", "日", "😀", "a日é"]) {
      for (let count = 0; count <= 40; count++)
        expect(hex(character.repeat(count))).toBe(host(character.repeat(count)));
    }
  });

  test("an atom over 255 bytes has a two-byte length", () => {
    expect(hex(atom("é".repeat(200))).slice(0, 6)).toBe("760190");
  });

  test("`__proto__` and inherited names as own keys are ordinary keys", () => {
    expect(decode(encode(JSON.parse('{"__proto__":1,"constructor":2}')))).toEqual(
      JSON.parse('{"__proto__":1,"constructor":2}'),
    );
  });

  test("keys that an object inherits are not sent", () => {
    const prototype = Object.prototype as Record<string, unknown>;
    prototype.polluted = 1;
    try {
      expect(hex({ a: 1 })).toBe("74000000017701616101");
    } finally {
      delete prototype.polluted;
    }
  });

  test("an instance of a registered class is a struct of its module", () => {
    class Order {
      id = 1;
    }
    const structs = new Structs().register("Shop.Order", Order);

    expect(decode(encode(new Order(), { structs }))).toEqual({ __struct__: atom("Elixir.Shop.Order"), id: 1 });
    expect(refusal(new Order())).toEqual({ code: "ETF_UNSUPPORTED", path: "" });
  });

  test("a term is compressed where that makes it smaller", () => {
    const long = "a".repeat(1000);

    expect(encode(long, { deflate: deflateSync })[1]).toBe(80);
    expect(encode("a", { deflate: deflateSync })).toEqual(encode("a"));
  });
});

describe("what cannot be sent is refused by code and path", () => {
  const pid = new Pid("a@b", 1, 0, 1);

  test.each([
    [{ a: [1, { at: new Date(0) }] }, "ETF_UNSUPPORTED", "a[1].at"],
    [[new Set()], "ETF_UNSUPPORTED", "[0]"],
    [() => 1, "ETF_UNSUPPORTED", ""],
    [tuple(Symbol("x") as unknown as string), "ETF_UNSUPPORTED", "[0]"],
    [[Number.NaN], "ETF_UNSUPPORTED", "[0]"],
    [Number.POSITIVE_INFINITY, "ETF_UNSUPPORTED", ""],
    [new Uint16Array(1), "ETF_UNSUPPORTED", ""],
    [{ text: "\ud800" }, "ETF_SURROGATE", "text"],
    [["fine", "é\udfff."], "ETF_SURROGATE", "[1]"],
    [`${"é".repeat(100)}\udc00`, "ETF_SURROGATE", ""],
    [{ a: { ["k".repeat(256)]: 1 } }, "ETF_ATOM", `a.${"k".repeat(256)}`],
    [{ "\ud800": 1 }, "ETF_ATOM", '["\\ud800"]'],
    [
      new Map<unknown, unknown>([
        [1, "a"],
        [1n, "b"],
      ]),
      "ETF_DUPLICATE_KEY",
      "[1]",
    ],
    [
      new Map<unknown, unknown>([
        [null, 1],
        [undefined, 2],
      ]),
      "ETF_DUPLICATE_KEY",
      "[undefined]",
    ],
    [
      new Map<unknown, unknown>([
        ["a", 1],
        [Uint8Array.of(97), 2],
      ]),
      "ETF_DUPLICATE_KEY",
      "[Uint8Array]",
    ],
    [
      new Map<unknown, unknown>([
        [[1], 1],
        [[1], 2],
      ]),
      "ETF_DUPLICATE_KEY",
      "[Array]",
    ],
    [new Map([[tuple(new Date(0)), 1]]), "ETF_UNSUPPORTED", "<key TupleValue>[0]"],
    [new Map([["k", new Date(0)]]), "ETF_UNSUPPORTED", '["k"]'],
    [new ImproperList([1], new Date(0) as never), "ETF_UNSUPPORTED", "[1]"],
    [new Pid("a@b", -1, 0, 1), "ETF_UNSUPPORTED", ""],
    [new Ref("a@b", 1, [1, 2, 3, 4, 5, 6]), "ETF_UNSUPPORTED", ""],
    [new Ref("a@b", 1, [1.5]), "ETF_UNSUPPORTED", ""],
    [new Port("a@b", 2n ** 64n, 1), "ETF_UNSUPPORTED", ""],
    [new Export("m", "f", 256), "ETF_UNSUPPORTED", ""],
    [
      new NativeRecord("m", "r", true, [
        ["a", 1],
        ["a", 2],
      ]),
      "ETF_DUPLICATE_KEY",
      "",
    ],
    [new NativeRecord("m", "r", true, [["a", new Date(0) as never]]), "ETF_UNSUPPORTED", "a"],
    [
      new Fun({
        arity: 0,
        uniq: new Uint8Array(15),
        index: 0,
        module: "m",
        oldIndex: 0,
        oldUniq: 0,
        creator: pid,
        freeVariables: [],
      }),
      "ETF_UNSUPPORTED",
      "",
    ],
  ])("%o", (value, code, path) => {
    expect(refusal(value)).toEqual({ code, path });
  });

  test("0.0 and -0.0, 1 and 1.0 are different keys", () => {
    const map = new TermMap([
      [float(0), "a"],
      [float(-0), "b"],
      [1, "c"],
      [float(1), "d"],
    ]);

    expect(decode(encode(map))).toEqual(map);
  });
});

test("nesting deeper than the limit is refused", () => {
  expect(encode([[1]], { maxDepth: 2 })).toBeInstanceOf(Uint8Array);
  for (const value of [
    [[["x"]]],
    tuple(tuple(tuple())),
    { a: { a: {} } },
    [[new Map()]],
    [[new ImproperList([1], 2)]],
  ]) {
    expect(refusal(value, { maxDepth: 2 })?.code).toBe("ETF_DEPTH");
  }
});

describe("an encoder", () => {
  const write = (encoder: Encoder, value: unknown) => {
    const writer = new Writer();
    encoder.write(writer, value);
    return Buffer.from(writer.take()).toString("hex");
  };

  test("leaves the writer as it was when a term fails", () => {
    const encoder = new Encoder();
    const writer = new Writer(8);
    writer.u8(1);

    expect(() => encoder.write(writer, [1000, "a".repeat(100), new Date(0)])).toThrow("a value of class Date");
    encoder.write(writer, 7);

    expect(Buffer.from(writer.take()).toString("hex")).toBe("016107");
  });

  test("a getter that throws leaves it usable, one that encodes is refused", () => {
    const encoder = new Encoder();
    const throws = {
      get a() {
        throw new Error("mine");
      },
    };
    const encodes = {
      get a() {
        return write(encoder, 1);
      },
    };

    expect(() => write(encoder, throws)).toThrow("mine");
    expect(() => write(encoder, encodes)).toThrow(expect.objectContaining({ code: "ETF_UNSUPPORTED" }));
    expect(write(encoder, 1)).toBe("6101");
  });

  test("a getter may call encode", () => {
    expect(
      decode(
        encode({
          get a() {
            return encode(1).length;
          },
        }),
      ),
    ).toEqual({ a: 3 });
  });

  const withBudget = (atomBudget: number, options: EncoderOptions = {}) => new Encoder({ ...options, atomBudget });

  test("counts distinct atoms, of names and keys alike, against its budget", () => {
    const encoder = withBudget(3);
    write(encoder, { a: atom("b") });
    write(encoder, { a: atom("b") });
    write(encoder, new Pid("n@h", 1, 0, 1));

    expect(() => write(encoder, { x: { c: 1 } })).toThrow(
      expect.objectContaining({ code: "ETF_ATOM_BUDGET", path: "x" }),
    );
    expect(write(encoder, [atom("a"), { b: 1 }])).toBeTypeOf("string");
  });

  test("does not count the atoms of a term that failed, also when they come again", () => {
    const encoder = withBudget(2);

    for (let i = 0; i < 5; i++) {
      expect(() => write(encoder, { [`k${i}`]: 1, bad: new Date(0) })).toThrow("Date");
    }
    write(encoder, { k0: 1, k1: 2 });

    expect(() => write(encoder, { k0: 1, bad: 2 })).toThrow(expect.objectContaining({ code: "ETF_ATOM_BUDGET" }));
  });

  test("20,000 objects with random keys stop at the budget", () => {
    const encoder = withBudget(1000);
    let sent = 0;
    for (let i = 0; i < 20_000; i++) {
      try {
        write(encoder, JSON.parse(`{"key${i}":1}`));
        sent++;
      } catch {}
    }

    expect(sent).toBe(1000);
  });

  test("asks the sink for each atom, and writes references to those it takes", () => {
    const seen: string[] = [];
    const sink: AtomSink = {
      reference({ text }) {
        seen.push(text);
        return text === "ok" ? 5 : -1;
      },
    };
    const encoder = new Encoder();
    encoder.atomSink = sink;

    expect(write(encoder, tuple(atom("ok"), { k: true }))).toBe("6802520574000000017701" + "6b" + "770474727565");
    expect(seen).toEqual(["ok", "k", "true"]);
  });

  test.each([
    ["a wide pid", new Pid("a@b", 0x8000, 0, 1)],
    ["a wide serial", new Pid("a@b", 1, 0x2000, 1)],
    ["a wide port", new Port("a@b", 2n ** 28n, 1)],
    ["a reference of five words", new Ref("a@b", 1, [1, 2, 3, 4, 5])],
    ["a native record", new NativeRecord("m", "r", true, [])],
  ])("%s is refused with ETF_PEER where the peer cannot carry it", (_, value) => {
    const peer = { wideIds: false, nativeRecords: false };

    expect(refusal({ value }, { peer })).toEqual({ code: "ETF_PEER", path: "value" });
    expect(refusal({ value })).toBeUndefined();
  });

  test("a port goes to an older peer in the older form", () => {
    // erl_ext_dist, NEW_PORT_EXT
    expect(hex(new Port("a@b", 5n, 1), { peer: { wideIds: false, nativeRecords: false } })).toBe(
      "597703614062" + "0000000500000001",
    );
  });
});
