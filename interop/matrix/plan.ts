import type { Release } from "../providers/index.ts";
import type { Cell, DimensionName, Dimensions, PartialCell } from "./cell.ts";
import { covering } from "./covering.ts";
import { allowed, dimensionsOf } from "./dimensions.ts";

/**
 * How many cells: `short` shows every value once; `usual` every pair of values, and each release with each of TCP and TLS
 * dialled from either side; `full` also each release with every fault and every way of connecting.
 */
export type Size = "short" | "usual" | "full";

/** Values to keep to, by dimension. */
export type Only = { readonly [D in DimensionName]?: readonly string[] };

/** The cells of a run, the same ones each time with the same releases and runtimes. */
export function plan(releases: readonly Release[], runtimes: readonly string[], size: Size, only: Only = {}): Cell[] {
  const dimensions = narrowed(dimensionsOf(releases, runtimes), only);
  return covering<Cell>(dimensions, {
    allows: allowed(releases),
    wanted: WANTED[size](dimensions),
    together: size === "short" ? 1 : 2,
  });
}

const WANTED: Record<Size, (dimensions: Dimensions) => PartialCell[]> = {
  short: () => [],
  usual: ({ otp, transport }) =>
    product({ otp, transport: transport.filter((each) => each !== "ipv6"), connects: ["ours", "beam"] }),
  full: ({ otp, transport, connects, epmd, fault }) => [
    ...product({ otp, transport, connects, epmd }),
    ...product({ otp, fault }),
  ],
};

/** Every combination of these values. */
function product(dimensions: Partial<Dimensions>): PartialCell[] {
  let cells: PartialCell[] = [{}];
  for (const [dimension, values] of Object.entries(dimensions)) {
    cells = cells.flatMap((cell) => values.map((value) => ({ ...cell, [dimension]: value })));
  }
  return cells;
}

function narrowed(dimensions: Dimensions, only: Only): Dimensions {
  const entries = Object.entries(dimensions).map(([dimension, values]) => {
    const kept = only[dimension as DimensionName];
    return [dimension, kept ? values.filter((value) => kept.includes(value)) : values];
  });
  return Object.fromEntries(entries) as Dimensions;
}
