import { createServer, connect as rawConnect, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { Endpoint, Listener } from "../../src/base/index.ts";
import { createTcpTransport, NetError, tcpTransport } from "../../src/net/index.ts";
import { SimulatedClock } from "../../src/testing/index.ts";
import { Recorder } from "./recorder.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listening(host = "127.0.0.1", transport = tcpTransport) {
  const accepted: Recorder[] = [];
  let notify: () => void = () => {};
  const listener = await transport.listen({ host, port: 0 }, (stream, remote, local) => {
    const recorder = Object.assign(new Recorder(), { stream, remote, local });
    accepted.push(recorder);
    notify();
    cleanups.push(() => stream.close({ abort: true }));
    return recorder;
  });
  cleanups.push(() => listener.close());
  const next = async (at: number): Promise<Recorder> => {
    while (accepted.length <= at) await new Promise<void>((resolve) => (notify = resolve));
    return accepted[at]!;
  };
  return { listener, next };
}

async function dial(listener: Listener, transport = tcpTransport): Promise<Recorder> {
  const recorder = new Recorder();
  recorder.stream = await transport.connect(listener.endpoint, recorder);
  cleanups.push(() => recorder.stream.close({ abort: true }));
  return recorder;
}

async function pair(transport = tcpTransport): Promise<[Recorder, Recorder]> {
  const { listener, next } = await listening("127.0.0.1", transport);
  const near = await dial(listener, transport);
  return [near, await next(0)];
}

/** A server that hands over its bare sockets. */
async function rawServer(onSocket: (socket: Socket) => void): Promise<{ server: Server; endpoint: Endpoint }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    cleanups.push(() => socket.destroy());
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => server.close());
  return { server, endpoint: { host: "127.0.0.1", port: (server.address() as { port: number }).port } };
}

describe.each(["127.0.0.1", "::1"])("on %s", (host) => {
  test("bytes go both ways, and each side learns who the other is", async () => {
    const { listener, next } = await listening(host);
    const near = await dial(listener);
    const far = await next(0);

    near.stream.write(Buffer.from("there"));
    await far.until(() => far.length === 5);
    far.stream.write(Buffer.from("and back"));
    await near.until(() => near.length === 8);

    expect(far.bytes.toString()).toBe("there");
    expect(near.bytes.toString()).toBe("and back");
    expect(far.remote?.host).toBe(host);
    expect(far.local).toEqual(listener.endpoint);
  });
});

test("0.0.0.0 and :: can be listened at side by side", async () => {
  const { listener } = await listening("0.0.0.0");
  const other = await tcpTransport.listen({ host: "::", port: listener.endpoint.port }, () => new Recorder());
  await other.close();

  expect(other.endpoint.port).toBe(listener.endpoint.port);
});

test("an order to close sends what was written before, and both sides hear of it once, without an error", async () => {
  const [near, far] = await pair();
  const payload = new Uint8Array(3_000_000).fill(7);

  near.stream.write(payload);
  near.stream.close();
  near.stream.close();
  near.stream.write(Buffer.from("too late"));
  await Promise.all([near.until(() => near.ends.length > 0), far.until(() => far.ends.length > 0)]);

  expect(far.length).toBe(payload.length);
  expect([near.ends, far.ends]).toEqual([[undefined], [undefined]]);
});

test("bytes that are written with more to come leave together with these", async () => {
  const [near, far] = await pair();

  near.stream.write(Buffer.from("head, "), true);
  near.stream.write(Buffer.from("body, "), true);
  near.stream.write(Buffer.from("end"));
  expect(near.stream.queuedBytes).toBe(0);
  await far.until(() => far.length > 0);

  expect(far.chunks.map((chunk) => Buffer.from(chunk).toString())).toEqual(["head, body, end"]);
});

test("the last bytes arrive even when the other side is sending", async () => {
  const [near, far] = await pair();
  far.stream.write(new Uint8Array(2_000_000));
  near.stream.write(Buffer.from("goodbye"));
  near.stream.close();

  await far.until(() => far.ends.length > 0);

  expect(far.bytes.toString()).toBe("goodbye");
  expect(far.ends).toEqual([undefined]);
});

