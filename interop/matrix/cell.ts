/** Values of the dimensions that do not depend on what is at hand, in the order in which they are tried. */
export const TRANSPORTS = ["tcp", "tls-1.2", "tls-1.3", "ipv6"] as const;
export const CONNECTS = ["ours", "beam", "both"] as const;
export const EPMDS = ["stock", "ours", "none"] as const;
export const VISIBILITIES = ["visible", "hidden"] as const;
export const FAULTS = [
  "none",
  "beam-killed",
  "ours-killed",
  "beam-frozen",
  "ours-frozen",
  "link-cut",
  "link-slow",
  "beam-reads-late",
  "ours-reads-late",
] as const;

/** One way of putting a BEAM and a node of ours together: a value for each dimension of the matrix. */
export interface Cell {
  /** The BEAM's release: "25". */
  readonly otp: string;
  readonly transport: (typeof TRANSPORTS)[number];
  /** Who dials: our node, the BEAM, or both at the same moment. */
  readonly connects: (typeof CONNECTS)[number];
  /** OTP's own epmd, the one embedded in our node (the BEAM registers there too), or fixed ports and none. */
  readonly epmd: (typeof EPMDS)[number];
  /** How the BEAM was started. Our node is hidden. */
  readonly visibility: (typeof VISIBILITIES)[number];
  /** The minor version of the BEAM's GenStage: "1.3", or "none". */
  readonly genStage: string;
  /** What runs our node: "node-20", "node-26", "bun", "deno". */
  readonly runtime: string;
  readonly fault: (typeof FAULTS)[number];
  /** A second BEAM's release with our node between the two, or "none". */
  readonly second: string;
}

export type DimensionName = keyof Cell;

/** The values of each dimension. The order of both is that of the page, and decides between cells that are equally good. */
export type Dimensions = { readonly [D in DimensionName]: readonly Cell[D][] };

/** A cell with some values left open. */
export type PartialCell = { readonly [D in DimensionName]?: Cell[D] };

/** A value that is known and not run, or a combination that cannot be. */
export interface NotRun {
  readonly what: string;
  readonly reason: string;
}

/** Numbers and words that a step found out, by name. */
export type Figures = Readonly<Record<string, number | string>>;

export interface StepResult {
  readonly name: string;
  readonly outcome: "passed" | "failed";
  readonly ms: number;
  readonly figures: Figures;
  /** Why it failed. */
  readonly error?: string;
}

/** What became of a cell. A step that failed ends it. */
export interface CellResult {
  /** Its values joined: the name of its log too. */
  readonly id: string;
  readonly cell: Cell;
  readonly outcome: "passed" | "failed";
  /** The {@link Release.provider} that gave the BEAM. */
  readonly provider: string;
  /** Exact versions: `otp`, `elixir`, `genStage`, `runtime`. */
  readonly versions: Readonly<Record<string, string>>;
  readonly steps: readonly StepResult[];
  readonly ms: number;
  /** The log's file name within the results' folder. */
  readonly log: string;
}

/** The cell's values in a row, as its log is called: `25.tcp.ours.stock.visible.1.3.node-20.none.none`. */
export function idOf(cell: Cell): string {
  return Object.values(cell).join("_");
}
