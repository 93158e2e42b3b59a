import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../providers/index.ts";

/** A program that runs JavaScript. Plain data. */
export interface Runtime {
  /** "node-22", "bun" */
  readonly name: string;
  /** "22.23.3" */
  readonly version: string;
  /** The program and what comes before the script. */
  readonly argv: readonly [string, ...string[]];
}

const folder = join(cacheFolder, "runtimes");
const { runtimes: wanted } = JSON.parse(readFileSync(new URL("../matrix.json", import.meta.url), "utf8")) as {
  runtimes: Record<string, unknown>;
};

/** The Node.js that runs this, and what `interop/prepare.mjs` fetched. */
export function findRuntimes(): Runtime[] {
  const { node } = process.versions;
  const current: Runtime = { name: `node-${node.split(".")[0]}`, version: node, argv: [process.execPath] };
  const fetched = Object.keys(wanted).filter((name) => name !== current.name);
  return [current, ...fetched.flatMap((name) => fetchedRuntime(name) ?? [])];
}

/** The wanted ones that are not at hand, each with its reason. */
export function missingRuntimes(): { readonly name: string; readonly reason: string }[] {
  const found = findRuntimes().map(({ name }) => name);
  const reasons = JSON.parse(textOf("missing.json") ?? "{}") as Record<string, string>;
  return Object.keys(wanted)
    .filter((name) => !found.includes(name))
    .map((name) => ({ name, reason: reasons[name] ?? "run `npm run interop:prepare`" }));
}

function fetchedRuntime(name: string): Runtime | undefined {
  const version = textOf(join(name, "version"))?.trim();
  if (version === undefined) return undefined;
  const [program = name] = name.split("-");
  const path = join(folder, name, program);
  return { name, version, argv: program === "deno" ? [path, "run", "--quiet", "--allow-all"] : [path] };
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(join(folder, file), "utf8");
  } catch {
    return undefined;
  }
}
