import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheFolder } from "./places.ts";
import type { Release } from "./provider.ts";

/** GenStage compiled for a release: what `prepare.mjs` or its user put into the cache, or a folder of `ERL_LIBS`. */
export function findGenStage(otp: string, erlLibs = ""): Release["genStage"] {
  const folders = [join(cacheFolder, "erl_libs", `otp-${otp}`), ...erlLibs.split(delimiter)];
  for (const libs of folders) {
    const app = join(libs, "gen_stage/ebin/gen_stage.app");
    if (libs === "" || !existsSync(app)) continue;
    const version = /\{vsn,\s*"([^"]+)"/.exec(readFileSync(app, "utf8"))?.[1];
    return { version: version ?? "unknown", libs };
  }
  return undefined;
}
