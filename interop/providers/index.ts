import { debianRoot } from "./debian-root.ts";
import { local } from "./local.ts";
import { type MissingRelease, missingPackages } from "./missing.ts";
import type { BeamProcess, Command, Provider, Release } from "./provider.ts";

export type { MissingRelease } from "./missing.ts";
export { startNamespaces, whyNoNamespaces } from "./namespaces.ts";
export { startProcess } from "./os-process.ts";
export { cacheFolder } from "./places.ts";
export type { BeamProcess, Command, Host, HostNetwork, Provider, Release } from "./provider.ts";

/** The one of the containers is loaded where it is asked for only: it takes longer than all others together. */
const providers: Readonly<Record<string, () => Provider | Promise<Provider>>> = {
  local: () => local,
  "debian-root": () => debianRoot,
  docker: async () => (await import("./docker/index.ts")).docker,
};

/** In order of preference: of two that have the same release, the earlier one gives it. `TIEBEAM_PROVIDERS` chooses others. */
export const chosenProviders = (process.env.TIEBEAM_PROVIDERS || "local,debian-root")
  .split(",")
  .map((name) => name.trim());

/** Every release at hand, oldest first; those of `otps` where that saves work. */
export async function findReleases(otps?: readonly string[]): Promise<Release[]> {
  const releases = new Map<string, Release>();
  for (const name of chosenProviders) {
    for (const release of await (await providerOf(name)).find(otps)) {
      if (!releases.has(release.otp)) releases.set(release.otp, release);
    }
  }
  return [...releases.values()].sort((a, b) => Number(a.otp) - Number(b.otp));
}

/** The wanted releases (default: all that the providers know) that are not among those found, each with its reason. */
export async function missingReleases(
  found: readonly Release[],
  wanted?: readonly string[],
): Promise<MissingRelease[]> {
  const otps = found.map(({ otp }) => otp);
  const last = await providerOf(chosenProviders.at(-1)!);
  return last.missing ? last.missing(otps, wanted) : missingPackages(otps, wanted);
}

/** Gives back what the releases took that {@link findReleases} found. */
export async function stopProviders(): Promise<void> {
  for (const name of chosenProviders) await (await providerOf(name)).stop?.();
}

/** Starts a program beside a release, through the provider that found the release. */
export async function startCommand(release: Release, command: Command): Promise<BeamProcess> {
  return (await providerOf(release.provider)).start(release, command);
}

async function providerOf(name: string): Promise<Provider> {
  const provider = await providers[name]?.();
  if (!provider) throw new Error(`no provider named ${name}; there are ${Object.keys(providers).join(", ")}`);
  return provider;
}
