import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { startEpmd } from "../../src/epmd/index.ts";
import {
  atom,
  type Calls,
  GenServer,
  GenStage,
  mod,
  type Node,
  reply,
  silentLogger,
  startNode,
  tuple,
} from "../../src/index.ts";

/**
 * What the documents take for granted: a home with a cookie, an epmd of its own, some files to read, and the node
 * shop@127.0.0.1 with the servers of the examples, played by tiebeam.
 */
export async function startWorld() {
  const folder = mkdtempSync(join(tmpdir(), "tiebeam-docs-"));
  const home = { HOME: process.env.HOME, ERL_EPMD_PORT: process.env.ERL_EPMD_PORT, folder: process.cwd() };
  writeFileSync(join(folder, ".erlang.cookie"), "secret", { mode: 0o600 });
  writeFileSync(join(folder, "events.ndjson"), '{"n":1}\n{"n":2}\n{"n":3}\n');
  mkdirSync(join(folder, "blocks"));
  const epmd = await startEpmd({ port: 0, addresses: ["127.0.0.1"] });
  process.env.HOME = folder;
  process.env.ERL_EPMD_PORT = String(epmd.port);
  return {
    folder,
    startPeer,
    async [Symbol.asyncDispose]() {
      await epmd.close();
      for (const name of ["HOME", "ERL_EPMD_PORT"] as const) {
        if (home[name] === undefined) delete process.env[name];
        else process.env[name] = home[name];
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface PricesApi {
  price(sku: string): number;
  reload(): unknown;
}

class Prices extends GenServer<PricesApi> {
  static readonly calls: Calls<Prices, PricesApi> = {
    price: (sku) => reply(100 + 10 * sku.length),
    reload: () => reply(atom("ok")),
  };
}

const orders = [1, 2, 3].map((id) => ({ id, sku: `sku-${id}`, count: id }));

/** The other node; `name` differs from shop@127.0.0.1 where a document calls from elsewhere. */
export async function startPeer(name = "shop@127.0.0.1"): Promise<Node> {
  const peer = await startNode({ name, logger: silentLogger });
  await peer.start(Prices, { name: mod("Shop.Prices") });
  await peer.start(
    GenStage.from(() => orders),
    { name: mod("Shop.Orders") },
  );
  peer.expose(mod("Shop.Stock"), {
    count: (sku: string) => sku.length,
    reserve(sku: string) {
      throw tuple(atom("sold_out"), sku);
    },
    async report() {
      await this.write("counting\n");
      return atom("ok");
    },
  });
  return peer;
}
