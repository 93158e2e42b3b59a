// GenStage for a release: taken from the cache, from ERL_LIBS, or fetched from Hex and compiled by that release.
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { lastLine, run } from "./command.mjs";
import { erlLibs } from "./places.mjs";

const fixtures = fileURLToPath(new URL("../../elixir-fixtures", import.meta.url));

/** Makes GenStage available to `release` where that is possible; returns the line that says how it went. */
export async function prepareGenStage(release) {
  const { otp } = release;
  if (hasGenStage(erlLibs(otp))) return `GenStage for OTP ${otp}: ready`;
  if (!release.root && process.env.ERL_LIBS?.split(delimiter).some(hasGenStage)) {
    return `GenStage for OTP ${otp}: ready (ERL_LIBS)`;
  }
  const reason = await fetchFromHex(release);
  if (reason) return `GenStage for OTP ${otp}: not available (${reason}); its suites are skipped`;
  return `GenStage for OTP ${otp}: ready (from Hex)`;
}

function hasGenStage(libs) {
  return existsSync(join(libs, "gen_stage/ebin/gen_stage.app"));
}

/** Runs mix on a copy of the fixtures, in the root folder if the release has one. Returns why it failed, if it did. */
async function fetchFromHex(release) {
  const work = mkdtempSync(join(release.root ? join(release.root, "tmp") : tmpdir(), "tiebeam-mix-"));
  try {
    cpSync(join(fixtures, "mix.exs"), join(work, "mix.exs"));
    for (const step of [["local.hex", "--force"], ["deps.get"], ["deps.compile"]]) {
      const { ok, output } = await run(mixCommand(release, work, step), { timeoutMs: 120_000 });
      if (!ok) return `mix ${step.join(" ")}: ${hint(output)}`;
    }
    for (const app of ["flow", "gen_stage"]) {
      install(join(work, "_build/dev/lib", app, "ebin"), join(erlLibs(release.otp), app, "ebin"));
    }
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Hex, its archive and its cache stay inside the work folder, so that nothing of the user's own is touched. */
function mixCommand({ root }, work, step) {
  const seen = root ? join("/tmp", basename(work)) : work;
  const own = { MIX_HOME: join(seen, ".mix"), HEX_HOME: join(seen, ".hex"), HOME: seen, MIX_ENV: "dev" };
  const settings = Object.entries(own).map(([name, value]) => `${name}=${value}`);
  return [...(root ? ["chroot", root] : []), "/usr/bin/env", "-C", seen, ...settings, "mix", ...step];
}

/** Copies beside its place first, so that a half copied folder is never taken for ready. */
function install(compiled, place) {
  const copying = `${place}.${process.pid}`;
  mkdirSync(dirname(place), { recursive: true });
  cpSync(compiled, copying, { recursive: true, dereference: true });
  rmSync(place, { recursive: true, force: true });
  renameSync(copying, place);
}

/** The line of mix's output that names the cause: the innermost exception if there is one. */
function hint(output) {
  const exceptions = output.split("\n").filter((line) => /^\s*\*\* \((?!EXIT)/.test(line));
  const line = exceptions.at(-1) ?? lastLine(output);
  return line.replace(/^\s*\*\* \(\w+\) /, "").slice(0, 160);
}
