import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findGenStage } from "./gen-stage.ts";
import { enter, startProcess } from "./os-process.ts";
import { cacheFolder } from "./places.ts";
import type { Command, Provider, Release } from "./provider.ts";

const SHARED = "/var/cache/tiebeam";

/**
 * Releases inside Debian root folders made by `interop/prepare.mjs`, entered with chroot. They share this machine's
 * network and process ids, so signals reach the BEAM directly.
 */
export const debianRoot: Provider = {
  name: "debian-root",

  async find() {
    const roots = join(cacheFolder, "roots");
    if (process.getuid?.() !== 0 || !existsSync(roots)) return [];
    return readdirSync(roots)
      .filter((name) => /^otp-\d+$/.test(name))
      .flatMap((name) => inspectRoot(join(roots, name)) ?? []);
  },

  start: (release, command) => startProcess(inside(release, command)),
};

/** Versions are read from files, which is quicker than starting each release. */
function inspectRoot(root: string): Release | undefined {
  const releases = join(root, "usr/lib/erlang/releases");
  const otp = existsSync(releases) ? readdirSync(releases).find((name) => /^\d+$/.test(name)) : undefined;
  const app = join(root, "usr/lib/elixir/lib/elixir/ebin/elixir.app");
  if (otp === undefined || !existsSync(app)) return undefined;
  const shared = { here: join(root, SHARED), there: SHARED };
  mkdirSync(shared.here, { recursive: true });
  // A root folder has no names of hosts of its own; erl_call crashes where this machine's name is unknown.
  if (existsSync("/etc/hosts")) copyFileSync("/etc/hosts", join(root, "etc/hosts"));
  const genStage = findGenStage(otp);
  return {
    otp,
    otpVersion: readFileSync(join(releases, otp, "OTP_VERSION"), "utf8").trim(),
    elixir: /\{vsn,\s*"([^"]+)"/.exec(readFileSync(app, "utf8"))?.[1] ?? "unknown",
    provider: "debian-root",
    shared,
    root,
    ...(genStage && { genStage }),
  };
}

/** chroot, env and the shell wrappers of Elixir all `exec`, so the process id stays that of the program itself. */
function inside(release: Release, { argv, env }: Command): Command {
  const chroot = ["chroot", release.root!, "/usr/bin/env", "HOME=/root", ...argv] as const;
  return { argv: enter(release.host, chroot), ...(env && { env }) };
}
