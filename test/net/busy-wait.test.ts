import { expect, test } from "vitest";
import type { Clock } from "../../src/base/index.ts";
import { BusyWait } from "../../src/net/busy-wait.ts";

/** An event loop in which a round takes two microseconds, and what is deferred runs in the next one. */
class Loop implements Clock {
  microseconds = 0;
  rounds = 0;
  #deferred: (() => void)[] = [];

  now = () => this.microseconds / 1000;
  wallTime = () => this.now();
  setTimer = () => ({ cancel() {} });
  defer = (callback: () => void) => void this.#deferred.push(callback);

  /** Lets time pass. Without anything deferred the loop sleeps until its end. */
  pass(microseconds: number): void {
    const end = this.microseconds + microseconds;
    while (this.#deferred.length > 0 && this.microseconds < end) {
      this.rounds++;
      this.microseconds += 2;
      for (const callback of this.#deferred.splice(0)) callback();
    }
    this.microseconds = end;
  }

  get isAsleep(): boolean {
    return this.#deferred.length === 0;
  }
}

/** So many chunks, each so long after what came before was handled. */
function arrive(loop: Loop, wait: BusyWait, chunks: number, gap: number): void {
  for (let i = 0; i < chunks; i++) {
    loop.pass(gap);
    wait.begin();
    loop.microseconds += 5;
    wait.end();
  }
}

test("it is looked for the next message of an exchange once there were some, and no longer than a moment", () => {
  const loop = new Loop();
  const wait = new BusyWait(loop);

  arrive(loop, wait, 8, 30);
  expect(loop.isAsleep).toBe(true); // the first came after nothing
  arrive(loop, wait, 1, 30);
  expect(loop.isAsleep).toBe(false);
  arrive(loop, wait, 100, 30);
  expect(loop.isAsleep).toBe(false);

  const before = loop.rounds;
  loop.pass(1_000_000);
  expect(loop.isAsleep).toBe(true);
  expect(loop.rounds - before).toBeLessThan(30);
});

test("after an attempt in vain it takes as many messages again", () => {
  const loop = new Loop();
  const wait = new BusyWait(loop);
  arrive(loop, wait, 50, 30);
  loop.pass(1_000);

  arrive(loop, wait, 8, 30);
  expect(loop.isAsleep).toBe(true);
  arrive(loop, wait, 1, 30);
  expect(loop.isAsleep).toBe(false);
});

test("what comes late, or one upon the other, is hardly waited for", () => {
  for (const gap of [500, 4]) {
    const loop = new Loop();
    arrive(loop, new BusyWait(loop), 1_000, gap);

    expect(loop.rounds).toBeLessThan(700); // always looking would take 2,000 and more
  }
});
