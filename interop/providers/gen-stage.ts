import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheFolder } from "./places.ts";
import type { Release } from "./provider.ts";

/** GenStage compiled for a release: what `prepare.mjs` or its user put into the cache, or a folder of `ERL_LIBS`. */
export function findGenStage(otp: string, erlLibs = ""): Release["genStage"] {
  const folders = [join(cacheFolder, "erl_libs", `otp-${otp}`), ...erlLibs.split(delimiter)];
  for (const libs of folders) {
    const found = genStageIn(libs);
    if (found) return found;
  }
  return undefined;
}

/** GenStage in a folder that is laid out as `ERL_LIBS` wants it. */
export function genStageIn(libs: string): Release["genStage"] {
  const app = join(libs, "gen_stage/ebin/gen_stage.app");
  if (libs === "" || !existsSync(app)) return undefined;
  const version = /\{vsn,\s*"([^"]+)"/.exec(readFileSync(app, "utf8"))?.[1];
  return { version: version ?? "unknown", libs };
}
