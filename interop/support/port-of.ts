import { EpmdClient } from "../../src/epmd/index.ts";
import { tcpTransport } from "../../src/net/index.ts";
import type { Beam } from "../harness/index.ts";

/** Where a BEAM listens, as its epmd tells. */
export async function portOf({ name, epmdPort }: Pick<Beam, "name" | "epmdPort">): Promise<number> {
  const [alive = "", host = ""] = name.split("@");
  const epmd = new EpmdClient({ port: epmdPort, transport: tcpTransport });
  return (await epmd.lookup(alive, { host }))!.port;
}
