import { createServer, connect as rawConnect } from "node:net";
import { TLSSocket } from "node:tls";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import type { Endpoint, Transport } from "../../src/base/index.ts";
import {
  createTlsTransport,
  NetError,
  TlsError,
  type TlsRole,
  type TlsVersion,
  tcpTransport,
} from "../../src/net/index.ts";
import { Authority, type Issued } from "../support/certificates.ts";
import { Recorder } from "./recorder.ts";

const authority = new Authority();
const stranger = new Authority("another authority");
afterAll(() => {
  authority[Symbol.dispose]();
  stranger[Symbol.dispose]();
});
const good = authority.issue("good");

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A role with a certificate of the authority, which it trusts. */
function role(issued: Issued = good, more: TlsRole = {}): TlsRole {
  return { cert: issued.cert, key: issued.key, ca: authority.ca, ...more };
}

function transportOf(client: TlsRole, server = client): Transport {
  return createTlsTransport({ client, server });
}

interface Listening {
  readonly endpoint: Endpoint;
  readonly accepted: Promise<Recorder>;
  /** What `refused` got first. */
  readonly refused: Promise<Error>;
}

async function listening(server: TlsRole, host = "127.0.0.1"): Promise<Listening> {
  let onAccepted: (recorder: Recorder) => void;
  let onRefused: (error: Error) => void;
  const accepted = new Promise<Recorder>((resolve) => (onAccepted = resolve));
  const refused = new Promise<Error>((resolve) => (onRefused = resolve));
  const listener = await transportOf(role(), server).listen(
    { host, port: 0 },
    (stream, remote) => {
      const recorder = Object.assign(new Recorder(), { stream, remote });
      cleanups.push(() => stream.close({ abort: true }));
      onAccepted(recorder);
      return recorder;
    },
    (error) => onRefused(error),
  );
  cleanups.push(() => listener.close());
  return { endpoint: listener.endpoint, accepted, refused };
}

async function dial(endpoint: Endpoint, client: TlsRole, serverName?: string): Promise<Recorder> {
  const recorder = new Recorder();
  recorder.stream = await transportOf(client).connect(endpoint, recorder, { serverName });
  cleanups.push(() => recorder.stream.close({ abort: true }));
  return recorder;
}

async function pair(client = role(), server = role(), host?: string): Promise<[Recorder, Recorder]> {
  const listener = await listening(server, host);
  const near = await dial(listener.endpoint, client);
  return [near, await listener.accepted];
}

