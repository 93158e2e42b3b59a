import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Node, type NodeOptions, startNode } from "../../src/api/index.ts";
import { silentLogger } from "../../src/base/index.ts";
import { type Epmd, startEpmd } from "../../src/epmd/index.ts";
import { GenStage } from "../../src/stage/index.ts";
import { Authority } from "../support/certificates.ts";
import { buildBinary, runBinary, startBinary } from "./binary.ts";

const COOKIE = "cli-tls-test";
const authority = new Authority();
const stranger = new Authority("a stranger");
const { certFile, keyFile, cert, key } = authority.issue("cli");
const caFile = authority.root.certFile;
const FILES = ["--tls-ca", caFile, "--tls-cert", certFile, "--tls-key", keyFile];

let epmd: Epmd;
let secure: Node;
let plain: Node;
let env: Record<string, string>;

beforeAll(async () => {
  buildBinary();
  epmd = await startEpmd({ port: 0, addresses: ["127.0.0.1"] });
  env = { ERL_EPMD_PORT: String(epmd.port), TIEBEAM_COOKIE: COOKIE };
  const start = (name: string, options: Partial<NodeOptions>) =>
    startNode({ name, cookie: COOKIE, epmdPort: epmd.port, epmd: "require", logger: silentLogger, ...options });
  secure = await start("secure@127.0.0.1", { tls: { cert, key, ca: authority.ca } });
  plain = await start("plain@127.0.0.1", {});
}, 120_000);

afterAll(async () => {
  await secure.stop();
  await plain.stop();
  await epmd.close();
  authority[Symbol.dispose]();
  stranger[Symbol.dispose]();
});

const run = (...args: string[]) => runBinary(args, { env });
const pong = { code: 0, stdout: expect.stringMatching(/^pong from secure@127.0.0.1/), stderr: "" };
const failed = (exitCode: number, code: string) => ({
  code: exitCode,
  stdout: "",
  stderr: expect.stringMatching(new RegExp(`\\(${code}\\)\nhint: .+\n$`)),
});

/** A file, beside those of the authority. */
function file(name: string, text: string): string {
  const path = join(authority.folder, name);
  writeFileSync(path, text);
  return path;
}

test("a node is reached with certificates, with both in one file, and with a file of the BEAM's", async () => {
  const both = file("both.pem", `${key}${cert}`);
  const role = `[{cacertfile, "${caFile}"}, {certfile, "${both}"}, {verify, verify_peer}]`;
  const optfile = file("optfile", `[{server, ${role}}, {client, ${role}}].`);

  expect(await run("ping", secure.name, "--tls", ...FILES)).toEqual(pong);
  expect(await run("ping", secure.name, "--tls-ca", caFile, "--tls-cert", both)).toEqual(pong);
  expect(await run("ping", secure.name, "--tls-optfile", optfile)).toEqual(pong);
});

test("lines go from shell to shell", async () => {
  await using producer = startBinary(["produce", "lines", "--name", "p@127.0.0.1", ...FILES], { env, stdin: "a\nb\n" });
  await producer.until("stderr", /producing/);

  expect(await run("consume", "lines@p@127.0.0.1", ...FILES)).toEqual({ code: 0, stdout: "a\nb\n", stderr: "" });
  expect((await producer.finished).code).toBe(0);
});

test("consume reads the events of a node", async () => {
  await secure.start(GenStage.from([1, 2]), { name: "events" });

  expect((await run("consume", `events@${secure.name}`, ...FILES)).stdout).toBe("1\n2\n");
});

test("what goes wrong has the exit code of a refused handshake, its code and a hint", async () => {
  const trusting = [...FILES.slice(2), "--tls-ca", stranger.root.certFile];
  const strange = stranger.issue("foreign");
  const foreign = ["--tls-ca", caFile, "--tls-cert", strange.certFile, "--tls-key", strange.keyFile];

  expect(await run("ping", secure.name, ...trusting)).toEqual(failed(4, "TLS_UNTRUSTED"));
  expect(await run("ping", plain.name, ...FILES)).toEqual(failed(4, "TLS_CLOSED"));
  // A node in Node.js closes without a word to who is not accepted; a BEAM says so.
  expect(await run("ping", secure.name, ...foreign)).toEqual(failed(4, "HANDSHAKE_CLOSED"));
  expect(await run("ping", secure.name)).toEqual(failed(4, "HANDSHAKE_CLOSED"));
});

test("files that hold no certificates are named", async () => {
  expect(await run("ping", secure.name, "--tls-ca", caFile, "--tls-cert", keyFile)).toEqual(failed(2, "BADARG"));
});
