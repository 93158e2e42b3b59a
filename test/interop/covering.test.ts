import { expect, test } from "vitest";
import { covering } from "../../interop/matrix/covering.ts";

const any = () => true;

/** Each pair of values in these cells, as text. */
function pairsOf(cells: readonly Readonly<Record<string, string>>[]): Set<string> {
  return new Set(
    cells.flatMap((cell) => {
      const values = Object.entries(cell).map((entry) => entry.join("="));
      return values.flatMap((one, i) => values.slice(i + 1).map((other) => `${one} ${other}`));
    }),
  );
}

/** All combinations. */
function product(dimensions: Record<string, readonly string[]>): Record<string, string>[] {
  return Object.entries(dimensions).reduce<Record<string, string>[]>(
    (cells, [name, values]) => cells.flatMap((cell) => values.map((value) => ({ ...cell, [name]: value }))),
    [{}],
  );
}

const LARGE = {
  a: ["1", "2", "3", "4"],
  b: ["x", "y", "z"],
  c: ["on", "off"],
  d: ["p", "q", "r"],
  e: ["1", "2", "3", "4", "5"],
};

test("dimensions of two, three and two values take six cells, worked out by hand", () => {
  const cells = covering({ a: ["1", "2"], b: ["x", "y", "z"], c: ["+", "-"] }, { allows: any });

  expect(cells.map((cell) => Object.values(cell).join(""))).toEqual(["1x+", "2y-", "1z-", "2z+", "1y+", "2x-"]);
});

test("every pair of values is in a cell, with few more cells than the two longest dimensions need", () => {
  const cells = covering(LARGE, { allows: any });

  expect(pairsOf(cells)).toEqual(pairsOf(product(LARGE)));
  expect(cells.length).toBeLessThanOrEqual(24);
});

test("a pair that no allowed cell has is left out, and every other one is there", () => {
  // With 5 goes only p, and p goes not with x: so 5 and x never meet, which no predicate says by itself.
  const allows = ({ b, d, e }: Record<string, string>) => (e !== "5" || d === "p") && !(d === "p" && b === "x");

  const cells = covering(LARGE, { allows });

  expect(cells.filter((cell) => !allows(cell))).toEqual([]);
  expect(pairsOf(cells)).toEqual(pairsOf(product(LARGE).filter(allows)));
  expect(pairsOf(cells)).not.toContain("b=x e=5");
});

test("what is wanted comes first, completed by values that are new, and what cannot be is not there", () => {
  const allows = ({ a, b }: Record<string, string>) => a !== "1" || b !== "x";

  const cells = covering(LARGE, { allows, wanted: [{ a: "4", e: "5" }, { a: "1", b: "x" }, { a: "4" }] });

  expect(cells[0]).toMatchObject({ a: "4", e: "5" });
  expect(cells[1]).toMatchObject({ a: "4" });
  expect(cells[1]?.e).not.toBe("5");
});

test("with one at a time, each value is in a cell, in as many cells as the longest dimension has values", () => {
  const cells = covering(LARGE, { allows: any, together: 1 });

  for (const [name, values] of Object.entries(LARGE))
    expect(new Set(cells.map((cell) => cell[name]))).toEqual(new Set(values));
  expect(cells.length).toBe(5);
});

test("the same arguments give the same cells", () => {
  expect(covering(LARGE, { allows: any })).toEqual(covering(LARGE, { allows: any }));
});
