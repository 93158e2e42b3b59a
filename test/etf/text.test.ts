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
const binary = (text: Uint8Array) => Buffer.from([131, 109, 0, 0, 0, text.length, ...text, 97]);

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
});
