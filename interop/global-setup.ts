import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startEpmd } from "./harness/epmd.ts";
import type { MissingRelease } from "./harness/suites.ts";
import { cacheFolder, findReleases } from "./providers/index.ts";

/** Finds the releases once, and starts one stock epmd that all suites of the run share unless they bring their own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const atHand = await findReleases();
  const chosen = process.env.TIEBEAM_OTP?.split(",").map((otp) =>
    otp.trim() === "newest" ? (atHand.at(-1)?.otp ?? "") : otp.trim(),
  );
  const releases = atHand.filter(({ otp }) => chosen?.includes(otp) ?? true);
  const [first] = releases;
  const epmd = first && (await startEpmd(first));
  if (epmd) process.env.ERL_EPMD_PORT = String(epmd.port);

  project.provide("releases", releases);
  project.provide(
    "missing",
    missingReleases(
      releases.map(({ otp }) => otp),
      chosen,
    ),
  );
  return async () => epmd?.stop();
}

/** The wanted releases that are not at hand, each with the reason that `prepare.mjs` noted. */
function missingReleases(found: readonly string[], chosen: readonly string[] | undefined): MissingRelease[] {
  const { debianSuites } = readJson(new URL("matrix.json", import.meta.url)) as {
    debianSuites: Record<string, string>;
  };
  const reasons = readJson(join(cacheFolder, "missing.json")) as Record<string, string>;
  return (chosen ?? Object.keys(debianSuites))
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
