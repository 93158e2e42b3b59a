import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hashOf, isInside } from "./conversation.ts";
import { differing, hashes, type Recording, recordings } from "./recordings.ts";

const TIMING = "who asks first after the first events is left to chance";
const STARVED = "before 1.3 demand of a consumer that is gone counted on: the next one gets nothing";
const NO_ALIAS = "a call monitored by a message of its own before OTP 24";

/** The scenarios in which something else was said than on OTP 29, and why. */
const WHY: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  23: {
    connection_lost_both_alive: STARVED,
    consumer_dies_with_unserved_demand: STARVED,
    demand_dispatcher_three_consumers: TIMING,
    flow_into_remote_consumer: NO_ALIAS,
    flow_through_remote_producer_consumer: NO_ALIAS,
    info_ordering: "before 1.3.1 infos at one place of the buffer came out in reverse",
  },
  25: { demand_dispatcher_three_consumers: TIMING },
  27: { demand_dispatcher_three_consumers: TIMING },
};

/** Where the whole recordings are, of which the vectors are then made anew. */
const WHOLE = process.env.TIEBEAM_RECORDINGS;

test.each(Object.entries(WHY))(
  "on OTP %s every pair of processes said what it said on OTP 29, but for those named here",
  (otp, why) => {
    const names = Object.keys(hashes).filter((scenario) => hashes[scenario]![otp] !== hashes[scenario]!["29"]);

    expect(names.toSorted()).toEqual(Object.keys(why));
    const kept = differing.filter((recording) => recording.otp === otp);
    expect(kept.map(({ scenario }) => scenario).toSorted()).toEqual(Object.keys(why));
  },
);

test("of every scenario and release there is a hash, and it is that of the recording", () => {
  expect(Object.keys(hashes)).toEqual(recordings.map(({ scenario }) => scenario).toSorted());
  for (const releases of Object.values(hashes)) expect(Object.keys(releases)).toEqual(["23", "25", "27", "29"]);
  const ours = [...recordings, ...differing].map((recording) => [recording.scenario, recording.otp, hashOf(recording)]);
  expect(ours).toEqual(ours.map(([scenario, otp]) => [scenario, otp, hashes[scenario!]![otp!]]));
});

test.runIf(WHOLE)("the vectors are made of whole recordings", () => {
  const whole = ["23", "25", "27", "29"].flatMap((otp) => wholeRecordings(join(WHOLE!, `gen_stage-otp${otp}.json`)));
  const made: Record<string, Record<string, string>> = {};
  for (const recording of whole.toSorted((a, b) => (a.scenario < b.scenario ? -1 : 1))) {
    made[recording.scenario] = { ...made[recording.scenario], [recording.otp]: hashOf(recording) };
  }
  const others = whole.filter(({ scenario, otp }) => made[scenario]![otp] !== made[scenario]!["29"]);

  const rows = Object.entries(made).map(([scenario, row]) => `${JSON.stringify(scenario)}: ${JSON.stringify(row)}`);
  write("gen-stage-hashes.json", `{\n${rows.join(",\n")}\n}\n`);
  write("gen-stage-differing.json", `[\n${others.map((recording) => JSON.stringify(recording)).join(",\n")}\n]\n`);
});

const write = (file: string, text: string) => writeFileSync(join(import.meta.dirname, "../vectors", file), text);

interface Whole extends Omit<Recording, "messages"> {
  readonly messages: readonly { from: string; to: string | null; kind: string; hex: string }[];
}

/** Without the log lines, and without what GenStage's and Flow's own processes say to each other. */
function wholeRecordings(file: string): Recording[] {
  const whole = JSON.parse(readFileSync(file, "utf8")) as Whole[];
  return whole.map(({ scenario, setup, otp, gen_stage, messages }) => ({
    scenario,
    setup,
    otp,
    gen_stage,
    messages: messages
      .filter(({ from, to, kind }) => kind !== "log" && !isInside(from, to ?? ""))
      .map(({ from, to, kind, hex }) => [from, to ?? "", kind, hex] as const),
  }));
}
