import { expect, test } from "vitest";
import type { RegistrationEvent } from "../../src/epmd/index.ts";
import { World } from "./world.ts";

test("a live name is EPMD_NAME_TAKEN and leaves nothing, and its owner keeps it", async () => {
  const world = new World();
  const epmd = await world.startEpmd();
  const owner = await world.settled(world.client().register({ name: "shop", port: 1 }));

  const second = world.settled(world.client().register({ name: "shop", port: 2 }));

  await expect(second).rejects.toMatchObject({ code: "EPMD_NAME_TAKEN", nodeName: "shop" });
  await world.clock.settle();
  expect([owner.registered, epmd.names, epmd.connections]).toEqual([true, 1, 1]);
  await world.settled(owner.close());
  await world.settled(epmd.close());
});

test("after a loss the name is registered again after 2 s and keeps its creation", async () => {
  const world = new World();
  const first = await world.startEpmd();
  const events: RegistrationEvent[] = [];
  const registration = await world.settled(
    world.client().register({ name: "shop", port: 1 }, { onEvent: (event) => void events.push(event) }),
  );
  const { creation } = registration;
  await world.clock.advance(5_000);

  await world.settled(first.close());
  const second = await world.startEpmd();
  expect([registration.registered, events]).toEqual([false, [{ type: "lost", error: undefined }]]);
  await world.clock.advance(1_999);
  expect(second.names).toBe(0);
  await world.clock.advance(1);

  expect([registration.registered, second.names, registration.creation]).toEqual([true, 1, creation]);
  expect(events.at(-1)).toEqual({ type: "restored" });
  await world.settled(registration.close());
  await world.settled(second.close());
});

test("it goes on trying at growing intervals, also after refusals", async () => {
  const world = new World();
  const first = await world.startEpmd();
  const events: RegistrationEvent[] = [];
  const registration = await world.settled(
    world.client().register({ name: "shop", port: 1 }, { onEvent: (event) => void events.push(event) }),
  );
  await world.settled(first.close());
  await world.clock.advance(60_000);
  const second = await world.startEpmd();
  const usurper = await world.settled(world.client().register({ name: "shop", port: 2 }));
  await world.clock.advance(16_000);
  await world.settled(usurper.close());
  await world.clock.advance(16_000);

  const tries = events.filter((event) => event.type === "failed");
  expect(tries.map(({ retryMs }) => retryMs)).toEqual([4_000, 8_000, 16_000, 16_000, 16_000, 16_000]);
  expect(tries.map(({ error }) => (error as { code?: string }).code)).toEqual([
    ...Array.from({ length: 5 }, () => "EPMD_UNREACHABLE"),
    "EPMD_NAME_TAKEN",
  ]);
  expect(registration.registered).toBe(true);
  await world.settled(second.close());
  const third = await world.startEpmd();
  await world.clock.advance(2_000);
  expect(registration.registered).toBe(true); // the intervals start over
  await world.settled(registration.close());
  await world.settled(third.close());
});

test("what a listener throws does not end the trying", async () => {
  const world = new World();
  const first = await world.startEpmd();
  const onEvent = () => {
    throw new Error("a mistake above");
  };
  const registration = await world.settled(world.client().register({ name: "shop", port: 1 }, { onEvent }));
  await world.settled(first.close());
  const second = await world.startEpmd();

  await world.clock.advance(2_000);

  expect(registration.registered).toBe(true);
  await world.settled(registration.close());
  await world.settled(second.close());
});

test.each(["registered", "waiting", "trying"])(
  "closing while it is %s leaves no timer and no stream",
  async (state) => {
    const world = new World();
    const epmd = await world.startEpmd();
    const registration = await world.settled(world.client().register({ name: "shop", port: 1 }));
    if (state !== "registered") await world.settled(epmd.close());
    if (state === "trying") {
      await world.fakeEpmd(() => {});
      await world.clock.advance(2_000);
    }

    await world.settled(registration.close());
    await world.settled(registration.close());
    await world.settled(epmd.close());

    expect([world.transport.openStreams, world.clock.pendingTimers]).toEqual([0, 0]);
  },
);

test("an epmd that closes right after its answer is lost like one that closes later", async () => {
  const world = new World();
  await world.fakeEpmd((stream) => {
    stream.write(Uint8Array.of(118, 0, 0, 0, 0, 9));
    stream.close();
  });

  const registration = await world.settled(world.client().register({ name: "shop", port: 1 }));
  await world.clock.settle();

  expect([registration.registered, registration.creation]).toEqual([false, 9]);
  await world.settled(registration.close());
  expect(world.clock.pendingTimers).toBe(0);
});
