import { expect, test } from "vitest";
import { parseDuration } from "../../src/cli/options.ts";
import { renderTable } from "../../src/cli/render.ts";

test.each([
  ["500ms", 500],
  ["5s", 5_000],
  ["0.5s", 500],
  ["2m", 120_000],
  ["750", 750],
  ["infinity", Number.POSITIVE_INFINITY],
])("the time %s is %d milliseconds", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "0", "-1", "5 s", "5h", "1e3", "s"])("%j is no time", (text) => {
  expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: "USAGE" }));
});

test("the columns of a table stand below each other, without space at the end of lines", () => {
  expect(
    renderTable([
      ["NAME", "PORT"],
      ["shop", "4370"],
      ["a-long-name", "1"],
    ]),
  ).toBe("NAME         PORT\nshop         4370\na-long-name  1\n");
});
