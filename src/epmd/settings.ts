import { env as processEnv } from "node:process";
import { ArgumentError } from "../base/index.ts";
import { DEFAULT_EPMD_PORT } from "./wire.ts";

/** What the environment says about epmd, in the variables that Erlang's own tools read. */
export interface EpmdSettings {
  /** `ERL_EPMD_PORT`, default 4369: where an epmd listens, and where every epmd is looked for. */
  readonly port: number;
  /** `ERL_EPMD_ADDRESS`, a list with commas: where a server listens beside loopback. Empty: everywhere. */
  readonly addresses: readonly string[];
  /** `ERL_EPMD_RELAXED_COMMAND_CHECK`: whether a server obeys STOP, and KILL while nodes are registered. */
  readonly relaxed: boolean;
}

/**
 * Reads the settings of epmd from an environment.
 *
 * @param env - by default that of the process.
 * @throws {@link ArgumentError} when `ERL_EPMD_PORT` is no port.
 */
export function epmdSettings(env: Readonly<Record<string, string | undefined>> = processEnv): EpmdSettings {
  return {
    port: portSetting(env.ERL_EPMD_PORT),
    addresses: (env.ERL_EPMD_ADDRESS ?? "")
      .split(",")
      .map((address) => address.trim())
      .filter((address) => address !== ""),
    relaxed: env.ERL_EPMD_RELAXED_COMMAND_CHECK !== undefined,
  };
}

function portSetting(text: string | undefined): number {
  if (text === undefined || text === "") return DEFAULT_EPMD_PORT;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw new ArgumentError("ERL_EPMD_PORT", `ERL_EPMD_PORT has to be a port from 1 to 65535, not "${text}"`);
  }
  return port;
}
