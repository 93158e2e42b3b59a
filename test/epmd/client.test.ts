import { describe, expect, test } from "vitest";
import { ArgumentError } from "../../src/base/index.ts";
import { EpmdError, epmdSettings } from "../../src/epmd/index.ts";
import { World } from "./world.ts";

const AT = { host: "127.0.0.1", port: 4_369 };

test("no epmd is EPMD_UNREACHABLE, with the place, the name and the driver's error", async () => {
  const world = new World();

  const failure = await world.settled(world.client().lookup("shop")).catch((error: unknown) => error);

  expect(failure).toBeInstanceOf(EpmdError);
  expect(failure).toMatchObject({ code: "EPMD_UNREACHABLE", ...AT, nodeName: "shop" });
  expect((failure as EpmdError).cause).toMatchObject({ code: "ECONNREFUSED" });
  expect(world.clock.pendingTimers).toBe(0);
});

test("a silent epmd is EPMD_TIMEOUT after 10 s, or after timeoutMs", async () => {
  const world = new World();
  await world.fakeEpmd(() => {});
  const outcomes: unknown[] = [];
  const note = (promise: Promise<unknown>) => void promise.catch((error: unknown) => outcomes.push(error));

  note(world.client().names());
  note(world.client().names({ timeoutMs: 50 }));
  await world.clock.advance(49);
  expect(outcomes).toEqual([]);
  await world.clock.advance(1);
  expect(outcomes).toEqual([expect.objectContaining({ code: "EPMD_TIMEOUT", ...AT })]);
  await world.clock.advance(9_950);
  expect(outcomes).toHaveLength(2);

  expect([world.transport.openStreams, world.clock.pendingTimers]).toEqual([0, 0]);
});

test.each([
  ["garbage", "lookup", "485454502f312e31", "EPMD_PROTOCOL"],
  ["nothing", "lookup", "", "EPMD_CLOSED"],
  ["half an answer", "lookup", "770004d24d", "EPMD_CLOSED"],
  ["a listing of something else", "names", "0000111168656c6c6f", "EPMD_PROTOCOL"],
  ["another word", "kill", "4f58", "EPMD_PROTOCOL"],
] as const)("%s and a close in answer to %s", async (_, operation, answer, code) => {
  const world = new World();
  await world.fakeEpmd((stream) => {
    stream.write(new Uint8Array(Buffer.from(answer, "hex")));
    stream.close();
  });
  const client = world.client();

  const outcome = world.settled<unknown>(operation === "lookup" ? client.lookup("shop") : client[operation]());

  await expect(outcome).rejects.toMatchObject({ code });
  expect([world.transport.openStreams, world.clock.pendingTimers]).toEqual([0, 0]);
});

test("an answer that never ends is cut off", async () => {
  const world = new World();
  const flood = (stream: { write(bytes: Uint8Array): void }) => {
    for (let i = 0; i < 20; i++) stream.write(new Uint8Array(1_000_000));
  };
  await world.fakeEpmd(flood);

  await expect(world.settled(world.client().names())).rejects.toMatchObject({ code: "EPMD_PROTOCOL" });
  expect(world.transport.openStreams).toBe(0);
});

test("a signal gives up with its reason, at any time, and leaves nothing", async () => {
  const world = new World();
  await world.fakeEpmd(() => {});
  const reason = new Error("changed my mind");
  const controller = new AbortController();

  const early = world.client().names({ signal: AbortSignal.abort(reason) });
  await expect(early).rejects.toBe(reason);
  const late = world.client().names({ signal: controller.signal });
  late.catch(() => {});
  await world.clock.settle();
  controller.abort(reason);
  await expect(late).rejects.toBe(reason);
  await world.clock.settle();

  expect([world.transport.openStreams, world.clock.pendingTimers]).toEqual([0, 0]);
});

test.each(["", "shop@host", "a\0b", "x".repeat(256), "\ud800"])("the name %j is misuse", async (name) => {
  const client = new World().client();

  await expect(client.lookup(name)).rejects.toBeInstanceOf(ArgumentError);
  await expect(client.register({ name, port: 1 })).rejects.toMatchObject({ code: "BADARG", argument: "name" });
});

test.each([-1, 65_536, 1.5])("the port %d cannot be registered", async (port) => {
  await expect(new World().client().register({ name: "shop", port })).rejects.toMatchObject({ argument: "port" });
});

describe("the environment", () => {
  test("gives port, addresses and the relaxed check", () => {
    const env = { ERL_EPMD_PORT: "5000", ERL_EPMD_ADDRESS: "10.0.0.1, fd00::1,", ERL_EPMD_RELAXED_COMMAND_CHECK: "1" };

    expect(epmdSettings(env)).toEqual({ port: 5_000, addresses: ["10.0.0.1", "fd00::1"], relaxed: true });
    expect(epmdSettings({})).toEqual({ port: 4_369, addresses: [], relaxed: false });
  });

  test.each(["0", "65536", "x", "-1", "4e3", " "])("a port of %j is misuse", (port) => {
    expect(() => epmdSettings({ ERL_EPMD_PORT: port })).toThrow(ArgumentError);
  });
});