describe.each<TlsVersion>(["TLSv1.2", "TLSv1.3"])("%s, both sides with certificates", (version) => {
  const only = role(good, { minVersion: version, maxVersion: version });

  test.each(["127.0.0.1", "::1"])("bytes go both ways, at %s", async (host) => {
    const [near, far] = await pair(only, role(), host);
    far.onData = (bytes) => far.stream.write(bytes.slice());
    const payload = Buffer.from("x".repeat(100_000));

    near.stream.write(payload);
    await near.until(() => near.length === payload.length);

    expect(near.bytes.equals(payload)).toBe(true);
    expect(far.remote?.host).toBe(host);
  });

  test("who connects sends small writes at once: a call on a busy connection took 45 ms without it", async () => {
    const setNoDelay = vi.spyOn(TLSSocket.prototype, "setNoDelay");
    cleanups.push(() => setNoDelay.mockRestore());

    await pair(only);

    expect(setNoDelay.mock.calls).toEqual([[true]]);
  });

  test("what was written before an order to close arrives, and both sides hear of it once, without an error", async () => {
    const [near, far] = await pair(only);

    near.stream.write(new Uint8Array(3_000_000).fill(7));
    near.stream.close();
    await Promise.all([near.until(() => near.ends.length > 0), far.until(() => far.ends.length > 0)]);

    expect(far.length).toBe(3_000_000);
    expect([near.ends, far.ends]).toEqual([[undefined], [undefined]]);
  });

  test("bytes that are written with more to come leave with these", async () => {
    const [near, far] = await pair(only);

    near.stream.write(Buffer.from("head, "), true);
    near.stream.write(Buffer.alloc(100_000, "body"), true);
    near.stream.write(Buffer.from("end"));
    await far.until(() => far.length === 100_009);

    expect(far.bytes.toString()).toBe(`head, ${"body".repeat(25_000)}end`);
    await near.until(() => near.stream.queuedBytes === 0);
  });

  test("queuedBytes says what the other side does not take, and drained when it has", async () => {
    const [near, far] = await pair(only);
    far.stream.pause();

    for (let i = 0; i < 20; i++) near.stream.write(new Uint8Array(1_000_000));
    expect(near.stream.queuedBytes).toBeGreaterThan(5_000_000);
    far.stream.resume();
    await Promise.all([near.until(() => near.drains > 0), far.until(() => far.length === 20_000_000)]);

    expect(near.stream.queuedBytes).toBe(0);
  });

  test("a client's certificate of another authority: TLS_UNTRUSTED at the listener, and no stream", async () => {
    const listener = await listening(role());
    const foreign = stranger.issue("foreign");

    const client = dial(listener.endpoint, { ...only, cert: foreign.cert, key: foreign.key });

    expect(await listener.refused).toMatchObject({ code: "TLS_UNTRUSTED" });
    // In TLS 1.3 the client is done before its certificate is looked at; the stream ends.
    if (version === "TLSv1.2") await expect(client).rejects.toMatchObject({ code: "TLS_CLOSED" });
    else await (await client).until(() => true);
  });

  test("a client's expired certificate: TLS_EXPIRED at the listener", async () => {
    const expired = authority.issue("expired", { days: -1 });
    const listener = await listening(role());

    dial(listener.endpoint, { ...only, cert: expired.cert, key: expired.key }).catch(() => {});

    expect(await listener.refused).toMatchObject({ code: "TLS_EXPIRED" });
  });

  test("no client's certificate: TLS_NO_CERTIFICATE at the listener, unless it need not show one", async () => {
    const anonymous: TlsRole = { ca: authority.ca, minVersion: version, maxVersion: version };
    const strict = await listening(role());
    const lenient = await listening(role(good, { verifyPeer: "if-given" }));

    dial(strict.endpoint, anonymous).catch(() => {});
    await dial(lenient.endpoint, anonymous);

    expect(await strict.refused).toMatchObject({ code: "TLS_NO_CERTIFICATE" });
    expect((await lenient.accepted).remote?.host).toBe("127.0.0.1");
  });
});

describe("who connects checks the certificate of who listens", () => {
  test.each([
    ["TLS_UNTRUSTED", () => stranger.issue("foreign"), "127.0.0.1"],
    ["TLS_EXPIRED", () => authority.issue("expired", { days: -1 }), "127.0.0.1"],
    ["TLS_HOST_NAME", () => authority.issue("elsewhere", { names: "DNS:elsewhere.example" }), "127.0.0.1"],
    ["TLS_HOST_NAME", () => authority.issue("right address", { names: "IP:127.0.0.1" }), "shop.example"],
  ])("%s", async (code, issue, serverName) => {
    const listener = await listening(role(issue(), { verifyPeer: false }));

    const error = await dial(listener.endpoint, role(), serverName).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(TlsError);
    expect(error).toMatchObject({ code, host: "127.0.0.1", port: listener.endpoint.port });
  });

  test("against the name that is meant, not the address that is dialled", async () => {
    const listener = await listening(role(authority.issue("shop", { names: "DNS:shop.example" })));

    const near = await dial(listener.endpoint, role(), "shop.example");

    expect(near.ends).toEqual([]);
  });

  test("unless it is told not to look at the host, or at anything", async () => {
    const listener = await listening(role(stranger.issue("foreign", { names: "DNS:x" }), { verifyPeer: false }));

    const near = await dial(listener.endpoint, role(good, { verifyPeer: false }));
    const trusting = await dial(listener.endpoint, { ...role(), ca: stranger.ca, verifyHost: false });

    expect([near.ends, trusting.ends]).toEqual([[], []]);
  });
});

