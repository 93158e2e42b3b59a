// The demo: an Elixir shop publishes orders through GenStage, a TypeScript process consumes them, prices them by asking
// the shop, and answers the shop what was sold. Run it with: npm run demo -- [--seconds 10 | --forever] [--rate 2000]
//
// Everything that it starts ends with it. It brings an epmd of its own, so that it meets no other node of this machine.
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startEpmd } from "tiebeam/epmd";
import { prepareGenStage } from "../../interop/prepare/gen-stage.mjs";

const USAGE = "usage: npm run demo -- [--seconds N | --forever] [--rate ORDERS_PER_SECOND] [--without-elixir]";
const SHOP = "shop@127.0.0.1";
const WEB = "web@127.0.0.1";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const settings = readSettings();
if (settings === undefined) process.exit(2);

// An interrupt reaches the web side as well, which ends with its summary; the demo ends after it.
process.on("SIGINT", () => {});

const elixir = settings.withoutElixir ? { missing: "--without-elixir was given" } : await findElixir();
if (elixir.missing) {
  console.log(`${elixir.missing}: both sides run as tiebeam nodes, over tiebeam's own epmd`);
} else {
  console.log(`Elixir ${elixir.version} on OTP ${elixir.otp} publishes orders, TypeScript consumes them`);
}

const epmd = await startEpmd({ port: 0, addresses: ["127.0.0.1"] });
const env = {
  ...process.env,
  ERL_EPMD_PORT: String(epmd.port),
  TIEBEAM_COOKIE: randomBytes(16).toString("hex"),
  ...(elixir.libs && { ERL_LIBS: elixir.libs }),
};
const shop = startShop();
try {
  await shop.opened;
  process.exitCode = await runWeb();
} catch (error) {
  console.error(`the shop could not be started: ${error.message}`);
  process.exitCode = 1;
} finally {
  await shop.close();
  await epmd.close();
}

function readSettings() {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: "string", default: "10" },
        forever: { type: "boolean", default: false },
        rate: { type: "string", default: "2000" },
        "without-elixir": { type: "boolean", default: false },
      },
    });
    const { forever, "without-elixir": withoutElixir } = values;
    const [seconds, rate] = [values.seconds, values.rate].map(Number);
    if (!(seconds > 0)) throw new Error(`--seconds has to be above 0, not ${values.seconds}`);
    if (!(Number.isInteger(rate) && rate > 0)) throw new Error(`--rate has to be a whole number, not ${values.rate}`);
    return { seconds: forever ? 0 : seconds, rate, withoutElixir };
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    return undefined;
  }
}

/** The Elixir of this machine with the ERL_LIBS that have GenStage, or why there is none. */
async function findElixir() {
  const asked = ask(process.env.ERL_LIBS);
  if (asked === undefined) return { missing: "there is no Elixir here" };
  if (asked.hasGenStage) return asked;
  const libs = [join(homedir(), ".cache/tiebeam/erl_libs", `otp-${asked.otp}`), process.env.ERL_LIBS]
    .filter(Boolean)
    .join(delimiter);
  if (!existsSync(join(libs.split(delimiter)[0], "gen_stage"))) {
    console.log("fetching GenStage from Hex");
    await prepareGenStage({ otp: asked.otp });
  }
  return ask(libs)?.hasGenStage ? { ...asked, libs } : { missing: `Elixir ${asked.version} is here, but no GenStage` };
}

function ask(libs) {
  const question = 'IO.puts(Enum.join([System.version(), System.otp_release(), Code.ensure_loaded?(GenStage)], " "))';
  const env = { ...process.env, ...(libs && { ERL_LIBS: libs }) };
  const { status, stdout } = spawnSync("elixir", ["-e", question], { env, encoding: "utf8" });
  if (status !== 0) return undefined;
  const [version, otp, hasGenStage] = stdout.trim().split("\n").at(-1).split(" ");
  return { version, otp, hasGenStage: hasGenStage === "true" };
}

/** Starts the shop in a process group of its own, which an interrupt does not reach, and reads what it says. */
function startShop() {
  const [program, args] = elixir.missing ? tiebeamShop() : elixirShop();
  const child = spawn(program, args, { env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const said = [];
  const isClosed = new Promise((resolve) => child.once("close", resolve));
  const opened = new Promise((resolve, reject) => {
    child.once("error", reject);
    void isClosed.then(() => reject(new Error(said.join("\n") || "it ended at once")));
    createInterface({ input: child.stdout }).on("line", (line) => (line === "open" ? resolve() : said.push(line)));
  });
  createInterface({ input: child.stderr }).on("line", (line) => said.push(line));
  child.stdin.on("error", () => {}); // it may have ended before
  opened.catch(() => {});
  return {
    opened,
    /** Its standard input ends, which tells it to close; what it says at the end is shown. */
    async close() {
      child.stdin.end();
      const impatient = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await isClosed;
      clearTimeout(impatient);
      if (process.exitCode === 0 && said.length > 0) console.log(said.at(-1));
    },
  };
}

function elixirShop() {
  const erl = `-start_epmd false -setcookie ${env.TIEBEAM_COOKIE} -kernel inet_dist_use_interface {127,0,0,1}`;
  const modules = ["lib/shop/prices.ex", "lib/stages/shop_orders.ex"].flatMap((file) => [
    "-r",
    at(`../../elixir-fixtures/${file}`),
  ]);
  return ["elixir", ["--erl", erl, "--name", SHOP, ...modules, at("shop.exs"), WEB, String(settings.rate)]];
}

function tiebeamShop() {
  return [process.execPath, ["--import", at("../typescript.mjs"), at("shop.ts"), WEB, String(settings.rate)]];
}

/** Runs the web side until it has ended, and gives its exit code. */
function runWeb() {
  const args = ["--import", at("../typescript.mjs"), at("web.ts"), "--name", WEB, "--shop", SHOP];
  const child = spawn(process.execPath, [...args, "--seconds", String(settings.seconds)], { env, stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
