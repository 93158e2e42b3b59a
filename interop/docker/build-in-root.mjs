#!/usr/bin/env node
// Builds the images without a container engine: the steps of a Dockerfile are executed in a Debian root folder, which stands for the
// official image of the same release, under an overlay that is thrown away afterwards. Needs root.
//
//   node interop/docker/build-in-root.mjs               every release that this machine has, and our own image
//   node interop/docker/build-in-root.mjs 27 tiebeam    only these
//
// Where Hex does not answer, GenStage comes from the cache of `npm run interop:prepare`, and the step says so.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { localRelease, rootRelease } from "../prepare/debian.mjs";
import { erlLibs } from "../prepare/places.mjs";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const { releases } = JSON.parse(readFileSync(new URL("images.json", import.meta.url), "utf8"));
const ignored = readFileSync(join(repository, ".dockerignore"), "utf8").trim().split("\n");
const local = await localRelease();

const wanted = process.argv.length > 2 ? process.argv.slice(2) : [...Object.keys(releases), "tiebeam"];
for (const name of wanted) {
  const root = name === "tiebeam" || name === local?.otp ? "/" : rootRelease(name)?.root;
  if (root === undefined) console.log(`otp-${name}: no root folder of that release here`);
  else if (name === "tiebeam") build("tiebeam.Dockerfile", "/", {});
  else build("otp.Dockerfile", root, { BASE: releases[name].base, GEN_STAGE: releases[name].genStage }, name);
}

/** Executes a Dockerfile with a root folder in the place of every image it starts from. Ends the process where a step fails. */
function build(file, lower, args, otp) {
  // Not on the disk of the root folder: a layer must not lie within the one below.
  const work = mkdtempSync("/dev/shm/tiebeam-build-");
  process.once("exit", () => rmSync(work, { recursive: true, force: true }));
  const stages = new Map();
  let stage;
  for (const { word, rest } of instructionsOf(file)) {
    const text =
      word === "RUN" || word === "CMD" || word === "HEALTHCHECK"
        ? rest
        : rest.replace(/\$\{(\w+)\}/g, (_, name) => args[name]);
    console.log(`${otp ? `otp-${otp}` : "tiebeam"}: ${word} ${text}`);
    if (word === "FROM") {
      const [, image, , name = String(stages.size)] = /^(\S+)( AS (\w+))?$/.exec(text);
      stage = newStage(join(work, name), lower, image);
      stages.set(name, stage);
    } else if (word === "ARG") {
      if (stage) stage.env[text] = args[text];
    } else if (word === "ENV") {
      for (const [, name, value] of text.matchAll(/(\w+)=(\S+)/g)) stage.env[name] = value;
    } else if (word === "WORKDIR") {
      stage.folder = text;
      mkdirSync(join(stage.upper, text), { recursive: true });
    } else if (word === "COPY") {
      copy(stage, stages, text.split(" "));
    } else if (word === "RUN") {
      if (!execute(stage, ["sh", "-c", text]) && !withoutHex(stage, text, otp)) fail(text);
    } else if (word === "USER") {
      stage.user = text;
    } else if (word === "HEALTHCHECK") {
      stage.health = JSON.parse(/CMD (\[.*\])$/.exec(text)[1]);
    } else if (word === "CMD") {
      stage.command = JSON.parse(text);
    } else if (word !== "EXPOSE") fail(`${word} is not known here`);
  }
  prove(stage, otp);
  rmSync(work, { recursive: true, force: true });
}

/** The instructions of a Dockerfile, with continued lines joined. */
function instructionsOf(file) {
  const text = readFileSync(new URL(file, import.meta.url), "utf8").replace(/\\\n\s*/g, "");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => ({ word: line.split(" ")[0], rest: line.slice(line.indexOf(" ") + 1) }));
}

function newStage(folder, lower, image) {
  const stage = { image, lower, env: {}, folder: "/", user: "root" };
  for (const part of ["upper", "work", "merged"]) {
    stage[part] = join(folder, part);
    mkdirSync(stage[part], { recursive: true });
  }
  return stage;
}