describe("a listener that checks hosts", () => {
  test("says for which of them a client's certificate is", async () => {
    const [, far] = await pair(role(), role(good, { verifyHost: true }));
    expect(["localhost", "127.0.0.1", "elsewhere"].map((host) => far.stream.certifies?.(host))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("is one that was told to", async () => {
    const [, far] = await pair();
    expect(far.stream.certifies).toBeUndefined();
  });
});

describe("where the other side", () => {
  test("speaks plain TCP to a listener: TLS_NOT_TLS", async () => {
    const listener = await listening(role());
    const raw = rawConnect(listener.endpoint.port, "127.0.0.1", () => raw.write("\x00\x15N and so on, as a node does"));
    raw.on("error", () => {});
    cleanups.push(() => raw.destroy());

    expect(await listener.refused).toMatchObject({ code: "TLS_NOT_TLS", host: "127.0.0.1" });
  });

  test("is a plain listener that answers: TLS_NOT_TLS; one that closes: TLS_CLOSED", async () => {
    const server = createServer((socket) => void socket.once("data", () => socket.end(answer)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => server.close());
    const { port } = server.address() as { port: number };
    const codes: unknown[] = [];

    let answer = "";
    for (answer of ["HTTP/1.1 400 Bad Request\r\n\r\n", ""]) {
      codes.push(await dial({ host: "127.0.0.1", port }, role()).catch((error) => error.code));
    }

    expect(codes).toEqual(["TLS_NOT_TLS", "TLS_CLOSED"]);
  });

  test("has no version in common: TLS_VERSION, on both sides", async () => {
    const listener = await listening(role(good, { maxVersion: "TLSv1.2" }));

    await expect(dial(listener.endpoint, role(good, { minVersion: "TLSv1.3" }))).rejects.toMatchObject({
      code: "TLS_VERSION",
    });
    expect(await listener.refused).toMatchObject({ code: "TLS_VERSION" });
  });

  test("is silent: TLS_TIMEOUT at the listener, which closes", async () => {
    let refuse!: (error: Error) => void;
    const refused = new Promise<Error>((resolve) => (refuse = resolve));
    const transport = createTlsTransport({ client: role(), server: role(), handshakeTimeoutMs: 20 });
    const listener = await transport.listen({ host: "127.0.0.1", port: 0 }, () => new Recorder(), refuse);
    cleanups.push(() => listener.close());
    const raw = rawConnect(listener.endpoint.port, "127.0.0.1");
    cleanups.push(() => raw.destroy());
    const closed = new Promise<void>((resolve) => raw.on("error", () => {}).on("close", () => resolve()));

    expect(await refused).toMatchObject({ code: "TLS_TIMEOUT" });
    await closed;
  });

  test("is not there: NET_REFUSED, as with TCP", async () => {
    const listener = await tcpTransport.listen({ host: "127.0.0.1", port: 0 }, () => new Recorder());
    await listener.close();

    const error = await dial(listener.endpoint, role()).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(NetError);
    expect(error).toMatchObject({ code: "NET_REFUSED" });
  });

  test("takes too long: the signal gives up and rejects with its reason", async () => {
    const server = createServer((socket) => void cleanups.push(() => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => server.close());
    const { port } = server.address() as { port: number };
    const controller = new AbortController();
    const reason = new Error("changed my mind");

    const connecting = transportOf(role()).connect({ host: "127.0.0.1", port }, new Recorder(), controller);
    controller.abort(reason);

    await expect(connecting).rejects.toBe(reason);
  });
});

describe("certificates that cannot be used are refused when the transport is made", () => {
  test.each([
    ["a key of another certificate", () => role(good, { key: authority.issue("other").key })],
    ["what is no certificate", () => role(good, { cert: "none" })],
    ["nobody to trust", () => ({ cert: good.cert, key: good.key })],
  ])("%s", (_, make) => {
    expect(() => transportOf(make())).toThrow(expect.objectContaining({ code: "BADARG", argument: "tls" }));
  });
});
