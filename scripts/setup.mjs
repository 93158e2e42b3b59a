#!/usr/bin/env node
// What `npm test`, `npm run demo` and `npm run interop` need before they can start: installed dependencies and a
// current `dist`. Does only what is missing or out of date, and says nothing when there is nothing to do.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const project = fileURLToPath(new URL("..", import.meta.url));
const at = (...path) => join(project, ...path);

// npm writes this file last, so a newer one means a finished install of that lock file.
if (changedAt(at("node_modules/.package-lock.json")) < changedAt(at("package-lock.json"))) {
  run("installing dependencies", "npm", ["ci", "--no-audit", "--no-fund"]);
}

const built = at("node_modules/.cache/tiebeam-built");
if (!existsSync(at("dist")) || changedAt(built) < Math.max(...sources().map(changedAt))) {
  const start = new Date();
  run("building dist", process.execPath, [at("node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"]);
  mkdirSync(at("node_modules/.cache"), { recursive: true });
  writeFileSync(built, `${start.toISOString()}\n`);
}

function sources() {
  const files = readdirSync(at("src"), { recursive: true }).map((name) => at("src", name));
  return [...files, at("tsconfig.json"), at("tsconfig.build.json"), at("package-lock.json")];
}

/** Milliseconds of the last change; before all others for a file that does not exist. */
function changedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY;
}

/** Output goes to stderr, so that what follows keeps stdout for its data. */
function run(what, program, args) {
  console.error(`setup: ${what}`);
  const { status, error } = spawnSync(program, args, { cwd: project, stdio: ["ignore", 2, 2] });
  if (status === 0) return;
  console.error(`setup: ${what} failed${error ? ` (${error.message})` : ""}`);
  process.exit(status ?? 1);
}
