// The library and the harness of real BEAMs, straight from their TypeScript sources.
import "./typescript.mjs";

export const tiebeam = await import("../../src/index.ts");
export const { startBeam } = await import("../../interop/harness/beam.ts");
export const { startEpmd } = await import("../../interop/harness/epmd.ts");
export const { findReleases } = await import("../../interop/providers/index.ts");
