// How fast is a node of this library, beside a BEAM and other nodes, as a BEAM sees it?
//
// One BEAM measures (bench/driver.exs): it calls, sends to and subscribes to each peer, and lets the peer do the same to it.
// In each round every peer has its turn at each row, in alternating order; a peer's ratio is the one to the BEAM peer in
// the same round. Reported are medians and the spread. Before anything is timed each peer has to give every payload
// back as it was, and each timing ends with a proof that everything has arrived.
//
// Run: npm run bench -- [options]                                          (needs BEAMs: npm run interop:prepare)
//   --rows calls-64-in,send,stage-maps    these rows (see bench/rows.mjs), or all whose ids begin so; default: all, and the codecs
//   --peers tiebeam,beam,tiebeam=DIR      default: all there are; DIR is another build of the library, to compare the two;
//                                         tiebeam-in-a-program is this library beside 30 MB of a program's objects
//   --otp 25,29                           releases; default: 25 and 29, as far as they are at hand
//   --rounds 5 --seconds 1                how often, and how long each timing takes
//   --nice=-10                            priority of the measuring BEAM and of the peers, beside other work (Linux, as root)
//   --short                               a few rows for a moment: does it run?
//   --profile FILE                        a CPU profile of tiebeam while the first of the rows is measured (profile-summary.mjs)
//   --soak 180                            instead: each row for so many seconds; what becomes of the memory of tiebeam
//   --json FILE                           all figures; --write puts the tables into docs/performance.md
// Output: tables on stdout, progress on stderr.
import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { chosenRows } from "./rows.mjs";
import { compareCodecs } from "./support/codec.mjs";
import { findReleases } from "./support/harness.mjs";
import { Meter } from "./support/measure.mjs";
import { memoryDuring } from "./support/memory.mjs";
import { Network } from "./support/network.mjs";
import { publish } from "./support/publish.mjs";
import { lineOf, summary } from "./support/report.mjs";

const { values: options } = parseArgs({
  options: {
    rows: { type: "string" },
    peers: { type: "string", default: "tiebeam,beam,jinterface,ei" },
    otp: { type: "string", default: "25,29" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "1" },
    nice: { type: "string", default: "0" },
    short: { type: "boolean", default: false },
    profile: { type: "string" },
    soak: { type: "string" },
    json: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
const SHORT = { rows: ["calls-64", "send-random-16b", "stage-integers", "connect"], rounds: 1, seconds: 0.02 };
const full = { rows: options.rows?.split(","), rounds: Number(options.rounds), seconds: Number(options.seconds) };
const { rows: ids, rounds, seconds } = options.short ? SHORT : full;
const rows = chosenRows(ids);
const names = options.peers.split(",");
if (options.write && ids !== undefined) throw new Error("--write wants all rows; for some there is bench/write.mjs");
/** Made by others: that they fail is a result. */
const FOREIGN = /^(ei|jinterface)/;
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1)); // ends what was started, too
const progress = (text) => process.stderr.write(`${text}\n`);

async function measureOn(network) {
  const { release } = network;
  const peers = [];
  const missing = {};
  for (const name of names) {
    const peer = await network.startPeer(name);
    if (peer.reason === undefined) peers.push({ name, ...peer, meter: new Meter(network.driver, peer, seconds) });
    else missing[name] = peer.reason;
  }
  for (const { meter } of peers) await meter.check();

  const measured = [];
  for (const row of rows) measured.push(await measureRow(row, peers));
  const versions = Object.fromEntries(peers.map(({ name, version }) => [name, version]));
  return { otp: release.otp, otpVersion: release.otpVersion, peers: versions, missing, rows: measured };
}

async function measureRow(row, peers) {
  const cannot = new Map(peers.map((peer) => [peer.name, peer.cannot(row)]));
  const able = () => peers.filter(({ name }) => cannot.get(name) === undefined);
  /** A peer that fails has no place in the row, and the others go on. */
  const unlessItFails = async ({ name }, work) => {
    try {
      return await work();
    } catch (error) {
      progress(`${row.id}, ${name}: ${error.message}`);
      if (!FOREIGN.test(name)) process.exitCode = 1;
      cannot.set(name, `fails: ${error.message.split("\n")[0]}`);
    }
  };

  for (const peer of able()) await unlessItFails(peer, () => peer.meter.warmUp(row));
  const ofRounds = [];
  for (let i = 0; i < rounds; i++) {
    const round = {};
    for (const peer of i % 2 === 0 ? able() : able().toReversed())
      await unlessItFails(peer, async () => {
        round[peer.name] = await peer.meter.measure(row);
      });
    ofRounds.push(round);
  }
  const result = summary(row, ofRounds);
  for (const [name, reason] of cannot) if (reason !== undefined) result.peers[name] = { cannot: reason };
  progress(lineOf(result));
  return result;
}

/** A profile of the first row, without its warm-up. */
async function profileOn(network) {
  const peer = await network.startPeer("tiebeam");
  const meter = new Meter(network.driver, peer, seconds);
  await meter.warmUp(rows[0]);
  await meter.measure(rows[0]);
  await peer.startProfile();
  const { value } = await meter.measure(rows[0]);
  await writeFile(options.profile, JSON.stringify(await peer.stopProfile()));
  progress(
    `${rows[0].title}: ${Math.round(value)} ${rows[0].unit} while being profiled, on OTP ${network.release.otp}`,
  );
}

/** Each row with a peer of its own, so that it starts from nothing. */
async function soakOn(network) {
  const measured = [];
  for (const row of rows) {
    const peer = await network.startPeer("tiebeam");
    if (peer.cannot(row) === undefined) {
      const result = await memoryDuring(new Meter(network.driver, peer, seconds), peer, row, Number(options.soak));
      progress(`${row.id}: ${JSON.stringify(result.first)} ${JSON.stringify(result.last)} MB`);
      measured.push(result);
    }
    await peer.stop();
  }
  return measured;
}

const nice = Number(options.nice);
const wanted = options.otp.split(",");
const releases = (await findReleases()).filter(({ otp, genStage }) => genStage && wanted.includes(otp));
if (releases.length === 0) throw new Error(`there is no BEAM of ${wanted} with GenStage here: npm run interop:prepare`);
if (options.profile) {
  await Network.with(releases[0], nice, profileOn);
} else if (options.soak) {
  const measured = await Network.with(releases[0], nice, soakOn);
  const conditions = { node: process.version, otp: releases[0].otp, seconds: Number(options.soak) };
  await publish({ kind: "memory", ...conditions, rows: measured }, options);
} else {
  // Nothing in particular was asked for: everything is.
  const codec = ids === undefined && (await compareCodecs(options.otp));
  const load = [loadavg()[0]];
  const results = [];
  for (const release of releases) results.push(await Network.with(release, nice, measureOn));
  load.push(loadavg()[0]);
  const machine = { cpu: cpus()[0].model, cores: availableParallelism(), load };
  await publish({ kind: "rows", machine, rounds, seconds, results, ...(codec && { codec }) }, options);
}
