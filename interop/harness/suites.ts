import { describe, inject, test } from "vitest";
import type { MissingRelease, Release } from "../providers/index.ts";

declare module "vitest" {
  interface ProvidedContext {
    releases: readonly Release[];
    missing: readonly MissingRelease[];
  }
}

export interface PeerSuiteOptions {
  /** Only these releases, such as `["25", "29"]`; default all. */
  readonly otp?: readonly string[];
  /** The suite needs GenStage on the peer's side. */
  readonly genStage?: boolean;
}

/** The releases that were found at the start of this run. */
export function peers(): readonly Release[] {
  return inject("releases");
}

/**
 * A suite that runs against every release at hand. Where one is missing, or has no GenStage although the suite needs
 * it, one skipped test carries the reason to the summary.
 */
export function describePeers(name: string, options: PeerSuiteOptions, body: (release: Release) => void): void {
  const wanted = (otp: string) => options.otp === undefined || options.otp.includes(otp);

  for (const release of peers().filter(({ otp }) => wanted(otp))) {
    const title = `${name} on OTP ${release.otp}`;
    if (options.genStage && !release.genStage) skipped(title, `no GenStage for OTP ${release.otp}`);
    else describe(title, () => body(release));
  }
  for (const { otp, reason } of inject("missing")) {
    if (wanted(otp)) skipped(`${name} on OTP ${otp}`, reason);
  }
}

function skipped(title: string, reason: string): void {
  describe(title, () => {
    test("has no peer", (context) => context.skip(reason));
  });
}
