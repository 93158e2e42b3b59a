import { Flag } from "../../src/dist/index.ts";
import { FaultyLink } from "../support/faulty-link.ts";
import type { Parts } from "./pair.ts";

/**
 * Peers that are broken on purpose, as what a cell is to be made of in place of the usual: real BEAMs that say something
 * else than they should. They show that the matrix sees what is wrong, and where. Our node has to be the one that connects.
 */
export const BROKEN = {
  /** Does not announce that it knows maps. */
  "drops a flag": () => altered(withoutFlags(Flag.MapTag | Flag.Mandatory25Digest)),
  /** Once connected, the first thing it says is no term of version 131. */
  "sends a wrong tag": () => altered(withWrongTag()),
  /** Takes six seconds for what a caller waits for five. */
  "answers late": async () => ({ echo: "Interop.LateEcho" }),
} satisfies Record<string, () => Promise<Pick<Parts, "link" | "echo">>>;

async function altered(change: (data: Buffer) => Buffer): Promise<{ link: FaultyLink }> {
  const link = await FaultyLink.listen();
  link.alter("back", change);
  return { link };
}

const LENGTH_BYTES = 2;
const SEND_CHALLENGE = "N".charCodeAt(0);
const ACK = "a".charCodeAt(0);

/** Takes flags out of the challenge, whose packet is `N`, the flags in eight bytes, and more. */
function withoutFlags(flags: bigint): (data: Buffer) => Buffer {
  let done = false;
  return (data) => {
    if (done) return data;
    for (const at of packets(data)) {
      if (data[at] !== SEND_CHALLENGE) continue;
      data.writeBigUInt64BE(data.readBigUInt64BE(at + 1) & ~flags, at + 1);
      done = true;
    }
    return data;
  };
}

/** Spoils the first byte of the first frame that is no tick, after the last packet of the handshake. */
function withWrongTag(): (data: Buffer) => Buffer {
  let connected = false;
  let done = false;
  return (data) => {
    if (connected && !done && data.length > 4) {
      data[4] = 130;
      done = true;
    }
    if (!connected) connected = packets(data).some((at) => data[at] === ACK);
    return data;
  };
}

/** Where the packets of a handshake begin, behind their lengths. They come whole. */
function packets(data: Buffer): number[] {
  const starts: number[] = [];
  for (let at = 0; at + LENGTH_BYTES < data.length; at += LENGTH_BYTES + data.readUInt16BE(at))
    starts.push(at + LENGTH_BYTES);
  return starts;
}
