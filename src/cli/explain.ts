import { ArgumentError, NodeDownError, TiebeamError } from "../base/index.ts";
import { EpmdError } from "../epmd/index.ts";
import { NetError } from "../net/index.ts";
import { InterruptedError, UsageError } from "./errors.ts";
import { ExitCode } from "./exit-code.ts";

/** An error as the user gets to see it. */
export interface Explanation {
  readonly message: string;
  readonly code: string;
  /** One line that helps, where there is one. */
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;
}

/** Says what an error means to the user of a command, and with which code the command ends. */
export function explain(error: unknown): Explanation {
  const known = underlying(error);
  if (!(known instanceof TiebeamError)) {
    const message = known instanceof Error ? (known.stack ?? known.message) : String(known);
    return { message, code: "UNEXPECTED", hint: undefined, exitCode: ExitCode.failure };
  }
  const { code, message } = known;
  return { message, code, hint: hintFor(known), exitCode: exitCodeFor(known) };
}

/** A node that could not be connected to is down because of something, and that is what has to be said. */
function underlying(error: unknown): unknown {
  return error instanceof NodeDownError && error.cause instanceof TiebeamError ? underlying(error.cause) : error;
}

function exitCodeFor(error: TiebeamError): ExitCode {
  const { code } = error;
  if (error instanceof InterruptedError) return error.by === "SIGINT" ? ExitCode.interrupted : ExitCode.terminated;
  const exact = EXIT_CODES[code];
  if (exact !== undefined) return exact;
  const family = EXIT_FAMILIES.find(([start]) => code.startsWith(start));
  return family?.[1] ?? ExitCode.failure;
}

const EXIT_CODES: Readonly<Record<string, ExitCode>> = {
  EPIPE: ExitCode.ok,
  TIMEOUT: ExitCode.timeout,
  EXIT_TIMEOUT: ExitCode.timeout,
  EPMD_TIMEOUT: ExitCode.timeout,
  HANDSHAKE_TIMEOUT: ExitCode.timeout,
  NET_TIMEOUT: ExitCode.timeout,
  EPMD_NAME_TAKEN: ExitCode.refused,
  REFUSED: ExitCode.refused,
  TLS_TIMEOUT: ExitCode.timeout,
  NODEDOWN: ExitCode.unreachable,
  NODE_NAME_KIND: ExitCode.usage,
  NODE_UNKNOWN: ExitCode.unreachable,
  USAGE: ExitCode.usage,
  BADARG: ExitCode.usage,
  TERM_SYNTAX: ExitCode.usage,
};

const EXIT_FAMILIES: readonly (readonly [start: string, exitCode: ExitCode])[] = [
  ["EXIT_", ExitCode.refused],
  ["HANDSHAKE_", ExitCode.handshake],
  ["TLS_", ExitCode.handshake],
  ["EPMD_", ExitCode.unreachable],
  ["NET_", ExitCode.unreachable],
  ["DIST_", ExitCode.unreachable],
  ["COOKIE_", ExitCode.usage],
  ["ETF_", ExitCode.usage],
];

function hintFor(error: TiebeamError): string | undefined {
  if (error instanceof UsageError) return error.hint;
  const hint = HINTS[error.code];
  return typeof hint === "function" ? hint(error) : hint;
}

/** Where an error of epmd or of a stream took place. */
function place(error: TiebeamError): string {
  return error instanceof EpmdError || error instanceof NetError ? `${error.host}:${error.port}` : "there";
}

const GIVE_CERTIFICATES = "give its certificates by --tls-ca, --tls-cert and --tls-key, or by --tls-optfile";
const TLS_FILES = "--tls-ca, --tls-cert and --tls-key are files in PEM, --tls-optfile is one of -ssl_dist_optfile";
const GIVE_COOKIE = "by TIEBEAM_COOKIE, --cookie-file or --cookie";

