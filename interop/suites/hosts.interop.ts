import { existsSync, readlinkSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { peers, startBeam } from "../harness/index.ts";
import {
  chosenProviders,
  type HostNetwork,
  startNamespaces,
  startProcess,
  whyNoNamespaces,
} from "../providers/index.ts";
import { findRuntimes, tryLink } from "../runtimes/index.ts";
import { until } from "../support/until.ts";

const [runtime] = findRuntimes();
const releases = peers().filter(({ genStage }) => genStage);
const inContainers = chosenProviders.includes("docker");
const reason = releases.length === 0 ? "no BEAM with GenStage" : inContainers ? undefined : whyNoNamespaces();

describe.skipIf(reason)("nodes on hosts of their own", () => {
  let network: HostNetwork;
  const releaseOf = (otp: string) => network.releases.find((release) => release.otp === otp)!;

  beforeAll(async () => {
    network = await (inContainers
      ? (await import("../providers/docker/index.ts")).startDockerNetwork
      : startNamespaces)(releases);
  });
  afterAll(() => network[Symbol.asyncDispose]());

  test.each(releases)(
    "a BEAM of OTP $otp and our node find each other by name, and all goes both ways",
    async ({ otp }) => {
      await using beam = await startBeam(releaseOf(otp), { genStage: true });

      const trial = await tryLink({ ...runtime!, argv: [network.ours.node] }, beam, { ours: network.ours });

      expect(beam.name).toMatch(`@otp-${otp}.test`);
      expect(readlinkSync(`/proc/${beam.pid}/ns/net`)).not.toBe(readlinkSync("/proc/self/ns/net"));
      expect(trial).toMatchObject({
        peers: [beam.name],
        echoed: true,
        received: 10_000,
        inOrder: true,
        answer: [1, "two", ["three"]],
        taken: { count: 10_000, in_order: true },
        ended: 0,
      });
    },
  );

  test("BEAMs on two hosts find each other by name too, so the network is in order", async (context) => {
    const [one, two] = network.releases.slice(-2);
    if (!one || !two) return context.skip("fewer than two releases at hand");
    await using a = await startBeam(one, { cookie: "same" });
    await using b = await startBeam(two, { cookie: "same" });

    expect(await a.eval(`Node.ping(:"${b.name}")`)).toBe("pong");
  });

  test.skipIf(inContainers)("nothing is left of hosts whose maker was killed", async () => {
    const providers = new URL("../providers/index.ts", import.meta.url);
    const typescript = new URL("../../examples/typescript.mjs", import.meta.url);
    const script = `
      import { startNamespaces } from "${providers}";
      const network = await startNamespaces([]);
      console.log("made", network.ours.host.enter[2]);
      setInterval(() => {}, 1_000);`;
    const argv = ["--import", typescript.href, "--input-type=module", "--eval", script];
    const maker = await startProcess({ argv: [process.execPath, ...argv] });
    await until(() => maker.output().includes("made"), 30_000);
    const made = [`/sys/class/net/tb${maker.pid}`, `/proc/${/made (\d+)/.exec(maker.output())?.[1]}`];
    expect(made.map(existsSync)).toEqual([true, true]);

    maker.signal("SIGKILL");

    await until(() => !made.some(existsSync));
  });
});

if (reason) test("nodes on hosts of their own", (context) => context.skip(reason));
