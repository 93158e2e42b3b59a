// The JavaScript runtimes of matrix.json, out of npm packages that carry their programs, each in a folder of its own.
// The one that runs this is at hand already. What is in the cache is left alone; what cannot be had is a reason.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lastLine, run } from "./command.mjs";
import { cacheFolder, clearAbandoned, runtimes } from "./places.mjs";

const folder = join(cacheFolder, "runtimes");
const current = `node-${process.versions.node.split(".")[0]}`;

/** Fetches the runtimes that are missing; gives a line for each that says how it went. */
export async function prepareRuntimes() {
  mkdirSync(folder, { recursive: true });
  clearAbandoned(folder);
  const missing = {};
  const lines = [];
  for (const [name, source] of Object.entries(runtimes)) {
    if (name === current) {
      lines.push(`${name}: ready (runs this)`);
      continue;
    }
    const reason = isReady(name) ? undefined : await fetchRuntime(name, source);
    if (reason) missing[name] = reason;
    lines.push(reason ? `${name}: not available (${reason})` : `${name}: ready`);
  }
  writeFileSync(join(folder, "missing.json"), `${JSON.stringify(missing, null, 2)}\n`);
  return lines;
}

function isReady(name) {
  return existsSync(join(folder, name));
}

/** Installs and tries it beside its place first, so that one that was interrupted or does not run is never taken for ready. */
async function fetchRuntime(name, { program, ...packages }) {
  if (process.platform !== "linux") return `its packages are for Linux, this is ${process.platform}`;
  const spec = packages[process.arch];
  if (!spec) return `no package is known for ${process.arch}`;
  console.log(`${name}: fetching ${spec} from npm`);
  const building = join(folder, `${name}.${process.pid}`);
  mkdirSync(building, { recursive: true });
  try {
    const flags = ["--prefix", building, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"];
    const npm = await run(["npm", "install", ...flags, spec], { cwd: building });
    if (!npm.ok) return `npm install ${spec}: ${lastLine(npm.output)}`;
    const installed = join(building, "node_modules", spec.slice(0, spec.lastIndexOf("@")), program);
    const tried = await run([installed, "--version"]);
    if (!tried.ok) return `${spec} does not run here: ${lastLine(tried.output)}`;
    const place = join(folder, name);
    mkdirSync(join(building, "place"));
    renameSync(installed, join(building, "place", name.split("-")[0]));
    writeFileSync(join(building, "place/version"), `${/\d+\.\d+\.\d+/.exec(tried.stdout)[0]}\n`);
    if (!isReady(name)) renameSync(join(building, "place"), place); // another run may have been faster
    return undefined;
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}
