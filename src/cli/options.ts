import { type Command, Option } from "commander";
import { parseNodeName } from "./address.ts";
import { UsageError } from "./errors.ts";
import type { TermFlags } from "./render.ts";
import { addTlsOptions, type TlsFlags } from "./tls.ts";

/** Who this node is, for the commands that talk to one. */
export interface NodeFlags extends TermFlags, TlsFlags {
  readonly name?: string;
  readonly cookie?: string;
  readonly cookieFile?: string;
}

/** {@link NodeFlags}, and how long it may take. */
export interface PeerFlags extends NodeFlags {
  /** Milliseconds, `Infinity` for no limit. */
  readonly timeout: number;
}

const DEFAULT_TIMEOUT_MS = 5_000;

/** `--json`. */
export function addJsonOption(command: Command): Command {
  return command.addOption(new Option("--json", "print JSON, one value a line, errors too").default(false, "no"));
}

/** `--timeout`. */
export function addTimeoutOption(command: Command, what: string): Command {
  return command.addOption(
    new Option("--timeout <time>", `${what}: 500ms, 5s, 2m or infinity; a bare number is milliseconds`)
      .default(DEFAULT_TIMEOUT_MS, "5s")
      .argParser(parseDuration),
  );
}

/** `--syntax` and `--json`. */
export function addTermOptions(command: Command): Command {
  const syntax = new Option("--syntax <language>", "how terms are written").choices(["elixir", "erlang"]);
  return addJsonOption(command.addOption(syntax.default("elixir")));
}

/** `--name`, `--cookie`, `--cookie-file`, those of TLS, and how terms are written. */
export function addNodeOptions(command: Command): Command {
  command
    .option(
      "--name <node>",
      "be this node, registered and reachable (default: a new one that nobody sees)",
      parseNodeName,
    )
    .option("--cookie <cookie>", "the cluster's cookie; other users can see it in the list of processes")
    .option("--cookie-file <file>", "a file with the cookie (default: TIEBEAM_COOKIE, then ~/.erlang.cookie)");
  return addTermOptions(addTlsOptions(command));
}

/** {@link addNodeOptions} and `--timeout`. */
export function addPeerOptions(command: Command, timed = "how long it may take, connecting included"): Command {
  return addTimeoutOption(addNodeOptions(command), timed);
}

/** Milliseconds of `500ms`, `5s`, `2m`, `infinity` or a number of milliseconds. @throws UsageError */
export function parseDuration(text: string): number {
  if (text === "infinity") return Number.POSITIVE_INFINITY;
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? [];
  const ms = Number(digits) * (UNITS_MS[unit ?? "ms"] ?? Number.NaN);
  if (!(ms > 0)) throw new UsageError(`${text} is no time`, "a time is 500ms, 5s, 2m or infinity");
  return ms;
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** A parser of whole numbers from `least` to `most`. @throws UsageError */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
    throw new UsageError(`${text} is no whole number ${range}`);
  };
}
