import { homedir } from "node:os";
import { join } from "node:path";

/** Where `interop/prepare.mjs` keeps what it made. */
export const cacheFolder = join(homedir(), ".cache", "tiebeam");
