/** The values of each dimension. */
export type Values = Readonly<Record<string, readonly string[]>>;
type Part = Readonly<Record<string, string | undefined>>;

export interface CoveringOptions<C> {
  /** Whether a cell may be. */
  readonly allows: (cell: C) => boolean;
  /**
   * Parts of cells that have to be there in any case. Each is completed so that the cell shows as much that is new as
   * possible; one that no cell fits adds nothing.
   */
  readonly wanted?: readonly Part[];
  /** What every value has to meet: 1 a cell, 2 (default) every other value that may occur beside it. */
  readonly together?: 1 | 2;
}

/**
 * Picks cells, a value of each dimension, so that every value, or every pair of values, that may occur does so in at least
 * one of them. Greedy: the next cell is one of those that show most, and of these one whose values were used least. The same
 * arguments give the same cells.
 */
export function covering<C extends object = Readonly<Record<string, string>>>(
  dimensions: Values,
  options: CoveringOptions<C>,
): C[] {
  const { allows, wanted = [], together = 2 } = options;
  const candidates = allCells(dimensions)
    .filter((cell) => allows(cell as C))
    .map((cell) => {
      const values = numbersOf(dimensions, cell);
      return { cell: cell as C, values, shows: together === 1 ? values : pairsOf(values) };
    });
  const open = new Set(candidates.flatMap(({ shows }) => shows));
  const uses: number[] = [];
  const chosen = new Set<C>();

  const choose = (part: Part): void => {
    let best: (typeof candidates)[number] | undefined;
    let most = -1;
    let least = 0;
    for (const candidate of candidates) {
      if (chosen.has(candidate.cell) || !fits(candidate.cell, part)) continue;
      let news = 0;
      for (const shown of candidate.shows) if (open.has(shown)) news++;
      if (news < most) continue;
      const used = candidate.values.reduce((sum, value) => sum + (uses[value] ?? 0), 0);
      if (news > most || used < least) [best, most, least] = [candidate, news, used];
    }
    if (!best) return;
    chosen.add(best.cell);
    for (const shown of best.shows) open.delete(shown);
    for (const value of best.values) uses[value] = (uses[value] ?? 0) + 1;
  };

  for (const part of wanted) choose(part);
  while (open.size > 0) choose({});
  return [...chosen];
}

function fits(cell: object, part: Part): boolean {
  return Object.entries(part).every(([dimension, value]) => cell[dimension as keyof typeof cell] === value);
}

function allCells(dimensions: Values): Readonly<Record<string, string>>[] {
  let cells: Readonly<Record<string, string>>[] = [{}];
  for (const [dimension, values] of Object.entries(dimensions)) {
    cells = cells.flatMap((cell) => values.map((value) => ({ ...cell, [dimension]: value })));
  }
  return cells;
}

/** A number for each value of a cell, the same one in all cells. */
function numbersOf(dimensions: Values, cell: Readonly<Record<string, string>>): number[] {
  let before = 0;
  return Object.entries(dimensions).map(([dimension, values]) => {
    const number = before + values.indexOf(cell[dimension]!);
    before += values.length;
    return number;
  });
}

/** A number for each pair of these. There are fewer than a thousand values. */
function pairsOf(numbers: readonly number[]): number[] {
  return numbers.flatMap((one, i) => numbers.slice(i + 1).map((other) => one * 1_000 + other));
}
