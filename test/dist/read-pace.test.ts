import { expect, test } from "vitest";
import { type Chunk, ReadPace } from "../../src/dist/read-pace.ts";
import { SimulatedClock } from "../../src/testing/index.ts";

function pace() {
  const clock = new SimulatedClock();
  const seen: string[] = [];
  const stream = {
    write() {},
    queuedBytes: 0,
    pause: () => void seen.push("paused"),
    resume: () => void seen.push("resumed"),
    close() {},
  };
  const readPace = new ReadPace(clock, stream);
  const after = (chunk: Partial<Chunk>) =>
    readPace.after({ bytes: 100, packets: 1, messages: 1, answered: false, settled: true, ...chunk });
  return { clock, seen, after, readPace };
}

const FLOOD = { packets: 100, messages: 100, bytes: 5_000 };

test("reading goes on at once after single messages, answered crowds, large messages, and what are no messages", () => {
  const { seen, after } = pace();

  after({});
  after({ ...FLOOD, answered: true });
  after({ ...FLOOD, bytes: 100_000 });
  after({ ...FLOOD, messages: 1 });

  expect(seen).toEqual([]);
});

test("what is not handled comes first: reading goes on with the next round of the event loop", () => {
  const { clock, seen, after } = pace();

  after({ settled: false });
  after({ settled: false });
  expect(seen).toEqual(["paused"]);
  clock.flush();

  expect(seen).toEqual(["paused", "resumed"]);
});

test("a chunk of many messages gets as many rounds as they take", () => {
  const { clock, seen, after } = pace();
  const rounds: string[] = [];
  const count = () => {
    rounds.push(seen.at(-1)!);
    if (rounds.length < 4) clock.defer(count);
  };

  after({ settled: false, packets: 5_000 });
  clock.defer(count);
  clock.flush();

  expect(rounds).toEqual(["paused", "paused", "resumed", "resumed"]);
});

test("a flood of small messages that nobody answers gathers for a millisecond", async () => {
  const { clock, seen, after } = pace();

  after(FLOOD);
  clock.flush();
  expect(seen).toEqual(["paused"]);
  await clock.advance(1);
  expect(seen).toEqual(["paused", "resumed"]);
  after(FLOOD);

  expect(seen).toEqual(["paused", "resumed", "paused"]);
});

test("a connection that ends leaves no timer", async () => {
  const { clock, seen, after, readPace } = pace();

  after(FLOOD);
  readPace.stop();
  await clock.advance(10);

  expect(seen).toEqual(["paused"]);
});
