// The library and the harness of real BEAMs, straight from their TypeScript sources.
import "./typescript.mjs";

export const tiebeam = await import("../../src/index.ts");
export { findReleases, startBeam, startEpmd } from "./harness.mjs";
