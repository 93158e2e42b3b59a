import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { abilitiesOf } from "../../src/dist/abilities.ts";
import { Ctrl } from "../../src/dist/control-codes.ts";
import type { Signal } from "../../src/dist/index.ts";
import { PacketWriter } from "../../src/dist/packet-writer.ts";
import { Encoder } from "../../src/etf/index.ts";
import { sameSignal } from "./links.ts";
import { framesFor, readerFor, told } from "./packets.ts";
import { recordings } from "./recordings.ts";

/** What a BEAM sent to a peer without some flags, or with trace tokens. How it was recorded is in the file. */
interface Recorded {
  readonly otp: string;
  readonly what: string;
  readonly peer: string;
  readonly flags: string;
  readonly frames: readonly string[];
  readonly kinds: readonly string[];
  readonly signals: readonly string[];
}

const file = join(import.meta.dirname, "../vectors/control-forms.json");
const recorded: Recorded[] = JSON.parse(readFileSync(file, "utf8")).recordings;

function read({ peer, flags, frames }: Recorded): Signal[] {
  const reader = readerFor(peer, BigInt(flags));
  return frames.map((frame) => reader.read(Buffer.from(frame, "hex"))!);
}

describe.each(recorded.map((each) => [`${each.what}, of OTP ${each.otp}`, each] as const))("%s", (_, each) => {
  test("is read as what it is", () => {
    expect(read(each).map(told)).toEqual(each.signals);
  });

  test("is the same signal when we write it", () => {
    const abilities = abilitiesOf(BigInt(each.flags));
    const packets = new PacketWriter(abilities, new Encoder({ peer: abilities }));
    const again = readerFor(each.peer, BigInt(each.flags));

    for (const signal of read(each)) {
      const [frame, ...more] = framesFor(packets, signal);
      expect(more).toEqual([]);
      expect(sameSignal(again.read(frame!.subarray(4))!, signal)).toBe(true);
    }
  });
});

test("every control message that a BEAM sends is in a recording", () => {
  const inNotes = recordings(23, 25, 27, 29)
    .flatMap(({ packets }) => packets.map(({ note }) => /\b[A-Z][A-Z0-9_]+ \{(\d+),/.exec(note)?.[1]))
    .filter((number) => number !== undefined);
  const seen = new Set(
    [...inNotes, ...recorded.flatMap(({ kinds }) => kinds)].map((kind) => Number.parseInt(kind, 10)),
  );
  // exit/2 carries no trace token, on any release.
  const never = [Ctrl.Exit2Tt, Ctrl.PayloadExit2Tt];

  const missing = Object.entries(Ctrl).filter(([, number]) => !seen.has(number));

  expect(missing.map(([, number]) => number)).toEqual(never);
});
