import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ArgumentError, NodeDownError, TiebeamError } from "../../src/base/index.ts";
import { InterruptedError, OutputClosedError, TimeoutError, UsageError } from "../../src/cli/errors.ts";
import { explain } from "../../src/cli/explain.ts";
import { HandshakeError, type HandshakeErrorCode } from "../../src/dist/index.ts";
import { EpmdError, type EpmdErrorCode } from "../../src/epmd/index.ts";
import { NetError, TlsError, type TlsErrorCode } from "../../src/net/index.ts";
import { CookieError, NodeUnknownError } from "../../src/node/index.ts";

const at = { host: "10.0.0.7", port: 4369 };
const handshake = (code: HandshakeErrorCode) => new HandshakeError(code, "no", { peer: "a@b", step: "status" });
const epmd = (code: EpmdErrorCode) => new EpmdError(code, "no", at);
const tls = (code: TlsErrorCode) => new TlsError(code, at, undefined);
const net = (system: string) => new NetError("connecting to", at, Object.assign(new Error(system), { code: system }));

test.each<[error: TiebeamError, exitCode: number, hint: RegExp]>([
  [new TiebeamError("EXIT_NOPROC", "no"), 1, /no process has that name/],
  [new TiebeamError("EXIT_OTHER", "no"), 1, /log/],
  [new TiebeamError("EXIT_TIMEOUT", "no"), 5, /--timeout/],
  [epmd("EPMD_NAME_TAKEN"), 1, /another --name/],
  [epmd("EPMD_UNREACHABLE"), 3, /10\.0\.0\.7:4369/],
  [epmd("EPMD_CLOSED"), 3, /10\.0\.0\.7:4369/],
  [epmd("EPMD_PROTOCOL"), 3, /no epmd/],
  [epmd("EPMD_LISTEN"), 3, /ERL_EPMD_PORT/],
  [epmd("EPMD_TIMEOUT"), 5, /does not answer/],
  [new NodeUnknownError("shop@10.0.0.7"), 3, /tiebeam names 10\.0\.0\.7/],
  [new NodeDownError("a@b", "net_tick_timeout"), 3, /lost/],
  [net("ECONNREFUSED"), 3, /port is closed/],
  [net("ENOTFOUND"), 3, /host part/],
  [net("EHOSTUNREACH"), 3, /no way/],
  [net("ECONNRESET"), 3, /log/],
  [net("ETIMEDOUT"), 5, /firewall/],
  [handshake("HANDSHAKE_COOKIE"), 4, /cookies differ/],
  [handshake("HANDSHAKE_FLAGS"), 4, /OTP 23/],
  [handshake("HANDSHAKE_NOT_ALLOWED"), 4, /--name/],
  [handshake("HANDSHAKE_NOK"), 4, /--name/],
  [handshake("HANDSHAKE_ALIVE"), 4, /--name/],
  [handshake("HANDSHAKE_NAME"), 4, /another name/],
  [handshake("HANDSHAKE_CLOSED"), 4, /log/],
  [handshake("HANDSHAKE_PROTOCOL"), 4, /no Erlang node/],
  [handshake("HANDSHAKE_TIMEOUT"), 5, /does not answer/],
  [handshake("HANDSHAKE_TLS"), 4, /--tls-ca.*--tls-optfile/],
  [tls("TLS_UNTRUSTED"), 4, /--tls-ca/],
  [tls("TLS_HOST_NAME"), 4, /host in its name/],
  [tls("TLS_REFUSED"), 4, /--tls-cert/],
  [tls("TLS_NOT_TLS"), 4, /plain TCP/],
  [tls("TLS_TIMEOUT"), 5, /without TLS/],
  [new ArgumentError("tls", "no"), 2, /PEM/],
  [new CookieError("COOKIE_MISSING", "no", "f"), 2, /TIEBEAM_COOKIE/],
  [new CookieError("COOKIE_FILE_MODE", "no", "f"), 2, /chmod 600/],
  [new TiebeamError("TERM_SYNTAX", "no"), 2, /quote terms/],
  [new UsageError("no", "do this"), 2, /do this/],
  [new TimeoutError("waiting", 10), 5, /--timeout/],
])("%s ends with exit code %i and a hint that fits", (error, exitCode, hint) => {
  const explanation = explain(error);

  expect(explanation).toMatchObject({ code: error.code, message: error.message, exitCode });
  expect(explanation.hint).toMatch(hint);
});

test("a node that is down because it could not be connected to is explained by what failed", () => {
  const error = new NodeDownError("a@b", "connection_setup_failed", { cause: handshake("HANDSHAKE_COOKIE") });

  expect(explain(error)).toMatchObject({ code: "HANDSHAKE_COOKIE", exitCode: 4 });
});

test("an end that the user wanted has the exit code of its signal", () => {
  expect(explain(new InterruptedError("SIGINT")).exitCode).toBe(130);
  expect(explain(new InterruptedError("SIGTERM")).exitCode).toBe(143);
  expect(explain(new OutputClosedError()).exitCode).toBe(0);
});

test("what nobody foresaw keeps its stack and ends with 70", () => {
  const error = new RangeError("odd");

  expect(explain(error)).toEqual({ code: "UNEXPECTED", message: error.stack, hint: undefined, exitCode: 70 });
  expect(explain(new ArgumentError("x", "wrong")).exitCode).toBe(2);
});

const SOURCES = [
  "dist/errors.ts",
  "epmd/errors.ts",
  "net/net-error.ts",
  "net/tls-error.ts",
  "node/cookie.ts",
  "node/errors.ts",
];

/** The codes of everything that can go wrong before a node is there to talk to. */
function connectingCodes(): string[] {
  const texts = SOURCES.map((file) => readFileSync(new URL(`../../src/${file}`, import.meta.url), "utf8"));
  const found = [...texts.join("").matchAll(/"((?:HANDSHAKE|EPMD|NET|TLS|COOKIE|NODE)_[A-Z_]+)"/g)];
  return [...new Set(found.map((match) => match[1]!))].filter((code) => code !== "NODE_STOPPED");
}

test.each(connectingCodes())("%s has an exit code of its kind and a hint", (code) => {
  const { exitCode, hint } = explain(new TiebeamError(code, "no"));

  expect([1, 2, 3, 4, 5]).toContain(exitCode);
  expect(hint).toBeTypeOf("string");
});