/** Sources come from the project, but for what `.dockerignore` names, or from another stage. */
function copy(stage, stages, words) {
  const from = /^--from=(.+)$/.exec(words[0])?.[1];
  const [target, ...sources] = (from ? words.slice(1) : words).reverse();
  for (const source of sources) {
    const origin = from ? join(stages.get(from).upper, source) : join(repository, source);
    const name = target.endsWith("/") && statSync(origin).isFile() ? basename(source) : "";
    const place = join(stage.upper, target.startsWith("/") ? "" : stage.folder, target, name);
    const kept = (path) => from !== undefined || !ignored.includes(path.slice(repository.length));
    mkdirSync(dirname(place), { recursive: true });
    cpSync(origin, place, { recursive: true, dereference: false, verbatimSymlinks: true, filter: kept });
  }
}

/** Runs a command in a stage, in namespaces of its own: nothing that it starts or mounts stays. */
function execute(stage, argv, { quiet = false, alone = false } = {}) {
  const settings = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: "/root",
    LANG: "C.UTF-8",
    ...stage.env,
  };
  const vars = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const script = `
    ${alone ? "ip link set lo up &&" : ""}
    mount -t overlay overlay -o lowerdir="$1",upperdir="$2",workdir="$3" "$4" && mount -t proc proc "$4/proc" &&
    mount --rbind /dev "$4/dev" && merged=$4 user=$5 && shift 5 && exec chroot --userspec="$user" "$merged" /usr/bin/env -i "$@"`;
  const mounts = [stage.lower, stage.upper, stage.work, stage.merged, stage.user];
  const args = [
    ...(alone ? ["--net"] : []),
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "sh",
    "-c",
    script,
    "sh",
    ...mounts,
    "-C",
    stage.folder,
    ...vars,
    ...argv,
  ];
  const { status, stdout } = spawnSync("unshare", args, {
    encoding: "utf8",
    stdio: ["ignore", quiet ? "pipe" : "inherit", "inherit"],
    timeout: 600_000,
  });
  return quiet ? status === 0 && stdout : status === 0;
}

/** The same step without Hex: what it would have fetched and compiled is put where it would be. */
function withoutHex(stage, step, otp) {
  if (!step.startsWith("mix local.hex --force && ") || !existsSync(erlLibs(otp))) return false;
  console.log(`otp-${otp}: Hex does not answer; GenStage is taken from ${erlLibs(otp)}`);
  const libs = join(stage.folder, "_build/prod/lib");
  cpSync(erlLibs(otp), join(stage.upper, libs), { recursive: true, dereference: true });
  stage.env.ERL_LIBS = libs;
  return execute(stage, ["sh", "-c", step.slice(step.indexOf("&&") + 3)]);
}

/** Starts what the image starts, asks for its health, and looks whether GenStage and the fixtures are there. */
function prove(stage, otp) {
  const health = stage.health.map((word) => `'${word}'`).join(" ");
  if (otp === undefined) {
    if (!execute(stage, ["sh", "-c", health], { quiet: true })) fail("HEALTHCHECK");
    return console.log("tiebeam: built");
  }
  const epmd = `${stage.command.join(" ")} & for i in 1 2 3 4 5; do ${health} && exit 0; sleep 0.2; done; exit 1`;
  if (!execute(stage, ["sh", "-c", epmd], { quiet: true, alone: true })) fail("HEALTHCHECK");
  const look = `
    {:module, _} = Code.ensure_loaded(Fixtures.Counter)
    :ok = Application.load(:gen_stage)
    IO.write([System.otp_release(), " ", System.version(), ", GenStage ", Application.spec(:gen_stage, :vsn)])`;
  const found = execute(stage, ["elixir", "-e", look], { quiet: true });
  const tool = execute(stage, ["sh", "-c", "command -v erl_call"], { quiet: true });
  if (!found || !tool) fail("the image lacks something");
  console.log(`otp-${otp}: built, with OTP ${found}, in the place of ${stage.image}`);
}

function fail(what) {
  console.error(`failed: ${what}`);
  process.exit(1);
}
