export { findRuntimes, missingRuntimes, type Runtime } from "./find.ts";
export { type CodecTrial, type LinkTrial, tryCodec, tryLink } from "./trials.ts";
