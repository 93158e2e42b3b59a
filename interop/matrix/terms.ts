import { decode, encode } from "../../src/etf/index.ts";
import type { Term } from "../../src/index.ts";
import { LOCAL, RELEASES, vectorsOf } from "../../test/etf/vectors.ts";

/** A term on its way to or from the subject. */
export const base64 = (term: unknown): string => Buffer.from(encode(term)).toString("base64");
export const unbase64 = (text: string): Term => decode(Buffer.from(text, "base64"));

/** What a BEAM reads from bytes and not from a link, which it closes at once: a reference without any words. */
const NOT_SENT = "NEWER_REFERENCE_EXT_0";

/** The recorded terms that a release takes from others, as lines of `name encoding`. */
export function recordedTerms(otp: string): string[] {
  const recorded = RELEASES.findLast((release) => release <= Number(otp)) ?? RELEASES[0];
  return vectorsOf(recorded)
    .filter(({ name, decode }) => name !== LOCAL && decode !== "badarg" && !name.endsWith(NOT_SENT))
    .map(({ name, bytes }) => `${name} ${Buffer.from(bytes).toString("hex")}`);
}
