import { afterEach, describe, expect, test, vi } from "vitest";

/** As loaded by a host that compiles what a program makes at run time, and by one that refuses to. */
const hosts = {
  "where the host compiles": async () => await import("../../src/etf/index.ts"),
  "where the host does not compile": async () => {
    vi.stubGlobal("Function", () => {
      throw new EvalError("code generation from strings is disallowed");
    });
    return await import("../../src/etf/index.ts");
  },
};

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

const ascii = (length: number) => Buffer.from(Array.from({ length }, (_, i) => 32 + ((i * 7) % 95)));

/** `text` as a binary between other bytes. */
const binary = (text: Uint8Array) =>
  Buffer.concat([
    Buffer.from([131, 109, ...[24, 16, 8, 0].map((bits) => (text.length >> bits) & 0xff)]),
    text,
    Buffer.from([0xbf]),
  ]);

/** What the host makes of bytes: a text, or the bytes themselves. */
function ofHost(bytes: Uint8Array): unknown {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return Uint8Array.from(bytes);
  }
}

/** All sequences of up to `length` of `items`. */
const sequences = (items: readonly number[], length: number): number[][] =>
  length === 0 ? [[]] : [[], ...items.flatMap((item) => sequences(items, length - 1).map((rest) => [item, ...rest]))];

describe.each(Object.entries(hosts))("texts of every length %s", (_, load) => {
  test("are strings when they are ASCII, and bytes as soon as one of theirs is wrong", async () => {
    const { decode } = await load();
    for (let length = 0; length <= 130; length++) {
      const text = ascii(length);
      expect(decode(binary(text))).toBe(text.toString("latin1"));
      for (const at of [0, length >> 1, length - 1]) {
        if (at < 0 || at >= length) continue;
        const wrong = Buffer.from(text);
        wrong[at] = 0xff;
        expect(decode(binary(wrong))).toEqual(Uint8Array.from(wrong));
      }
    }
  });

  test("are strings when they are UTF-8, wherever the characters are", async () => {
    const { decode } = await load();
    for (let length = 0; length <= 70; length++) {
      for (const character of ["\u0080", "é", "日", "😀"]) {
        for (const text of [character + "a".repeat(length), "a".repeat(length) + character]) {
          expect(decode(binary(Buffer.from(text)))).toBe(text);
        }
      }
    }
  });

  test("are strings exactly when they are to the host, for every first byte with all that matters behind it", async () => {
    const { decode } = await load();
    const following = sequences([0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0], 3);
    for (let first = 0x80; first <= 0xff; first++) {
      for (const rest of following) {
        const bytes = Uint8Array.of(first, ...rest);
        const expected = ofHost(bytes);
        const decoded = decode(binary(bytes));
        if (typeof expected === "string" ? decoded !== expected : !(decoded instanceof Uint8Array)) {
          expect(decoded, Buffer.from(bytes).toString("hex")).toEqual(expected);
        }
      }
    }
  });

  test("are whole however long they are, wherever a character lies", async () => {
    const { decode } = await load();
    for (const character of ["é", "日", "😀"]) {
      for (const length of [4_000, 4_090, 4_091, 4_092, 4_093, 4_094, 4_095, 4_096, 4_097, 12_283]) {
        const text = `${character}${"a".repeat(length)}${character.repeat(3)}b${character.repeat(5_000)}`;
        expect(decode(binary(Buffer.from(text))) === text, `${character} behind ${length}`).toBe(true);
      }
    }
  });
});
