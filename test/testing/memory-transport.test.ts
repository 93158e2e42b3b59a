import { describe, expect, test } from "vitest";
import { startNode } from "../../src/api/index.ts";
import type { ByteStream, ByteStreamHandler } from "../../src/base/index.ts";
import { EpmdClient } from "../../src/epmd/index.ts";
import { type MemoryTransport, memoryTransport, SimulatedClock } from "../../src/testing/index.ts";

class Recorder implements ByteStreamHandler {
  readonly bytes: number[] = [];
  readonly chunks: number[] = [];
  readonly ends: (Error | undefined)[] = [];
  drains = 0;

  data(bytes: Uint8Array): void {
    this.bytes.push(...bytes);
    this.chunks.push(bytes.length);
  }

  drained(): void {
    this.drains++;
  }

  closed(error?: Error): void {
    this.ends.push(error);
  }
}

async function pair(clock: SimulatedClock, network: MemoryTransport) {
  const near = new Recorder();
  const far = new Recorder();
  let accepted: ByteStream | undefined;
  const listener = await network.listen({ host: "127.0.0.1", port: 0 }, (stream) => {
    accepted = stream;
    return far;
  });
  const connecting = network.connect(listener.endpoint, near);
  await clock.settle();
  return { near, far, listener, nearStream: await connecting, farStream: accepted! };
}

function setup(maxChunkBytes?: number) {
  const clock = new SimulatedClock();
  return { clock, network: memoryTransport({ clock, ...(maxChunkBytes && { maxChunkBytes }) }) };
}

test("bytes arrive in order, in a later turn, both ways", async () => {
  const { clock, network } = setup();
  const { near, far, nearStream, farStream } = await pair(clock, network);

  nearStream.write(Uint8Array.of(1, 2));
  nearStream.write(Uint8Array.of(3));
  farStream.write(Uint8Array.of(9));
  expect(nearStream.queuedBytes).toBe(3);
  expect(far.bytes).toEqual([]);
  clock.flush();

  expect(far.bytes).toEqual([1, 2, 3]);
  expect(near.bytes).toEqual([9]);
  expect(nearStream.queuedBytes).toBe(0);
  expect(near.drains).toBe(1);
});

test("pieces are cut to the length that was asked for", async () => {
  const { clock, network } = setup(2);
  const { far, nearStream } = await pair(clock, network);

  nearStream.write(Uint8Array.of(1, 2, 3, 4, 5));
  clock.flush();

  expect(far.chunks).toEqual([2, 2, 1]);
});

test("a piece that is kept after the call is overwritten", async () => {
  const { clock, network } = setup();
  const { nearStream, far } = await pair(clock, network);
  let kept: Uint8Array | undefined;
  far.data = (bytes) => {
    kept = bytes;
  };

  nearStream.write(Uint8Array.of(1, 2));
  clock.flush();

  expect([...kept!]).toEqual([0xdd, 0xdd]);
});

test("a paused reader holds the sender's bytes back until it resumes", async () => {
  const { clock, network } = setup();
  const { near, far, nearStream, farStream } = await pair(clock, network);

  farStream.pause();
  nearStream.write(new Uint8Array(100));
  clock.flush();
  expect(nearStream.queuedBytes).toBe(100);
  expect(near.drains).toBe(0);
  farStream.resume();
  clock.flush();

  expect(far.bytes).toHaveLength(100);
  expect(near.drains).toBe(1);
});

