export { findReleases, type Release } from "../providers/index.ts";
export { Beam, type BeamOptions, type EvalOptions, startBeam, uniqueName } from "./beam.ts";
export { PeerError } from "./control.ts";
export { epmdNames, freePort, type StockEpmd, startEpmd } from "./epmd.ts";
export { describePeers, type PeerSuiteOptions, peers } from "./suites.ts";
