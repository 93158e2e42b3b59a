// An epmd of its own, the measuring BEAM, and the peers that were started for it. Leaves nothing behind.
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { startEpmd } from "./harness.mjs";
import { startElixir, startPeer } from "./peers.mjs";

export class Network {
  release;
  epmdPort;
  cookie;
  /** The measuring BEAM, see bench/driver.exs. */
  driver;
  #started = [];

  #nice;

  constructor(release, epmd, nice) {
    this.#nice = nice;
    this.release = release;
    this.epmdPort = epmd.port;
    this.cookie = randomBytes(10).toString("hex");
    this.#started.push(() => epmd.stop());
  }

  /** Runs `work` with a network, and stops whatever was started however that ends. */
  static async with(release, nice, work) {
    const network = new Network(release, await startEpmd(release), nice);
    try {
      network.driver = await startElixir(network, "bench-driver", "support/stages.exs", "peers/beam.exs", "driver.exs");
      network.#started.push(() => network.driver.kill());
      await network.#prioritise(network.driver);
      await network.driver.eval("Bench.Driver.start(); nil");
      return await work(network);
    } finally {
      for (const stop of network.#started.reverse()) await stop();
    }
  }

  async startPeer(name) {
    const peer = await startPeer(name, this);
    if (peer.reason !== undefined) return peer;
    this.#started.push(() => peer.stop());
    await this.#prioritise(peer);
    return peer;
  }

  /** For measuring on a machine with other work. Linux (autogroup) shares processors between sessions, and each is one. */
  async #prioritise({ pid }) {
    if (this.#nice !== 0) await writeFile(`/proc/${pid}/autogroup`, String(this.#nice));
  }
}
