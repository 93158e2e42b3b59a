import { expect, test } from "vitest";
import { Scheduler } from "../../src/runtime/scheduler.ts";
import { SimulatedClock } from "../../src/testing/index.ts";

/** So many messages, handled one by one. */
class Mailbox {
  handled = 0;
  #scheduler: Scheduler;
  #waiting: number;

  constructor(scheduler: Scheduler, messages: number) {
    this.#scheduler = scheduler;
    this.#waiting = messages;
  }

  run(budget: number): number {
    const taken = Math.min(budget, this.#waiting);
    this.#waiting -= taken;
    this.handled += taken;
    if (this.#waiting > 0) this.#scheduler.add(this);
    return taken;
  }
}

test("turns come once the running callback is over", async () => {
  const scheduler = new Scheduler(new SimulatedClock());
  const mailbox = new Mailbox(scheduler, 3);

  scheduler.add(mailbox);
  expect(mailbox.handled).toBe(0);
  await Promise.resolve();

  expect(mailbox.handled).toBe(3);
});

test("settling gives the turns at once, and none twice", async () => {
  const scheduler = new Scheduler(new SimulatedClock());
  const mailbox = new Mailbox(scheduler, 3);

  scheduler.add(mailbox);
  expect(scheduler.settle()).toBe(true);
  expect(mailbox.handled).toBe(3);
  await Promise.resolve();

  expect(mailbox.handled).toBe(3);
});

test("what is settled from within a turn waits for the end of that turn", () => {
  const scheduler = new Scheduler(new SimulatedClock());
  const inner = new Mailbox(scheduler, 1);
  const seen: number[] = [];

  scheduler.add({
    run() {
      scheduler.add(inner);
      scheduler.settle();
      seen.push(inner.handled);
      return 1;
    },
  });
  scheduler.settle();

  expect(seen).toEqual([0]);
  expect(inner.handled).toBe(1);
});

test("a round of the event loop handles 2,000 messages; the next one, which others come before, goes on", async () => {
  const clock = new SimulatedClock();
  const scheduler = new Scheduler(clock);
  const mailbox = new Mailbox(scheduler, 5_000);

  let seen = 0;

  scheduler.add(mailbox);
  expect(scheduler.settle()).toBe(false);
  expect(mailbox.handled).toBe(2_000);
  clock.defer(() => {
    seen = mailbox.handled;
  });
  await Promise.resolve();
  clock.flush();

  expect(seen).toBe(2_000);
  expect(mailbox.handled).toBe(5_000);
});

test("a turn that fails takes no other's", () => {
  const scheduler = new Scheduler(new SimulatedClock());
  const mailbox = new Mailbox(scheduler, 1);

  scheduler.add({
    run() {
      throw new Error("of its own");
    },
  });
  scheduler.add(mailbox);
  expect(() => scheduler.settle()).toThrow("of its own");
  scheduler.settle();

  expect(mailbox.handled).toBe(1);
});
