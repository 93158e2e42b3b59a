// Measured nodes made with what comes with Erlang/OTP for C (erl_interface) and Java (jinterface), where that is installed.
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { epmdNames, startProcess, uniqueName } from "./harness.mjs";

const LIBRARIES = "/usr/lib/erlang/lib";
const JAR = "/usr/share/java/OtpErlang.jar";
const START_MS = 30_000;

export async function eiPeer(network) {
  const version = libraryNamed("erl_interface");
  if (version === undefined) return { reason: "erl_interface is not installed" };
  const library = join(LIBRARIES, version);
  const libraryFlags = [`-I${library}/include`, `-L${library}/lib`, "-lei", "-lpthread"];
  return built(
    (folder) => ["cc", "-O2", "-D_REENTRANT", source("ei.c"), "-o", join(folder, "ei"), ...libraryFlags],
    (folder) => foreignNode(network, version, [join(folder, "ei")]),
  );
}

export async function jinterfacePeer(network) {
  if (!existsSync(JAR)) return { reason: "jinterface is not installed" };
  return built(
    (folder) => ["javac", "-cp", JAR, "-d", folder, source("Jinterface.java")],
    (folder) =>
      foreignNode(network, libraryNamed("jinterface") ?? JAR, ["java", "-cp", `${JAR}:${folder}`, "Jinterface"]),
  );
}

const source = (name) => fileURLToPath(new URL(`../peers/${name}`, import.meta.url));

/** As in "erl_interface-5.3". */
const libraryNamed = (name) =>
  existsSync(LIBRARIES) ? readdirSync(LIBRARIES).find((each) => each.startsWith(`${name}-`)) : undefined;

/** Compiles into a folder that is there until the peer stops. */
async function built(command, start) {
  const folder = await mkdtemp(join(tmpdir(), "bench-peer-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  const reason = await failureOf(command(folder));
  const peer = reason === undefined ? await start(folder) : { reason };
  if (peer.reason !== undefined) {
    await remove();
    return peer;
  }
  const stop = async () => {
    await peer.stop();
    await remove();
  };
  return { ...peer, stop };
}

async function failureOf(argv) {
  try {
    const compiler = await startProcess({ argv });
    return (await compiler.exited) === 0 ? undefined : `it does not compile: ${compiler.output().split("\n")[0]}`;
  } catch {
    return `there is no ${basename(argv[0])}`;
  }
}

/** A program that is a node as soon as epmd knows its name. */
async function foreignNode({ cookie, epmdPort }, version, program) {
  const alive = uniqueName("bench-foreign");
  const node = `${alive}@127.0.0.1`;
  const running = await startProcess({ argv: [...program, node, cookie], env: { ERL_EPMD_PORT: String(epmdPort) } });
  const stop = async () => {
    running.signal("SIGKILL");
    await running.exited;
  };
  for (const deadline = Date.now() + START_MS; !(await epmdNames(epmdPort)).includes(alive); await sleep(20)) {
    if (Date.now() < deadline) continue;
    await stop();
    return { reason: `it did not start: ${running.output().split("\n")[0]}` };
  }
  return { node, pid: running.pid, version, cannot: noStages, stop };
}

/** It has no GenStage, and no processes whose memory could be told. */
const noStages = ({ operation }) =>
  /^(stage_|idle)/.test(operation) ? "it has no stages and no processes" : undefined;
