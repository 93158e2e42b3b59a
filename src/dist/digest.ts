import { hash, timingSafeEqual } from "node:crypto";

/** MD5 over the cookie's Latin-1 text and the challenge as unsigned decimal text (erl_dist_protocol, "gen_digest"). */
export function digestOf(challenge: number, cookie: string): Uint8Array {
  return hash("md5", Buffer.from(`${cookie}${challenge >>> 0}`, "latin1"), "buffer");
}

/** Compares two digests in a time that does not depend on where they differ. */
export function digestsEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
