import type { TestProject } from "vitest/node";
import { startEpmd } from "./harness/epmd.ts";
import { findReleases, missingReleases, stopProviders } from "./providers/index.ts";

/** Finds the releases once, and starts one stock epmd that all suites of the run share unless they bring their own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const named = process.env.TIEBEAM_OTP?.split(",").flatMap((otp) => otp.trim() || []) ?? [];
  const asked = named.length > 0 ? named : undefined;
  const atHand = await findReleases(asked?.includes("newest") ? undefined : asked);
  const wanted = asked?.map((otp) => (otp === "newest" ? (atHand.at(-1)?.otp ?? "") : otp));
  const releases = atHand.filter(({ otp }) => wanted?.includes(otp) ?? true);
  const [first] = releases;
  const epmd = first && (await startEpmd(first));
  if (epmd) process.env.ERL_EPMD_PORT = String(epmd.port);

  project.provide("releases", releases);
  project.provide("missing", await missingReleases(releases, wanted));
  return async () => {
    await epmd?.stop();
    await stopProviders();
  };
}
