import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Release, startCommand } from "../providers/index.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const peerSources = join(repository, "interop/peer");
const fixtureSources = join(repository, "elixir-fixtures/lib");
const stageSources = join(fixtureSources, "stages");

/** Folders of compiled modules, as paths of the release's side. */
export interface CodePaths {
  /** The harness's own modules and the fixtures that need no GenStage. */
  readonly base: string;
  /** GenStage, Flow where there is one, and the fixtures that need them. */
  readonly stages?: readonly string[];
}

/** Compiles the Elixir modules with the release itself; a folder named after the content makes it happen once. */
export async function compileFixtures(release: Release): Promise<CodePaths> {
  const all = await sourcesUnder(fixtureSources);
  const plain = all.filter((file) => !file.startsWith(stageSources));
  const base = await compile(release, "fixtures", [...(await sourcesUnder(peerSources)), ...plain]);
  if (!release.genStage) return { base };

  const libs = await share(release, "erl_libs", release.genStage.libs);
  const apps = (await readdir(release.genStage.libs)).map((app) => `${libs}/${app}/ebin`);
  const stageFiles = all.filter((file) => file.startsWith(stageSources));
  const stages = await compile(release, "stages", stageFiles, [base, ...apps]);
  return { base, stages: [...apps, stages] };
}

async function sourcesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries
    .filter((name) => name.endsWith(".ex"))
    .map((name) => join(folder, name))
    .sort();
}

async function compile(
  release: Release,
  kind: string,
  files: readonly string[],
  uses: readonly string[] = [],
): Promise<string> {
  const name = `${kind}-${await contentHash(files, release.otpVersion + release.elixir + uses.join())}`;
  const done = join(release.shared.here, name);
  if (existsSync(done)) return join(release.shared.there, name);

  const working = `${name}.${process.pid}`;
  const here = join(release.shared.here, working);
  const there = join(release.shared.there, working);
  await mkdir(join(here, "ebin"), { recursive: true });
  for (const file of files) await cp(file, join(here, "src", relative(repository, file)));
  const sources = files.map((file) => join(there, "src", relative(repository, file)));
  const paths = uses.flatMap((path) => ["-pa", path]);
  const compiler = await startCommand(release, {
    argv: ["elixirc", "-o", `${there}/ebin`, ...paths, ...sources],
    env: { ELIXIR_ERL_OPTIONS: "+fnu" },
  });
  if ((await compiler.exited) !== 0) {
    await rm(here, { recursive: true, force: true });
    throw new Error(`the fixtures do not compile on OTP ${release.otp}:\n${compiler.output()}`);
  }
  await place(join(here, "ebin"), done);
  await rm(here, { recursive: true, force: true });
  return join(release.shared.there, name);
}

/** Copies a folder of this machine to where the release can read it. */
async function share(release: Release, kind: string, folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const name = `${kind}-${await contentHash(files.sort())}`;
  const done = join(release.shared.here, name);
  if (!existsSync(done)) {
    const copying = `${done}.${process.pid}`;
    await cp(folder, copying, { recursive: true });
    await place(copying, done);
  }
  return join(release.shared.there, name);
}

/** Moves a finished folder to its place; where another run was faster, that one's folder has the same content. */
async function place(finished: string, done: string): Promise<void> {
  try {
    await rename(finished, done);
  } catch (error) {
    if (!existsSync(done)) throw error;
    await rm(finished, { recursive: true, force: true });
  }
}

async function contentHash(files: readonly string[], salt = ""): Promise<string> {
  const hash = createHash("sha256").update(salt);
  for (const file of files) hash.update(file).update(await readFile(file));
  return hash.digest("hex").slice(0, 12);
}
