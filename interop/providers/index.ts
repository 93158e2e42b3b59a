import { debianRoot } from "./debian-root.ts";
import { local } from "./local.ts";
import type { BeamProcess, Command, Provider, Release } from "./provider.ts";

export { startNamespaces, whyNoNamespaces } from "./namespaces.ts";
export { startProcess } from "./os-process.ts";
export { cacheFolder } from "./places.ts";
export type { BeamProcess, Command, Host, HostNetwork, Provider, Release } from "./provider.ts";

/** In order of preference: of two that have the same release, the earlier one gives it. */
const providers: readonly Provider[] = [local, debianRoot];

/** Every release at hand, oldest first. */
export async function findReleases(): Promise<Release[]> {
  const releases = new Map<string, Release>();
  for (const provider of providers) {
    for (const release of await provider.find()) {
      if (!releases.has(release.otp)) releases.set(release.otp, release);
    }
  }
  return [...releases.values()].sort((a, b) => Number(a.otp) - Number(b.otp));
}

/** Starts a program beside a release, through the provider that found the release. */
export function startCommand(release: Release, command: Command): Promise<BeamProcess> {
  const provider = providers.find((each) => each.name === release.provider);
  if (!provider) throw new Error(`no provider named ${release.provider}`);
  return provider.start(release, command);
}
