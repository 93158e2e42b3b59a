import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import type { TlsOptions } from "../api/index.ts";
import { UsageError } from "./errors.ts";

/** How connections to nodes are encrypted: not at all, by certificates in files, or as a file of the BEAM's says. */
export interface TlsFlags {
  readonly tls?: true;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsOptfile?: string;
}

/** `--tls` and what begins with it. */
export function addTlsOptions(command: Command): Command {
  return command
    .option("--tls", "use TLS; implied by the options below, of which --tls-ca or --tls-optfile has to be there")
    .option("--tls-ca <file>", "the authorities that nodes have their certificates from, as PEM")
    .option("--tls-cert <file>", "the certificate that this node shows, as PEM")
    .option("--tls-key <file>", "its key, as PEM (default: in the file of the certificate)")
    .addOption(
      new Option(
        "--tls-optfile <file>",
        "in place of those: a file that BEAM nodes have as -ssl_dist_optfile",
      ).conflicts(["tlsCa", "tlsCert", "tlsKey"]),
    );
}

/**
 * What the flags ask of TLS, undefined when nothing. With certificates given one by one both sides have to show one that
 * those authorities signed; only a file of the BEAM's may ask for less.
 *
 * @param listens - whether others connect to this node, who want to see a certificate.
 * @throws UsageError for flags that make no sense together, and files that cannot be read.
 */
export function tlsOptionsOf(flags: TlsFlags, listens: boolean): TlsOptions | undefined {
  const { tls, tlsCa, tlsCert, tlsKey, tlsOptfile } = flags;
  if (tlsOptfile !== undefined) return { optfile: tlsOptfile };
  if (!tls && tlsCa === undefined && tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCa === undefined) throw new UsageError("TLS needs authorities to trust", GIVE_FILES);
  if (tlsCert === undefined && tlsKey !== undefined)
    throw new UsageError("--tls-key is without --tls-cert", GIVE_FILES);
  if (tlsCert === undefined && listens) {
    throw new UsageError("a node that others connect to with TLS needs --tls-cert", GIVE_FILES);
  }
  return {
    ca: read("--tls-ca", tlsCa),
    cert: tlsCert && read("--tls-cert", tlsCert),
    key: tlsCert && read("--tls-key", tlsKey ?? tlsCert),
  };
}

const GIVE_FILES = "give --tls-ca, --tls-cert and --tls-key, or --tls-optfile alone";

function read(option: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new UsageError(`${option} cannot be read: ${(cause as Error).message}`);
  }
}
