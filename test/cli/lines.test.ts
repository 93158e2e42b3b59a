import { expect, test } from "vitest";
import { linesOf, textLinesOf } from "../../src/cli/lines.ts";

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text, "latin1");
}

async function collect(lines: AsyncIterable<Uint8Array>): Promise<string[]> {
  const texts: string[] = [];
  for await (const line of lines) texts.push(Buffer.from(line).toString("latin1"));
  return texts;
}

test.each<[what: string, texts: string[], lines: string[]]>([
  ["lines across chunks", ["a\nb", "c", "d\ne\n"], ["a", "bcd", "e"]],
  ["a last line without its end", ["a\nb"], ["a", "b"]],
  ["empty lines", ["\n\na\n", "\n"], ["", "", "a", ""]],
  ["carriage returns and bytes that are no UTF-8", ["a\r\n\xff\n"], ["a\r", "\xff"]],
  ["an empty input", [""], []],
])("cuts %s", async (_, texts, lines) => {
  expect(await collect(linesOf(chunks(...texts)))).toEqual(lines);
});

test("reads no chunk before it is needed", async () => {
  let read = 0;
  async function* counted() {
    for (const text of ["a\nb\n", "c\n"]) {
      read++;
      yield Buffer.from(text);
    }
  }
  const lines = linesOf(counted());

  await lines.next();
  await lines.next();
  expect(read).toBe(1);
  await lines.next();
  expect(read).toBe(2);
});

test("an abort ends the waiting for a line", async () => {
  const controller = new AbortController();
  async function* never(): AsyncGenerator<Uint8Array> {
    await new Promise(() => {});
  }

  const next = textLinesOf(never(), controller.signal).next();
  controller.abort(new Error("enough"));

  await expect(next).rejects.toThrow("enough");
});
