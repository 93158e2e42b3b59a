// BEAM releases out of Debian packages: the one of this machine's own distribution, and others in root folders.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { isInstalled, lastLine, run } from "./command.mjs";
import { clearAbandoned, debianSuites, foreignTools, packages, remove, rootFolder } from "./places.mjs";

const isRoot = process.getuid?.() === 0;

/** Installs Erlang, Elixir and debootstrap from this machine's own packages where they are missing and that is possible. */
export async function installLocal() {
  const lacking = [];
  if (!((await isInstalled("erl")) && (await isInstalled("elixir")))) lacking.push(...packages);
  if (!(await isInstalled("debootstrap"))) lacking.push("debootstrap");
  if (lacking.length === 0 || !isRoot || !(await isInstalled("apt-get"))) return;
  console.log(`installing ${lacking.includes("elixir") ? "Erlang, Elixir and " : ""}debootstrap with apt`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...lacking];
  await run(["apt-get", "update", "-qq"], { env });
  const { ok, output } = await run(install, { env });
  if (!ok) console.log(`apt could not install them (${lastLine(output)})`);
}

/**
 * Installs the nodes of others that the suites meet, where that starts no service: Debian starts none where
 * `policy-rc.d` forbids it, as in containers. Gives a line that says what is missing, if anything is.
 */
export async function installForeignTools() {
  const lacking = Object.keys(foreignTools).filter((name) => !existsSync(foreignTools[name]));
  if (lacking.length === 0) return undefined;
  if (!isRoot || !(await isInstalled("apt-get")) || !existsSync("/usr/sbin/policy-rc.d")) {
    return `not installed: ${lacking.join(", ")}; their tests are skipped`;
  }
  const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...lacking];
  const { ok, output } = await run(install, { env });
  return ok ? undefined : `apt could not install ${lacking.join(", ")} (${lastLine(output)}); their tests are skipped`;
}

/** The release on the PATH, or nothing when Erlang or Elixir is not installed. */
export async function localRelease() {
  const versions = 'IO.write([System.otp_release(), " ", System.version()])';
  const { ok, stdout } = await run(["elixir", "-e", versions]);
  if (!ok) return undefined;
  const [otp, elixir] = stdout.trim().split(" ");
  return { otp, elixir };
}

/** The release in its root folder, or nothing when that folder is missing or cannot be entered. */
export function rootRelease(otp) {
  const found = isRoot ? inspectRoot(rootFolder(otp)) : undefined;
  return found?.otp === otp ? found : undefined;
}

/** Why no root folder can be made on this machine, or nothing when it can. */
export async function whyNoRoots() {
  if (!isRoot) return "a Debian root folder can only be made and entered as root";
  if (!(await isInstalled("debootstrap"))) return "debootstrap is not installed";
  if (!(await debianMirror())) return "apt knows no Debian mirror; set TIEBEAM_DEBIAN_MIRROR";
  return undefined;
}

/** Makes the root folder of a release: beside its place first, so that one that was interrupted is never taken for ready. */
export async function makeRoot(otp) {
  const suite = debianSuites[otp];
  if (!suite)
    return { reason: `no Debian suite is known to carry it; known are ${Object.keys(debianSuites).join(", ")}` };
  const place = rootFolder(otp);
  const building = `${place}.${process.pid}`;
  console.log(`OTP ${otp}: making a Debian ${suite} root folder`);
  mkdirSync(dirname(place), { recursive: true });
  clearAbandoned(dirname(place));
  try {
    const include = `--include=${[...packages, "ca-certificates"].join(",")}`;
    const bootstrap = ["debootstrap", "--variant=minbase", include, suite, building, await debianMirror()];
    const { ok, output } = await run(bootstrap, { env: await proxyOfApt() });
    if (!ok) return { reason: `debootstrap of ${suite} failed: ${lastLine(output)}` };
    rmSync(join(building, "var/cache/apt"), { recursive: true, force: true });
    rmSync(join(building, "var/lib/apt/lists"), { recursive: true, force: true });

    const found = inspectRoot(building);
    if (found?.otp !== otp) return { reason: `Debian ${suite} carries OTP ${found?.otp ?? "unknown"}` };
    if (!existsSync(place)) renameSync(building, place); // another run may have been faster
    return { release: inspectRoot(place) };
  } finally {
    remove(building);
  }
}

/** Reads which release a root folder holds from its files, which is quicker than starting it. */
function inspectRoot(root) {
  try {
    const [otp] = readdirSync(join(root, "usr/lib/erlang/releases")).filter((name) => /^\d+$/.test(name));
    const app = readFileSync(join(root, "usr/lib/elixir/lib/elixir/ebin/elixir.app"), "utf8");
    return { root, otp, elixir: /\{vsn,\s*"([^"]+)"/.exec(app)[1] };
  } catch {
    return undefined;
  }
}

/** The Debian mirror that apt itself uses, or the one named by `TIEBEAM_DEBIAN_MIRROR`. */
async function debianMirror() {
  if (process.env.TIEBEAM_DEBIAN_MIRROR) return process.env.TIEBEAM_DEBIAN_MIRROR;
  const { ok, stdout } = await run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
  return ok ? stdout.split("\n").find((uri) => /\/debian\/?$/.test(uri)) : undefined;
}

/** The proxy that apt uses, in the form that debootstrap's downloader reads. */
async function proxyOfApt() {
  const { stdout } = await run(["apt-config", "shell", "PROXY", "Acquire::http::Proxy"]);
  const proxy = /^PROXY='(.+)'$/m.exec(stdout)?.[1];
  return proxy ? { http_proxy: proxy } : {};
}
