import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { findGenStage } from "./gen-stage.ts";
import { enter, startProcess } from "./os-process.ts";
import { cacheFolder } from "./places.ts";
import type { Provider, Release } from "./provider.ts";

/** Elixir code that prints the release, its exact version and that of Elixir. */
export const PRINT_VERSIONS = `
otp = System.otp_release()
version = :filename.join([:code.root_dir(), "releases", otp, "OTP_VERSION"])
exact = case File.read(version) do {:ok, text} -> String.trim(text); _ -> otp end
IO.write(Enum.join([otp, exact, System.version()], " "))
`;

/** The Erlang and Elixir on the PATH. */
export const local: Provider = {
  name: "local",

  async find() {
    const versions = await printedVersions();
    if (versions === undefined) return [];
    const [otp = "", otpVersion = "", elixir = ""] = versions.split(" ");
    const shared = join(cacheFolder, "local", `otp-${otp}`);
    mkdirSync(shared, { recursive: true });
    const genStage = findGenStage(otp, process.env.ERL_LIBS);
    const release: Release = {
      otp,
      otpVersion,
      elixir,
      provider: "local",
      shared: { here: shared, there: shared },
      ...(genStage && { genStage }),
    };
    return [release];
  },

  start: ({ host }, { argv, env }) => startProcess({ argv: enter(host, argv), ...(env && { env }) }),
};

async function printedVersions(): Promise<string | undefined> {
  try {
    const elixir = await startProcess({ argv: ["elixir", "-e", PRINT_VERSIONS] });
    return (await elixir.exited) === 0 ? elixir.output().trim() : undefined;
  } catch {
    return undefined; // there is no `elixir` on the PATH
  }
}
