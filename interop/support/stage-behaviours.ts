import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Node } from "../../src/index.ts";
import { type Beam, describePeers, type Release, startBeam } from "../harness/index.ts";
import { nodeBeside } from "./our-node.ts";
import { exposeProbeStages } from "./probe-stages.ts";

/** A scenario as its script announces it. */
interface Behaviour {
  readonly number: number;
  readonly title: string;
  /** The kinds of stages that are ours, one kind in each run. */
  readonly as: readonly string[];
  /** The first OTP release whose GenStage does it. */
  readonly since: number;
}

/** The nodes of a suite. */
export interface StageNodes {
  /** Where scenarios run. */
  readonly beam: Beam;
  /** Where the stages of the other side are in the run to compare with. */
  readonly other: Beam;
  readonly node: Node;
}

/**
 * Runs each scenario of a script (see `Fixtures.Behaviours`) twice for each kind of stages that it names: with these on another
 * BEAM, and here. What all callbacks were told, and all that the stages on the BEAM received, has to be the same.
 */
export function describeBehaviours(
  title: string,
  script: URL,
  more: (nodes: () => StageNodes, release: Release) => void = () => {},
): void {
  const source = readFileSync(script, "utf8");
  const module = /defmodule (\w+)/.exec(source)![1]!;
  const behaviours = behavioursOf(source);

  describePeers(title, { genStage: true }, (release) => {
    let nodes: StageNodes;

    beforeAll(async () => {
      const [beam, other] = await startPair(release);
      nodes = { beam, other, node: await nodeBeside(beam) };
      exposeProbeStages(nodes.node);
      await other.eval(":logger.set_primary_config(:level, :none)");
      await beam.eval(`:logger.set_primary_config(:level, :none); ${source}`);
    });

    afterAll(async () => {
      await nodes?.node.stop();
      await nodes?.beam[Symbol.asyncDispose]();
      await nodes?.other[Symbol.asyncDispose]();
    });

    for (const { number, title, as, since } of behaviours) {
      if (Number(release.otp) < since) continue;
      const text = JSON.stringify(title).replaceAll("#{", "\\#{");
      const run = (there: string, node: string) =>
        nodes.beam.eval<string[]>(
          `Fixtures.Behaviours.run(${module}, ${number}, ${text}, there: :${there}, node: :"${node}")`,
        );

      test.each([...as])(`#${number} ${title} (%s here)`, async (there) => {
        const expected = await run(there, nodes.other.name);
        const seen = await run(there, nodes.node.name);

        expect(seen).toEqual(expected);
      });
    }

    more(() => nodes, release);
  });
}

/** Two BEAMs with GenStage that may know each other. */
export async function startPair(release: Release): Promise<[Beam, Beam]> {
  const beam = await startBeam(release, { genStage: true });
  const other = await startBeam(release, { genStage: true, cookie: beam.cookie });
  return [beam, other];
}

function behavioursOf(source: string): Behaviour[] {
  const announced = /^ {2}behaviour (\d+),\s*"((?:[^"\\]|\\.)*)"(.*?) do$/gms;
  return Array.from(source.matchAll(announced), ([, number, title, options]) => ({
    number: Number(number),
    title: JSON.parse(`"${title}"`) as string,
    as: /as: \[(.*?)\]/s.exec(options!)?.[1]?.match(/\w+/g) ?? ["producer", "consumer"],
    since: Number(/since: (\d+)/.exec(options!)?.[1] ?? 0),
  }));
}