describe("the end of a stream", () => {
  test("close sends what was written, then each side learns it once", async () => {
    const { clock, network } = setup();
    const { near, far, nearStream, farStream } = await pair(clock, network);

    nearStream.write(Uint8Array.of(1));
    nearStream.close();
    nearStream.write(Uint8Array.of(2));
    clock.flush();
    farStream.write(Uint8Array.of(3));
    farStream.close();
    clock.flush();

    expect(far.bytes).toEqual([1]);
    expect(near.bytes).toEqual([]);
    expect(near.ends).toEqual([undefined]);
    expect(far.ends).toEqual([undefined]);
    expect(network.openStreams).toBe(0);
  });

  test("abort drops what was written", async () => {
    const { clock, network } = setup();
    const { near, far, nearStream } = await pair(clock, network);

    nearStream.write(Uint8Array.of(1));
    nearStream.close({ abort: true });
    clock.flush();

    expect(far.bytes).toEqual([]);
    expect(near.ends).toEqual([undefined]);
    expect(far.ends).toEqual([expect.objectContaining({ code: "ECONNRESET" })]);
  });

  test("a cut ends both sides with an error, and only the streams that match", async () => {
    const { clock, network } = setup();
    const one = await pair(clock, network);
    const two = await pair(clock, network);

    network.cut((_, to) => to.port === two.listener.endpoint.port);
    clock.flush();

    expect(one.near.ends).toEqual([]);
    expect(two.near.ends).toEqual([expect.objectContaining({ code: "ECONNRESET" })]);
    expect(two.far.ends).toHaveLength(1);
    expect(network.openStreams).toBe(1);
  });

  test("an acceptor may close the stream at once", async () => {
    const { clock, network } = setup();
    const near = new Recorder();
    const far = new Recorder();
    const listener = await network.listen({ host: "127.0.0.1", port: 0 }, (stream) => {
      stream.close({ abort: true });
      return far;
    });

    const connecting = network.connect(listener.endpoint, near);
    await clock.settle();
    await connecting;

    expect(near.ends).toHaveLength(1);
    expect(far.ends).toHaveLength(1);
    expect(network.openStreams).toBe(0);
  });
});

describe("places", () => {
  test("a node starts on it as it does on TCP, with an epmd of its own", async () => {
    const { clock, network } = setup();
    const starting = startNode({ name: "a@127.0.0.1", cookie: "secret", transport: network, clock });
    await clock.settle();

    const node = await starting;
    const names = new EpmdClient({ transport: network, clock }).names();
    await clock.settle();
    expect((await names).map(({ name }) => name)).toEqual(["a"]);
    const stopping = node.stop();
    await clock.settle();
    await stopping;
    expect([network.listeners, network.openStreams]).toEqual([0, 0]);
  });

  test("nothing listens: ECONNREFUSED; taken: EADDRINUSE; freed: usable again", async () => {
    const { clock, network } = setup();
    const endpoint = { host: "127.0.0.1", port: 4369 };

    const refused = network.connect(endpoint, new Recorder());
    refused.catch(() => {});
    await clock.settle();
    await expect(refused).rejects.toMatchObject({ code: "ECONNREFUSED" });
    const listener = await network.listen(endpoint, () => new Recorder());
    await expect(network.listen(endpoint, () => new Recorder())).rejects.toMatchObject({ code: "EADDRINUSE" });
    await listener.close();
    await network.listen(endpoint, () => new Recorder());

    expect(network.listeners).toBe(1);
  });

  test("a place at every host is reached by any, and learns from where", async () => {
    const { clock, network } = setup();
    const remotes: string[] = [];
    const listener = await network.listen({ host: "0.0.0.0", port: 0 }, (_, remote) => {
      remotes.push(remote.host);
      return new Recorder();
    });

    const connecting = network
      .from("10.0.0.7")
      .connect({ host: "10.0.0.1", port: listener.endpoint.port }, new Recorder());
    await clock.settle();
    await connecting;

    expect(remotes).toEqual(["10.0.0.7"]);
  });

  test("an aborted connect rejects with the signal's reason and opens nothing", async () => {
    const { clock, network } = setup();
    const listener = await network.listen({ host: "127.0.0.1", port: 0 }, () => new Recorder());
    const controller = new AbortController();

    const connecting = network.connect(listener.endpoint, new Recorder(), { signal: controller.signal });
    connecting.catch(() => {});
    controller.abort("enough");
    await clock.settle();

    await expect(connecting).rejects.toBe("enough");
    expect(network.openStreams).toBe(0);
  });
});
