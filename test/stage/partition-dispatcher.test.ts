import { expect, test } from "vitest";
import type { DispatcherConsumer, Refusal } from "../../src/stage/dispatcher.ts";
import { type PartitionDispatcherOptions, partitionDispatcher } from "../../src/stage/partition-dispatcher.ts";
import { atom, inspect, phash2, type Term } from "../../src/term/index.ts";
import { integers, remotePid } from "./harness.ts";
import { Recorder } from "./recorder.ts";

const consumer = (key: string, id: number): DispatcherConsumer => ({
  key,
  tag: key,
  pid: remotePid("ex@127.0.0.1", id),
});
const [a, b] = [consumer("a", 1), consumer("b", 2)];
const parity = (event: number) => [event, event % 2] as const;

function started(options: PartitionDispatcherOptions<number> = { partitions: 2, hash: parity }) {
  const outlet = new Recorder();
  return { outlet, dispatcher: partitionDispatcher<number>(options)(outlet) };
}

test("#156: demand of one that is gone is owed, and what comes for it waits even with nobody subscribed", () => {
  const { dispatcher, outlet } = started();
  dispatcher.subscribe(a, { partition: 0 });
  expect(dispatcher.ask(10, a)).toBe(10);
  expect(dispatcher.cancel(a)).toBe(0);
  dispatcher.subscribe(b, { partition: 1 });
  expect(dispatcher.ask(5, b)).toBe(0);
  expect(dispatcher.cancel(b)).toBe(0);

  expect(dispatcher.dispatch([1, 2, 5, 6])).toEqual([]);
  expect(outlet.delivered).toEqual([]);
});

test("#157: what nobody has asked for is left", () => {
  const { dispatcher, outlet } = started({ partitions: 1 });
  dispatcher.subscribe(a, { partition: 0 });
  expect(dispatcher.ask(3, a)).toBe(3);
  expect(dispatcher.ask(3, a)).toBe(3);

  expect(dispatcher.dispatch([1])).toEqual([]);
  expect(dispatcher.dispatch(integers(2, 7))).toEqual([7, 8]);
  expect(outlet.delivered).toEqual([
    ["a", [1]],
    ["a", [2, 3, 4, 5, 6]],
  ]);
});

test("#158: partitions may have any names", () => {
  const hash = (event: number) => [event, atom(event % 2 === 0 ? "even" : "odd")] as const;
  const { dispatcher, outlet } = started({ partitions: [atom("odd"), atom("even")], hash });
  dispatcher.subscribe(a, { partition: atom("odd") });
  dispatcher.ask(5, a);

  dispatcher.dispatch([1, 3, 5]);

  expect(outlet.delivered).toEqual([["a", [1, 3, 5]]]);
});

test("#159: what the hash drops costs no demand", () => {
  const hash = (event: number) => (event % 3 === 0 ? ("none" as const) : ([event, 0] as const));
  const { dispatcher, outlet } = started({ partitions: 1, hash });
  dispatcher.subscribe(a, { partition: 0 });
  dispatcher.ask(8, a);

  expect(dispatcher.dispatch(integers(1, 12))).toEqual([12]);
  expect(outlet.delivered).toEqual([["a", [1, 2, 4, 5, 7, 8, 10, 11]]]);
});

test("#160: events wait for the consumer of their partition", () => {
  const { dispatcher, outlet } = started();
  dispatcher.subscribe(b, { partition: 1 });
  dispatcher.ask(5, b);
  expect(dispatcher.dispatch([2, 4, 6, 8, 10])).toEqual([]);

  dispatcher.subscribe(a, { partition: 0 });
  expect(dispatcher.ask(5, a)).toBe(5);

  expect(outlet.delivered).toEqual([["a", [2, 4, 6, 8, 10]]]);
  expect(dispatcher.dispatch([12, 14, 16, 18, 20, 22])).toEqual([22]);
});

test("#161: a partition gets what was asked for, and the rest when it asks again", () => {
  const { dispatcher, outlet } = started();
  for (const [each, partition] of [[a, 0] as const, [b, 1] as const]) {
    dispatcher.subscribe(each, { partition });
    dispatcher.ask(5, each);
  }

  dispatcher.dispatch([2, 4]);
  dispatcher.dispatch([6, 8, 10, 12, 14, 16, 18, 20]);
  dispatcher.ask(5, a);

  expect(outlet.delivered).toEqual([
    ["a", [2, 4]],
    ["a", [6, 8, 10]],
    ["a", [12, 14, 16, 18, 20]],
  ]);
});