test("a stream closed in order waits for the other side's end no longer than lingerMs", async () => {
  const clock = new SimulatedClock();
  const ended = new Promise<void>((resolve) => void rawEnd.push(resolve));
  const { endpoint } = await rawServer((socket) => {
    socket.on("end", () => rawEnd.splice(0).forEach((resolve) => void resolve())).resume();
  });
  const near = new Recorder();
  near.stream = await createTcpTransport({ clock, lingerMs: 300 }).connect(endpoint, near);

  near.stream.close();
  await ended;
  expect(near.ends).toEqual([]);
  expect(clock.pendingTimers).toBe(1);
  await clock.advance(300);
  await near.until(() => near.ends.length > 0);

  expect(near.ends).toEqual([undefined]);
  expect(clock.pendingTimers).toBe(0);
});
const rawEnd: (() => void)[] = [];

test("no linger timer is left when the other side closes too", async () => {
  const clock = new SimulatedClock();
  const [near, far] = await pair(createTcpTransport({ clock }));

  near.stream.close();
  await Promise.all([near.until(() => near.ends.length > 0), far.until(() => far.ends.length > 0)]);

  expect(clock.pendingTimers).toBe(0);
});

test("a paused stream that is closed sees the other side's end", async () => {
  const clock = new SimulatedClock();
  const [near, far] = await pair(createTcpTransport({ clock }));
  near.stream.pause();
  far.stream.write(new Uint8Array(1_000_000));

  near.stream.close();
  await Promise.all([near.until(() => near.ends.length > 0), far.until(() => far.ends.length > 0)]);

  expect([near.ends, near.length, clock.pendingTimers]).toEqual([[undefined], 0, 0]);
});

test("an abort closes at once", async () => {
  const [near, far] = await pair();
  far.stream.pause();
  near.stream.write(new Uint8Array(10_000_000));

  near.stream.close({ abort: true });
  await near.until(() => near.ends.length > 0);

  expect(near.ends).toEqual([undefined]);
});

test("a reset by the other side is an error with the system's code below it", async () => {
  const { endpoint } = await rawServer((socket) => {
    socket.on("data", () => socket.resetAndDestroy());
  });
  const near = new Recorder();
  near.stream = await tcpTransport.connect(endpoint, near);

  near.stream.write(Buffer.from("x"));
  await near.until(() => near.ends.length > 0);

  expect(near.ends).toEqual([
    expect.objectContaining({ code: "NET_RESET", cause: expect.objectContaining({ code: "ECONNRESET" }) }),
  ]);
});

test("queuedBytes says what the other side does not take, and drained when it has", async () => {
  const [near, far] = await pair();
  far.stream.pause();
  const megabyte = new Uint8Array(1_000_000);
  for (let i = 0; i < 20; i++) near.stream.write(megabyte);

  expect(near.stream.queuedBytes).toBeGreaterThan(5_000_000);
  expect(near.drains).toBe(0);
  far.stream.resume();
  await near.until(() => near.drains > 0);
  await far.until(() => far.length === 20_000_000);

  expect(near.drains).toBe(1);
  expect(near.stream.queuedBytes).toBe(0);
});

test.each(["connecting", "accepted"])("a paused %s side reads nothing until it resumes", async (side) => {
  const [near, far] = await pair();
  const [reader, writer] = side === "connecting" ? [near, far] : [far, near];
  reader.stream.pause();
  writer.stream.write(new Uint8Array(10_000_000));
  await new Promise((resolve) => setImmediate(resolve));

  const whilePaused = reader.length;
  reader.stream.resume();
  await reader.until(() => reader.length === 10_000_000);

  expect(whilePaused).toBeLessThan(1_000_000);
});

test("all sockets of a transport read into one buffer, those that connect as well as those that are accepted", async () => {
  const transport = createTcpTransport();
  const { listener, next } = await listening("127.0.0.1", transport);
  const buffers = new Set<unknown>();
  const ends: Recorder[] = [];
  for (let i = 0; i < 2; i++) ends.push(await dial(listener, transport), await next(i));
  for (const end of ends) end.onData = (bytes) => void buffers.add(bytes.buffer);

  for (const end of ends) end.stream.write(Buffer.from("hello"));
  await Promise.all(ends.map((end) => end.until(() => end.length === 5)));

  expect(buffers.size).toBe(1);
});

