// An epmd of its own, the measuring BEAM, and the peers that were started for it. Leaves nothing behind.
import { randomBytes } from "node:crypto";
import { startEpmd } from "./harness.mjs";
import { startElixir, startPeer } from "./peers.mjs";

export class Network {
  release;
  epmdPort;
  cookie;
  /** The measuring BEAM, see bench/driver.exs. */
  driver;
  #started = [];

  constructor(release, epmd) {
    this.release = release;
    this.epmdPort = epmd.port;
    this.cookie = randomBytes(10).toString("hex");
    this.#started.push(() => epmd.stop());
  }

  /** Runs `work` with a network, and stops whatever was started however that ends. */
  static async with(release, work) {
    const network = new Network(release, await startEpmd(release));
    try {
      network.driver = await startElixir(network, "bench-driver", "support/stages.exs", "peers/beam.exs", "driver.exs");
      network.#started.push(() => network.driver.kill());
      await network.driver.eval("Bench.Driver.start(); nil");
      return await work(network);
    } finally {
      for (const stop of network.#started.reverse()) await stop();
    }
  }

  async startPeer(name) {
    const peer = await startPeer(name, this);
    if (peer.reason === undefined) this.#started.push(() => peer.stop());
    return peer;
  }
}