test("#162: what waited for a consumer that goes is lost, said so, and demanded again; infos are released", () => {
  const { dispatcher, outlet } = started();
  dispatcher.subscribe(a, { partition: 0 });
  dispatcher.ask(2, a);
  dispatcher.subscribe(b, { partition: 1 });
  dispatcher.ask(3, b);
  dispatcher.dispatch([2, 4, 6, 8, 10]);
  dispatcher.info("then");

  expect(dispatcher.cancel(a)).toBe(3);

  expect(outlet.infos).toEqual(["then"]);
  expect(outlet.warnings).toEqual([expect.stringContaining("lost 3 events")]);
  expect(outlet.discardedCount).toBe(3);
});

test("#163, #164: an info waits for every partition that has something waiting", () => {
  const { dispatcher, outlet } = started();
  dispatcher.info("at once");
  dispatcher.subscribe(a, { partition: 0 });
  dispatcher.ask(1, a);
  dispatcher.subscribe(b, { partition: 1 });
  dispatcher.ask(9, b);
  dispatcher.dispatch([2, 4, 6]);

  dispatcher.info("after 6");
  dispatcher.dispatch([8]);
  expect(outlet.infos).toEqual(["at once"]);
  dispatcher.ask(5, a);

  expect(outlet.infos).toEqual(["at once", "after 6"]);
  expect(outlet.delivered).toEqual([
    ["a", [2]],
    ["a", [4, 6]],
    ["a", [8]],
  ]);
});

test("#165, #166: a hash that names no partition, or nothing at all, is an error of who wrote it", () => {
  for (const [hash, problem] of [
    [(event: number) => [event, 7] as const, /unknown partition 7/],
    [() => "elsewhere" as never, /the hash must give an event and its partition/],
  ] as const) {
    const { dispatcher } = started({ partitions: 2, hash });
    dispatcher.subscribe(a, { partition: 0 });
    dispatcher.ask(1, a);

    expect(() => dispatcher.dispatch([1])).toThrow(problem);
  }
});

test("#167: names that are no integers need a hash, and there must be partitions", () => {
  expect(() => partitionDispatcher({ partitions: [atom("odd")] })).toThrow(expect.objectContaining({ code: "BADARG" }));
  expect(() => partitionDispatcher({ partitions: [] })).toThrow(expect.objectContaining({ code: "BADARG" }));
});

test("#168, #169: a partition that is missing, unknown or taken is refused in GenStage's words, and nobody else is hurt", () => {
  const { dispatcher } = started();
  const refusal = (options: Record<string, Term>) => inspect((dispatcher.subscribe(b, options) as Refusal).reason);
  dispatcher.subscribe(a, { partition: 0 });

  expect(refusal({})).toBe(
    '{:bad_opts, "the :partition option is required when subscribing to a producer with partition dispatcher"}',
  );
  expect(refusal({ partition: -1 })).toBe('{:bad_opts, ":partition must be one of [0, 1], got: -1"}');
  expect(refusal({ partition: atom("oops") })).toBe('{:bad_opts, ":partition must be one of [0, 1], got: :oops"}');
  expect(refusal({ partition: 0 })).toBe('{:bad_opts, "the partition 0 is already taken by #PID<ex@127.0.0.1.1.0>"}');
  expect(dispatcher.subscribe(b, { partition: 1 })).toBe(0);
});

test("without a hash an event goes where Elixir's producers send it", () => {
  const { dispatcher, outlet } = started({ partitions: 4 });
  const partitions = [0, 1, 2, 3].map((partition) => consumer(`p${partition}`, 10 + partition));
  partitions.forEach((each, partition) => {
    dispatcher.subscribe(each, { partition });
    dispatcher.ask(100, each);
  });

  dispatcher.dispatch(integers(1, 100));

  for (const [key, events] of outlet.delivered) {
    for (const event of events) expect(`p${phash2(event, 4)}`).toBe(key);
  }
  expect(outlet.delivered.map(([key]) => key).toSorted()).toEqual(["p0", "p1", "p2", "p3"]);
});