test("what a handler throws breaks its own stream and nothing else", async () => {
  const [near, far] = await pair();
  far.onData = () => {
    throw new Error("a mistake above");
  };

  near.stream.write(Buffer.from("x"));
  await Promise.all([near.until(() => near.ends.length > 0), far.until(() => far.ends.length > 0)]);

  expect(far.ends).toEqual([expect.objectContaining({ message: "a mistake above" })]);
});

test("an acceptor that throws costs that stream only", async () => {
  let calls = 0;
  const listener = await tcpTransport.listen({ host: "127.0.0.1", port: 0 }, (stream) => {
    if (++calls === 1) throw new Error("a mistake above");
    return Object.assign(new Recorder(), { stream, onData: (bytes: Uint8Array) => stream.write(bytes.slice()) });
  });
  cleanups.push(() => listener.close());
  const first = await dial(listener);
  await first.until(() => first.ends.length > 0);

  const second = await dial(listener);
  second.stream.write(Buffer.from("ok"));
  await second.until(() => second.length === 2);

  expect(second.bytes.toString()).toBe("ok");
});

test("nothing listening is NET_REFUSED, with the place and the system's error", async () => {
  const { listener } = await listening();
  await listener.close();

  const failure = await tcpTransport.connect(listener.endpoint, new Recorder()).catch((error: unknown) => error);

  expect(failure).toBeInstanceOf(NetError);
  expect(failure).toMatchObject({ code: "NET_REFUSED", ...listener.endpoint, system: "ECONNREFUSED" });
  expect((failure as NetError).cause).toMatchObject({ code: "ECONNREFUSED" });
});

test("a port that cannot be one is refused as an error of the connection", async () => {
  const failure = tcpTransport.connect({ host: "127.0.0.1", port: 70_000 }, new Recorder());
  await expect(failure).rejects.toMatchObject({ code: "NET_FAILED", system: "ERR_SOCKET_BAD_PORT" });
  const listening = tcpTransport.listen({ host: "127.0.0.1", port: 70_000 }, () => new Recorder());
  await expect(listening).rejects.toMatchObject({ code: "NET_FAILED", system: "ERR_SOCKET_BAD_PORT" });
});

test("a port in use is NET_ADDRESS_IN_USE", async () => {
  const { listener } = await listening();

  const second = tcpTransport.listen(listener.endpoint, () => new Recorder());

  await expect(second).rejects.toMatchObject({ code: "NET_ADDRESS_IN_USE", port: listener.endpoint.port });
});

test("a signal gives up connecting and rejects with its reason, before as well as meanwhile", async () => {
  const { listener } = await listening();
  const reason = new Error("changed my mind");

  const before = tcpTransport.connect(listener.endpoint, new Recorder(), { signal: AbortSignal.abort(reason) });
  await expect(before).rejects.toBe(reason);
  const controller = new AbortController();
  const meanwhile = tcpTransport.connect(listener.endpoint, new Recorder(), { signal: controller.signal });
  controller.abort(reason);
  await expect(meanwhile).rejects.toBe(reason);
});

test("closing the listener frees the port while accepted streams live on", async () => {
  const { listener, next } = await listening();
  const near = await dial(listener);
  const far = await next(0);

  await listener.close();
  const again = await tcpTransport.listen(listener.endpoint, () => new Recorder());
  await again.close();
  far.stream.write(Buffer.from("still here"));
  await near.until(() => near.length === 10);

  expect(near.bytes.toString()).toBe("still here");
});

test("a peer that ends its side is told the rest and then everything is over", async () => {
  const { listener, next } = await listening();
  const raw = rawConnect({ ...listener.endpoint, allowHalfOpen: true });
  cleanups.push(() => raw.destroy());
  const far = await next(0);
  const got = new Promise<number>((resolve) => {
    let length = 0;
    raw.on("data", (bytes) => (length += bytes.length)).on("end", () => resolve(length));
  });

  far.stream.write(new Uint8Array(5_000_000));
  raw.end();
  await far.until(() => far.ends.length > 0);

  expect(await got).toBe(5_000_000);
  expect(far.ends).toEqual([undefined]);
});
