import { mkdirSync } from "node:fs";
import { availableParallelism, freemem } from "node:os";
import { join } from "node:path";
import type { ContainerRuntimeClient, StartedTestContainer } from "testcontainers";
import { genStageIn } from "../gen-stage.ts";
import { PRINT_VERSIONS } from "../local.ts";
import { cacheFolder } from "../places.ts";
import type { Command, Provider, Release } from "../provider.ts";
import { buildImage, SHARED, startBeside } from "./containers.ts";
import { findEngine, images, ownContainer } from "./engine.ts";
import { startInContainer } from "./exec.ts";

export { findEngine, images as dockerImages } from "./engine.ts";
export { startDockerNetwork } from "./network.ts";

/** What building or starting one container may take. */
const BYTES_PER_CONTAINER = 1.5 * 1024 ** 3;

const started: StartedTestContainer[] = [];

/**
 * Releases in containers that share the network and the process ids of this process, so that what suites do with loopback, ports and
 * signals is the same as with programs of this machine. The images are built where they are missing. Containers end with
 * {@link Provider.stop}, and where that is not reached with testcontainers' own reaper.
 */
export const docker: Provider = {
  name: "docker",

  async find(otps = Object.keys(images)) {
    const engine = await findEngine();
    if ("reason" in engine) return [];
    const atOnce = Math.min(availableParallelism(), Math.max(1, Math.floor(freemem() / BYTES_PER_CONTAINER)));
    const wanted = otps.filter((otp) => otp in images);
    const releases: Release[] = [];
    const work = async () => {
      for (let otp = wanted.shift(); otp !== undefined; otp = wanted.shift())
        releases.push(await startRelease(engine, otp));
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return releases;
  },

  async missing(found, wanted = Object.keys(images)) {
    const engine = await findEngine();
    return wanted
      .filter((otp) => !found.includes(otp))
      .map((otp) => ({ otp, reason: "reason" in engine ? engine.reason : `no image for OTP ${otp}` }));
  },

  async start(release, command) {
    const engine = await findEngine();
    if ("reason" in engine) throw new Error(engine.reason);
    return startInContainer(engine.container.getById(release.container!), command);
  },

  async stop() {
    await Promise.all(started.splice(0).map((container) => container.stop({ timeout: 1_000 })));
  },
};

async function startRelease(engine: ContainerRuntimeClient, otp: string): Promise<Release> {
  const here = ownContainer === undefined ? join(cacheFolder, "docker", `otp-${otp}`) : join(SHARED, `otp-${otp}`);
  const there = ownContainer === undefined ? SHARED : here;
  mkdirSync(here, { recursive: true });
  const container = await startBeside(await buildImage(otp), here);
  started.push(container);

  const run = async (...argv: Command["argv"]) => {
    const program = await startInContainer(engine.container.getById(container.getId()), { argv });
    if ((await program.exited) !== 0)
      throw new Error(`${argv.join(" ")} in the container of OTP ${otp}: ${program.output()}`);
    return program.output().trim();
  };
  const [, otpVersion = "", elixir = ""] = (await run("elixir", "-e", PRINT_VERSIONS)).split(" ");
  // The harness reads the applications from here, so they leave the image.
  const libs = join(here, "image");
  await run(
    "sh",
    "-c",
    `mkdir -p ${there}/image && cp -R /opt/tiebeam/lib/gen_stage /opt/tiebeam/lib/flow ${there}/image/`,
  );
  const genStage = genStageIn(libs);
  return {
    otp,
    otpVersion,
    elixir,
    provider: "docker",
    shared: { here, there },
    container: container.getId(),
    ...(genStage && { genStage }),
  };
}
