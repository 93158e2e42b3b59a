import { readFileSync } from "node:fs";
import { join } from "node:path";

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
