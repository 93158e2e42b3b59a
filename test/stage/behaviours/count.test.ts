import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { notAcross } from "../../../interop/support/not-across.ts";
import { FLOW_ONLY, LEFT_OUT } from "./left-out.ts";

const BEHAVIOURS = 242;
const ROOT = join(import.meta.dirname, "../../..");

/** What the files of a folder say where these expressions match. */
function found(folder: string, name: RegExp, ...expressions: RegExp[]): Set<number> {
  const texts = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => name.test(file))
    .map((file) => readFileSync(join(ROOT, folder, file), "utf8"));
  const matches = texts.flatMap((text) => expressions.flatMap((expression) => text.match(expression) ?? []));
  return new Set(matches.flatMap((match) => match.match(/\d+/g) ?? []).map(Number));
}

/** `"#1, #2: ..."` or `"#1 #2 ..."` at the beginning of a name. */
const NUMBERED = /["'`]#\d+(,? #\d+)*/g;

test("each behaviour of GenStage is tested here or with real ones, or it is said why not", () => {
  const here = found("test/stage", /\.test\.ts$/, NUMBERED);
  const across = found("interop/suites", /^(gen-stage|flow).*\.(ts|exs)$/, NUMBERED, /^ {2}behaviour \d+,/gm);
  const leftOut = new Set(Object.keys(LEFT_OUT).map(Number));

  const all = Array.from({ length: BEHAVIOURS }, (_, i) => i + 1);
  const live = FLOW_ONLY.filter((n) => across.has(n));
  // biome-ignore lint/suspicious/noConsole: the figures are what somebody looks for
  console.info(
    `GenStage's ${BEHAVIOURS} behaviours: ${here.size} tested here, ${across.size} with real GenStages, ` +
      `${leftOut.size} left out; of the ${FLOW_ONLY.length} that are Flow's own ${live.length} tested with a real one`,
  );
  expect(all.filter((n) => !here.has(n) && !across.has(n) && !leftOut.has(n))).toEqual([]);
  expect([...leftOut, ...FLOW_ONLY].filter((n) => here.has(n))).toEqual([]);
  expect([...here, ...across].filter((n) => !all.includes(n))).toEqual([]);
  expect(all.filter((n) => !across.has(n))).toEqual(notAcross.toSorted((a, b) => a - b));
});
