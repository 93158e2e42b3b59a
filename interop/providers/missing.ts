import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./places.ts";

/** A release that the suites want and that is not at hand. */
export interface MissingRelease {
  readonly otp: string;
  readonly reason: string;
}

/** What is wanted of the releases that Debian packages carry, with the reasons that `interop/prepare.mjs` noted. */
export function missingPackages(found: readonly string[], wanted?: readonly string[]): MissingRelease[] {
  const { debianSuites } = readJson(new URL("../matrix.json", import.meta.url)) as { debianSuites: object };
  const reasons = readJson(join(cacheFolder, "missing.json")) as Record<string, string>;
  return (wanted ?? Object.keys(debianSuites))
    .filter((otp) => !found.includes(otp))
    .map((otp) => ({ otp, reason: `no OTP ${otp}: ${reasons[otp] ?? "run `npm run interop:prepare`"}` }));
}

function readJson(file: URL | string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return {};
  }
}
