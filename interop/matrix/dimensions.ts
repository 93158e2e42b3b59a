import type { Release } from "../providers/index.ts";
import { type Cell, CONNECTS, type Dimensions, EPMDS, FAULTS, type NotRun, TRANSPORTS, VISIBILITIES } from "./cell.ts";

/** Values of the design that no cell has, each with its reason. */
export const NEVER_RUN: readonly NotRun[] = [
  { what: "our node visible", reason: "needs `global`, which is not there yet" },
];

/** What cannot be together, each with its reason. */
export const CONSTRAINTS: readonly (NotRun & { readonly forbids: (cell: Cell) => boolean })[] = [
  {
    what: "IPv6 without epmd",
    reason: "without epmd all nodes listen at the same port, each at an address of its own; there is only one `::1`",
    forbids: ({ epmd, transport }) => epmd === "none" && transport === "ipv6",
  },
  {
    what: "our node killed while it is the epmd, beside OTP 23",
    reason: "the epmd ends with our node; a BEAM registers with the next one within two seconds, but not yet in OTP 23",
    forbids: ({ otp, epmd, fault }) => epmd === "ours" && fault === "ours-killed" && Number(otp) <= 23,
  },
  {
    what: "faults of the link with both sides connecting, without epmd or over IPv6",
    reason: "the proxy that cuts and slows down stands between a dialler that asks epmd and one listener of IPv4",
    forbids: ({ fault, connects, epmd, transport }) =>
      fault.startsWith("link-") && (connects === "both" || epmd === "none" || transport === "ipv6"),
  },
  {
    what: "two BEAMs over TLS or without epmd",
    reason: "without epmd two BEAMs would listen at the same port and address; certificates are made for one release",
    forbids: ({ second, epmd, transport }) => second !== "none" && (epmd === "none" || transport.startsWith("tls")),
  },
  {
    what: "faults and other runtimes beside two BEAMs",
    reason: "each pair of releases once, with our node on its first runtime and no faults",
    forbids: ({ otp, second, fault, runtime }) =>
      second !== "none" && (Number(second) <= Number(otp) || fault !== "none" || !isCurrent(runtime)),
  },
  {
    what: "Bun and Deno with TLS, IPv6, other epmds, faults",
    reason: "Bun and Deno are for `tiebeam/etf` and one link without faults",
    forbids: ({ runtime, transport, epmd, fault, connects }) =>
      !isNode(runtime) && (transport !== "tcp" || epmd !== "stock" || fault !== "none" || connects === "both"),
  },
];

/** Whether a runtime is a version of Node.js. */
export function isNode(runtime: string): boolean {
  return runtime.startsWith("node-");
}

/** The values at hand: these releases and runtimes. A release has one version of GenStage, or none. */
export function dimensionsOf(releases: readonly Release[], runtimes: readonly string[]): Dimensions {
  const otps = releases.map(({ otp }) => otp);
  return {
    otp: otps,
    transport: TRANSPORTS,
    connects: CONNECTS,
    epmd: EPMDS,
    visibility: VISIBILITIES,
    genStage: [...new Set(releases.map(genStageOf))].sort(),
    runtime: runtimes,
    fault: FAULTS,
    second: ["none", ...otps.slice(1)],
  };
}

/** Says whether a cell of these releases can be. */
export function allowed(releases: readonly Release[]): (cell: Cell) => boolean {
  const genStage = new Map(releases.map((release) => [release.otp, genStageOf(release)]));
  return (cell) => genStage.get(cell.otp) === cell.genStage && CONSTRAINTS.every(({ forbids }) => !forbids(cell));
}

/** The minor version of the GenStage that a release has here. */
function genStageOf({ genStage }: Release): string {
  return genStage?.version.split(".").slice(0, 2).join(".") ?? "none";
}

function isCurrent(runtime: string): boolean {
  return runtime === `node-${process.versions.node.split(".")[0]}`;
}
