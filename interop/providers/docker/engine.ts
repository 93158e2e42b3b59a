import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { type ContainerRuntimeClient, getContainerRuntimeClient } from "testcontainers";

/** The images of every release: see `interop/docker/`. */
export const images = (
  JSON.parse(readFileSync(new URL("../../docker/images.json", import.meta.url), "utf8")) as {
    readonly releases: Readonly<Record<string, { readonly base: string; readonly genStage: string }>>;
  }
).releases;

/** The container that this process runs in, if it does (as the service `tiebeam` of the compose file). */
export const ownContainer = process.env.TIEBEAM_IN_CONTAINER ? hostname() : undefined;

/** The container engine, or why there is none. */
export async function findEngine(): Promise<ContainerRuntimeClient | { readonly reason: string }> {
  if (process.platform !== "linux") {
    return { reason: "containers share the network of this machine only on Linux; use `docker compose run tiebeam`" };
  }
  try {
    return await getContainerRuntimeClient();
  } catch (error) {
    return { reason: `no container engine answers (${(error as Error).message})` };
  }
}
