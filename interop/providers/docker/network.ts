import { type ContainerRuntimeClient, Network, type StartedTestContainer } from "testcontainers";
import { startProcess } from "../os-process.ts";
import type { Host, HostNetwork, Release } from "../provider.ts";
import { buildImage, startApart, startOurs } from "./containers.ts";
import { findEngine, ownContainer } from "./engine.ts";
import { startInContainer } from "./exec.ts";

const NAME = "containers";
const OURS = "tiebeam.test";
const nameOf = ({ otp }: Release) => `otp-${otp}.test`;

/**
 * Puts each release, and our side, on a host of its own: a container with a name and an address in a bridged network. Inside the
 * compose file these are its services; elsewhere they are made with testcontainers, and removed when disposed.
 */
export async function startDockerNetwork(releases: readonly Release[]): Promise<HostNetwork> {
  const engine = await findEngine();
  if ("reason" in engine) throw new Error(engine.reason);
  return ownContainer === undefined ? makeNetwork(engine, releases) : servicesBeside(engine, ownContainer, releases);
}

async function makeNetwork(engine: ContainerRuntimeClient, releases: readonly Release[]): Promise<HostNetwork> {
  const network = await new Network().start();
  const started: StartedTestContainer[] = [];
  const dispose = async () => {
    await Promise.all(started.map((container) => container.stop({ timeout: 1_000 })));
    await network.stop();
  };
  try {
    const { IPAM } = await engine.network.getById(network.getId()).inspect();
    const harness = (IPAM as { Config: { Gateway: string }[] }).Config[0]!.Gateway;
    const hostOf = (name: string, container: StartedTestContainer): Host => {
      started.push(container);
      return { name, address: container.getIpAddress(network.getName()), harness };
    };
    const apart = releases.map(async (release) => {
      const container = await startApart(await buildImage(release.otp), release.shared.here, network, nameOf(release));
      return { ...release, container: container.getId(), host: hostOf(nameOf(release), container) };
    });
    const container = await startOurs(network, OURS);
    return {
      name: NAME,
      releases: await Promise.all(apart),
      ours: {
        host: hostOf(OURS, container),
        node: "node",
        start: (command) => startInContainer(engine.container.getById(container.getId()), command),
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The network of the compose file, seen from its service `tiebeam`. */
async function servicesBeside(
  { container: { dockerode } }: ContainerRuntimeClient,
  own: string,
  releases: readonly Release[],
): Promise<HostNetwork> {
  const { Config, NetworkSettings } = await dockerode.getContainer(own).inspect();
  const project = Config.Labels["com.docker.compose.project"];
  const [networkName, { IPAddress: address }] = Object.entries(NetworkSettings.Networks)[0]!;
  const apart = releases.map(async (release) => {
    const label = [`com.docker.compose.project=${project}`, `com.docker.compose.service=otp-${release.otp}`];
    const [service] = await dockerode.listContainers({ filters: { label } });
    const there = service?.NetworkSettings.Networks[networkName]?.IPAddress;
    if (!service || !there) throw new Error(`the service otp-${release.otp} is not up`);
    return { ...release, container: service.Id, host: { name: nameOf(release), address: there, harness: address } };
  });
  return {
    name: NAME,
    releases: await Promise.all(apart),
    ours: { host: { name: OURS, address, harness: address }, node: process.execPath, start: startProcess },
    [Symbol.asyncDispose]: async () => {},
  };
}
