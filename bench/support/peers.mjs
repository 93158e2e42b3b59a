// The measured nodes: how each is started, what it is, and which rows it cannot do.
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { eiPeer, jinterfacePeer } from "./foreign-peers.mjs";
import { startBeam, uniqueName } from "./harness.mjs";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Elixir code for a node: its modules are compiled by the release that runs it. */
export async function elixirOf(...files) {
  const texts = await Promise.all(files.map((file) => readFile(at(file), "utf8")));
  return `${texts.join("\n")}\nnil`;
}

/** A BEAM of the release with the code of `files`. Hidden, as a node of this library is, so that connecting is the same work. */
export async function startElixir(network, prefix, ...files) {
  const beam = await startBeam(network.release, {
    name: uniqueName(prefix),
    cookie: network.cookie,
    epmdPort: network.epmdPort,
    genStage: true,
    hidden: true,
  });
  await beam.eval(await elixirOf(...files));
  return beam;
}

async function beamPeer(network) {
  const beam = await startElixir(network, "bench-beam", "support/stages.exs", "peers/beam.exs");
  await beam.eval("Bench.Peer.start(); nil");
  return {
    node: beam.name,
    pid: beam.pid,
    version: `OTP ${beam.release.otpVersion}, Elixir ${beam.release.elixir}`,
    cannot: () => undefined,
    stop: () => beam.kill(),
  };
}

/** What a program beside the node may hold: so many small objects take 30 MB. */
const PROGRAM_OBJECTS = 400_000;

/** `folder` holds a build of the library. */
async function tiebeamPeer({ cookie, epmdPort }, folder = at("../dist"), objects = 0) {
  const node = `${uniqueName("bench-tiebeam")}@127.0.0.1`;
  const library = pathToFileURL(`${folder}/index.js`).href;
  const child = fork(at("peers/tiebeam.mjs"), [JSON.stringify({ library, name: node, cookie, epmdPort, objects })], {
    serialization: "advanced",
    // A session of its own, as the BEAMs have: Linux shares the processors between sessions, and this one may be busy.
    detached: true,
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.removeListener("exit", kill));
  const ended = once(child, "exit");
  const answer = () => Promise.race([once(child, "message"), ended.then(() => Promise.reject(new Error("it ended")))]);
  await answer();
  const { lend } = await import(library);
  const ask = async (order) => {
    const answered = answer();
    child.send(order);
    return (await answered)[0].result;
  };
  return {
    node,
    pid: child.pid,
    version: `Node.js ${process.version}`,
    cannot: ({ params }) => (params.lend && lend === undefined ? "nothing can be lent" : undefined),
    memory: () => ask("memory"),
    startProfile: () => ask("profile"),
    stopProfile: () => ask("profiled"),
    stop: async () => {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

const kinds = {
  tiebeam: tiebeamPeer,
  "tiebeam-in-a-program": (network, folder) => tiebeamPeer(network, folder, PROGRAM_OBJECTS),
  beam: beamPeer,
  ei: eiPeer,
  jinterface: jinterfacePeer,
};

/** Of a name and what follows its `=`: `tiebeam=../other/dist` is the build in that folder. */
export async function startPeer(name, network) {
  const [kind, where] = name.split("=");
  const start = kinds[kind];
  if (start === undefined) throw new Error(`no such peer: ${name}; there are ${Object.keys(kinds)}`);
  return start(network, where);
}
