// Where things are kept, and which releases are wanted.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const matrix = JSON.parse(readFileSync(new URL("../matrix.json", import.meta.url), "utf8"));

export const debianSuites = matrix.debianSuites;
export const packages = matrix.packages;
/** Debian packages of other nodes, each with a file that is there once it is installed. */
export const foreignTools = matrix.foreignTools;
/** JavaScript runtimes: for each kind of processor the npm package that carries the program, and where it lies in there. */
export const runtimes = matrix.runtimes;
export const cacheFolder = join(homedir(), ".cache", "tiebeam");

/** The folder of the Debian system that carries this release. */
export function rootFolder(otp) {
  return join(cacheFolder, "roots", `otp-${otp}`);
}

/** Where the compiled GenStage of this release lies, laid out as `ERL_LIBS` wants it. */
export function erlLibs(otp) {
  return join(cacheFolder, "erl_libs", `otp-${otp}`);
}

/** Whether the run takes releases out of Debian packages, as it does unless `TIEBEAM_PROVIDERS` says otherwise. */
export const usesPackages = /local|debian-root/.test(process.env.TIEBEAM_PROVIDERS || "local,debian-root");

/** The releases of `TIEBEAM_OTP` ("25,27"), or all that have a Debian suite. */
export function wantedReleases() {
  const chosen = process.env.TIEBEAM_OTP?.split(",")
    .map((otp) => otp.trim())
    .filter(Boolean);
  return chosen?.length ? chosen : Object.keys(debianSuites);
}

/** Keeps why releases are missing, so that the suites can name the reason when they skip. */
export function recordMissing(reasons) {
  mkdirSync(cacheFolder, { recursive: true });
  writeFileSync(join(cacheFolder, "missing.json"), `${JSON.stringify(reasons, null, 2)}\n`);
}

/**
 * Removes what runs that were killed left unfinished in a folder. Whatever is being made is named `<place>.<process id>`
 * until it is ready.
 */
export function clearAbandoned(folder) {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const maker = /\.(\d+)$/.exec(name)?.[1];
    if (maker && !isRunning(Number(maker))) remove(join(folder, name));
  }
}

/** Removes a folder, but nothing of what is mounted in it: debootstrap leaves `/proc` there when it is killed. */
export function remove(folder) {
  const mounts = existsSync("/proc/mounts") ? readFileSync("/proc/mounts", "utf8").split("\n") : [];
  for (const place of mounts.map((line) => line.split(" ")[1] ?? "").reverse()) {
    if (place.startsWith(`${folder}/`)) spawnSync("umount", ["--lazy", place]);
  }
  rmSync(folder, { recursive: true, force: true });
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}
