import { fileURLToPath } from "node:url";
import { GenericContainer, type StartedNetwork, type StartedTestContainer } from "testcontainers";
import { images, ownContainer } from "./engine.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));

/** Where a container sees the folder that it shares with this process. */
export const SHARED = "/var/cache/tiebeam";
const IDLE = ["sleep", "infinity"];

/** A container whose process ids are those that this process sees, with the user that this process is. */
class PeerContainer extends GenericContainer {
  constructor(image: string) {
    super(image);
    this.hostConfig.PidMode = ownContainer === undefined ? "host" : `container:${ownContainer}`;
    this.withUser(`${process.getuid!()}:${process.getgid!()}`);
  }

  /** Puts `here` at {@link SHARED}; beside a container of ours the volumes of that one are at the same places. */
  sharing(here: string): this {
    if (ownContainer === undefined) return this.withBindMounts([{ source: here, target: SHARED }]);
    this.hostConfig.VolumesFrom = [ownContainer];
    return this;
  }
}

/** Builds the image of a release where the engine does not have it yet. It stays, for the next run. */
export async function buildImage(otp: string): Promise<string> {
  const { base, genStage } = images[otp]!;
  const image = `tiebeam/otp-${otp}:latest`;
  await GenericContainer.fromDockerfile(repository, "interop/docker/otp.Dockerfile")
    .withBuildkit()
    .withBuildArgs({ BASE: base, GEN_STAGE: genStage })
    .build(image, { deleteOnExit: false });
  return image;
}

/** A container that shares network and process ids with this process, and in which nothing runs yet. */
export function startBeside(image: string, shared: string): Promise<StartedTestContainer> {
  const network = ownContainer === undefined ? "host" : `container:${ownContainer}`;
  return new PeerContainer(image).sharing(shared).withNetworkMode(network).withCommand(IDLE).start();
}

/** A container with a name in a network, and an epmd. */
export function startApart(
  image: string,
  shared: string,
  network: StartedNetwork,
  name: string,
): Promise<StartedTestContainer> {
  return new PeerContainer(image).sharing(shared).withNetwork(network).withNetworkAliases(name).start();
}

/** A container with a name in a network for programs of this project, which is at the same place there. */
export function startOurs(network: StartedNetwork, name: string): Promise<StartedTestContainer> {
  const project = [{ source: repository, target: repository, mode: "ro" as const }];
  const container = new PeerContainer("node:20.20.2-bookworm-slim").withBindMounts(project).withCommand(IDLE);
  return container.withNetwork(network).withNetworkAliases(name).start();
}
