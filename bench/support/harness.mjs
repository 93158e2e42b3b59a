// The harness of real BEAMs, straight from its TypeScript sources.
import "./typescript.mjs";

export const { startBeam, uniqueName } = await import("../../interop/harness/beam.ts");
export const { epmdNames, freePort, startEpmd } = await import("../../interop/harness/epmd.ts");
export const { findReleases, startProcess } = await import("../../interop/providers/index.ts");