const HINTS: Readonly<Record<string, string | ((error: TiebeamError) => string | undefined)>> = {
  BADARG: (error) => (error instanceof ArgumentError && error.argument === "tls" ? TLS_FILES : undefined),
  COOKIE_MISSING: `give the cluster's cookie ${GIVE_COOKIE}`,
  COOKIE_FILE: `give another cookie file, or the cookie ${GIVE_COOKIE}`,
  COOKIE_FILE_MODE: "chmod 600 makes it its owner's alone",
  DIST_LIMIT: "the peer sent more at once than is accepted here",
  EPMD_CLOSED: (error) => `is it an epmd that listens at ${place(error)}? ERL_EPMD_PORT sets where to look for one`,
  EPMD_LISTEN: (error) => `something that is no epmd listens at ${place(error)}; ERL_EPMD_PORT sets another port`,
  EPMD_NAME_TAKEN: 'a running node has that name: "tiebeam names" lists them; choose another --name',
  EPMD_PROTOCOL: (error) => `what listens at ${place(error)} is no epmd; ERL_EPMD_PORT sets where to look for one`,
  EPMD_TIMEOUT: (error) => `something listens at ${place(error)} and does not answer: is it an epmd, is it frozen?`,
  EPMD_UNREACHABLE: (error) =>
    `is a node running on that host, with its epmd at ${place(error)}? ERL_EPMD_PORT sets another port`,
  ETF_PEER: "the peer's release has no such kind of term",
  EXIT_NOPROC: "no process has that name on that node; Shop.Prices is the Elixir module, prices the atom :prices",
  EXIT_OTHER: "the process ended, or did not understand the request; its node's log says more",
  EXIT_TIMEOUT: "the process is there but did not reply in time; --timeout sets how long it has",
  HANDSHAKE_ALIVE: "that node has a connection to one of our name already; choose another --name, or none",
  HANDSHAKE_CLOSED: "that node closed the connection without a word: does it use TLS? its log may say why",
  HANDSHAKE_COOKIE: `the cookies differ; give that node's ${GIVE_COOKIE}`,
  HANDSHAKE_FLAGS: "that node's release and tiebeam cannot talk to each other; OTP 23 and newer can",
  HANDSHAKE_NAME: 'the node at that address has another name; "tiebeam names HOST" says which nodes epmd knows',
  HANDSHAKE_NOK: "that node is connecting to one of our name, or refuses our name; choose another --name, or none",
  HANDSHAKE_NOT_ALLOWED: "that node accepts certain names only (net_kernel:allow/1); be one of them by --name",
  HANDSHAKE_PROTOCOL: "what listens there is no Erlang node",
  HANDSHAKE_TIMEOUT: "something accepts connections there and does not answer: is the node frozen, or no node?",
  HANDSHAKE_TLS: `that node uses TLS for its connections; ${GIVE_CERTIFICATES}`,
  NET_ADDRESS_IN_USE: "another program listens there already",
  NET_FAILED: "the system refused it; its word for why stands above",
  NET_HOST_UNKNOWN: "the host part of the node's name has no address here",
  NET_NOT_PERMITTED: "the system does not allow it",
  NET_NO_SUCH_ADDRESS: "this machine does not have that address",
  NET_REFUSED: "epmd knows the node but its port is closed: has it just ended, or is a firewall in between?",
  NET_RESET: "the other side broke the connection off; its log may say why",
  NET_TIMEOUT: "is a firewall in between?",
  NET_UNREACHABLE: "there is no way to that host from here",
  NODEDOWN: "the connection was lost: has that node ended, or is the network down?",
  NODE_NAME_KIND: "a long name has a dot in its host part, a short one none; choose another --name, or leave it out",
  NODE_UNKNOWN: (error) => `"tiebeam names ${hostOf(error)}" lists the nodes that run there`,
  TERM_SYNTAX: `quote terms for the shell, '{:price, "sku-1"}'; --syntax erlang reads {price, <<"sku-1">>}`,
  TIMEOUT: "--timeout sets how long it may take",
  TLS_CLOSED: "does that node speak plain TCP? then leave the options of TLS out; if not, its log may say why",
  TLS_EXPIRED: "that node needs a new certificate, or the clock of one side is wrong",
  TLS_FAILED: "the word of the library for why stands above",
  TLS_HOST_NAME: "call the node by the name that its certificate is for, or issue it for the host in its name",
  TLS_NOT_TLS: "that node speaks plain TCP: leave the options of TLS out",
  TLS_NO_CERTIFICATE: "the other side has to be given a certificate",
  TLS_REFUSED: "that node does not accept the certificate of --tls-cert, or wants one; its log says more",
  TLS_TIMEOUT: "something accepts connections there and does not answer with TLS: is the node frozen, or without TLS?",
  TLS_UNTRUSTED: "--tls-ca has to be the authority that signed that node's certificate",
  TLS_VERSION: "that node allows neither TLS 1.2 nor 1.3, or no cipher that is allowed here",
};

/** The host part of the node that an error is about. */
function hostOf(error: TiebeamError): string {
  const { node = "" } = error as { node?: string };
  return node.slice(node.indexOf("@") + 1);
}
