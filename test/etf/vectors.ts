import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";

/**
 * What BEAMs wrote and judged. A `decode:` entry is input that was given to `binary_to_term`, with its verdict; a
 * `roundtrip:` entry is the entry before, decoded and encoded again; every other entry was written by
 * `term_to_binary` with `opts`. Recorded on each release by one script; runs of more than 4,000 bytes are shortened to
 * `[head, unit, times, tail]`, texts of terms to their ends.
 */
export interface Vector {
  readonly name: string;
  readonly term: string;
  readonly bytes: Uint8Array;
  readonly opts: string;
  readonly decode: "ok" | "badarg" | undefined;
}

export const RELEASES = [23, 25, 27, 29] as const;

export function vectorsOf(release: number): Vector[] {
  const path = join(import.meta.dirname, `../vectors/etf-otp${release}.json`);
  const entries = JSON.parse(readFileSync(path, "utf8")) as {
    name: string;
    term: string;
    hex: string | [head: string, unit: string, times: number, tail: string];
    opts?: string;
    decode?: "ok" | "badarg";
  }[];
  return entries.map(({ name, term, hex, opts, decode }) => {
    const whole = typeof hex === "string" ? hex : hex[0] + hex[1].repeat(hex[2]) + hex[3];
    return { name, term, bytes: Uint8Array.from(Buffer.from(whole, "hex")), opts: opts ?? "[]", decode };
  });
}

/** What decoding of compressed terms is given in the tests. */
export const inflate = (bytes: Uint8Array, size: number) => inflateSync(bytes, { maxOutputLength: size });

const LATER_THAN_23 = [
  "decode:NEW_PID_EXT_max",
  "decode:NEW_PID_EXT_id_28bit",
  "decode:NEW_PORT_EXT_max",
  "decode:V4_PORT_EXT",
  "decode:V4_PORT_EXT_max",
  "decode:NEWER_REFERENCE_EXT_4",
  "decode:NEWER_REFERENCE_EXT_5",
];
const RECORDS = ["decode:RECORD_EXT", "decode:RECORD_EXT_unexported", "decode:RECORD_EXT_no_fields"];

/** Accepted here although a BEAM refused them, each with its reason. */
export function acceptedHere(release: number, { name, opts }: Vector): string | undefined {
  if (opts === "[safe]") return "the option safe refuses atoms that the VM has not seen yet";
  if (name.startsWith("decode:own_node_"))
    return "only the node that is named can know that it never made the identity";
  if (release === 23 && LATER_THAN_23.includes(name)) return "wide identities came with OTP 24";
  if (release < 29 && RECORDS.includes(name)) return "native records came with OTP 29";
  return undefined;
}

/** Refused here although its writer reads it: LOCAL_EXT means something to the VM that wrote it only. */
export const LOCAL = "local_option";
