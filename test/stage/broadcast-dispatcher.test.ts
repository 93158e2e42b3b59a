import { expect, test } from "vitest";
import { BroadcastDispatcher, type Selector } from "../../src/stage/broadcast-dispatcher.ts";
import { type DispatcherConsumer, Refusal } from "../../src/stage/dispatcher.ts";
import { atom, Export, inspect, type Term } from "../../src/term/index.ts";
import { integers, remotePid } from "./harness.ts";
import { Recorder } from "./recorder.ts";

const consumer = (key: string, id: number): DispatcherConsumer => ({
  key,
  tag: key,
  pid: remotePid("ex@127.0.0.1", id),
});
const [a, b, c] = [consumer("a", 1), consumer("b", 2), consumer("c", 3)];

function started(selectors: Record<string, Selector<number>> = {}) {
  const outlet = new Recorder();
  return { outlet, dispatcher: new BroadcastDispatcher(outlet, selectors) };
}

test("#141: a consumer that comes and goes leaves nothing, and may come again", () => {
  const { dispatcher, outlet } = started();
  dispatcher.subscribe(a, {});

  expect(dispatcher.cancel(a)).toBe(0);

  expect(dispatcher.dispatch([1])).toEqual([1]);
  expect(outlet.delivered).toEqual([]);
  expect(dispatcher.subscribe(a, {})).toBe(0);
  expect(dispatcher.ask(3, a)).toBe(3);
});

test("#142: what a consumer that is gone had asked for stays demanded, and is not delivered to nobody", () => {
  const { dispatcher, outlet } = started();
  dispatcher.subscribe(a, {});

  expect(dispatcher.ask(10, a)).toBe(10);
  expect(dispatcher.cancel(a)).toBe(0);

  expect(dispatcher.dispatch([1, 2, 3])).toEqual([1, 2, 3]);
  expect(outlet.delivered).toEqual([]);
});

test("#143: nothing is ready once somebody else has subscribed; nothing is demanded twice", () => {
  const { dispatcher } = started();
  dispatcher.subscribe(a, {});
  dispatcher.ask(10, a);

  dispatcher.subscribe(b, {});

  expect(dispatcher.dispatch([1])).toEqual([1]);
  expect(dispatcher.cancel(a)).toBe(0);
  expect(dispatcher.ask(10, b)).toBe(0);
});

test("#144: when the one that did not ask is gone, the demand of the other is free", () => {
  const { dispatcher } = started();
  dispatcher.subscribe(a, {});
  dispatcher.subscribe(b, {});
  expect(dispatcher.ask(10, a)).toBe(0);

  expect(dispatcher.cancel(b)).toBe(10);
});

test("#145: all get the same, as much as the one that asked least", () => {
  const { dispatcher, outlet } = started();
  dispatcher.subscribe(a, {});
  dispatcher.subscribe(b, {});
  expect(dispatcher.ask(3, a)).toBe(0);
  expect(dispatcher.ask(2, b)).toBe(2);

  expect(dispatcher.dispatch([1, 2])).toEqual([]);
  expect(outlet.delivered.splice(0)).toEqual([
    ["b", [1, 2]],
    ["a", [1, 2]],
  ]);

  expect(dispatcher.ask(2, b)).toBe(1);
  expect(dispatcher.dispatch([3, 4])).toEqual([4]);
  expect(outlet.delivered.map(([, events]) => events)).toEqual([[3], [3]]);
});

test("#146: without demand of all, everything is left", () => {
  const { dispatcher, outlet } = started();
  dispatcher.subscribe(a, {});

  expect(dispatcher.dispatch([1, 2])).toEqual([1, 2]);
  expect(outlet.delivered).toEqual([]);
});

test("#147: a late subscriber holds everybody up until it asks", () => {
  const { dispatcher, outlet } = started();
  for (const each of [a, b]) dispatcher.subscribe(each, {});
  dispatcher.ask(4, a);
  expect(dispatcher.ask(4, b)).toBe(4);
  dispatcher.subscribe(c, {});

  expect(dispatcher.dispatch([1, 2])).toEqual([1, 2]);
  expect(dispatcher.ask(3, c)).toBe(0);
  expect(dispatcher.dispatch([1, 2, 3])).toEqual([]);
  expect(outlet.delivered.map(([key]) => key).toSorted()).toEqual(["a", "b", "c"]);
});

test("#148: what is on its way already is not demanded for a newcomer again", () => {
  const { dispatcher, outlet } = started();
  dispatcher.subscribe(a, {});
  expect(dispatcher.ask(10, a)).toBe(10);
  dispatcher.dispatch([1, 2, 3]);
  dispatcher.subscribe(b, {});

  expect(dispatcher.ask(20, b)).toBe(0);
  outlet.delivered.length = 0;
  expect(dispatcher.dispatch(integers(4, 7))).toEqual([]);
  expect(outlet.delivered).toHaveLength(2);
});

test("#149: what was demanded for one that is gone is set off against the next one's asks", () => {
  const { dispatcher } = started();
  dispatcher.subscribe(a, {});
  dispatcher.ask(10, a);
  dispatcher.cancel(a);
  dispatcher.subscribe(b, {});

  expect(dispatcher.ask(5, b)).toBe(0);
  expect(dispatcher.dispatch([1, 2, 3])).toEqual([]);
  expect(dispatcher.dispatch([4, 5, 6])).toEqual([6]);
  expect(dispatcher.ask(10, b)).toBe(5);
});

test("#150: what piled up behind one that never asked is demanded when it goes, less what was before", () => {
  const { dispatcher } = started();
  dispatcher.subscribe(a, {});
  expect(dispatcher.ask(10, a)).toBe(10);
  dispatcher.subscribe(b, {});
  expect(dispatcher.ask(5, a)).toBe(0);

  expect(dispatcher.cancel(b)).toBe(5);
});

test("#151: each gets what its selector accepts, and the rest is asked for again in its name", () => {
  const { dispatcher, outlet } = started({
    small: (event) => event < 4,
    "Shop.even?/1": (event) => event % 2 === 0,
  });
  dispatcher.subscribe(a, { selector: atom("small") });
  dispatcher.subscribe(b, { selector: new Export("Elixir.Shop", "even?", 1) as unknown as Term });
  dispatcher.ask(4, a);
  dispatcher.ask(4, b);

  dispatcher.dispatch([1, 2, 3, 4]);

  expect(outlet.delivered).toEqual([
    ["b", [2, 4]],
    ["a", [1, 2, 3]],
  ]);
  expect(outlet.asked).toEqual([
    ["b", 2],
    ["a", 1],
  ]);
});

test("#152: a consumer that wants nothing of a batch gets an empty one", () => {
  const { dispatcher, outlet } = started({ none: () => false });
  dispatcher.subscribe(a, { selector: "none" });
  dispatcher.ask(3, a);

  dispatcher.dispatch([1, 2]);

  expect(outlet.asked).toEqual([["a", 2]]);
  expect(outlet.delivered).toEqual([["a", []]]);
});

test("#153: an info goes to the stage", () => {
  const { dispatcher, outlet } = started();

  dispatcher.info("now");

  expect(outlet.infos).toEqual(["now"]);
});

test("#154: a process can subscribe once, however often it tries", () => {
  const { dispatcher, outlet } = started();
  dispatcher.subscribe(a, {});

  for (const key of ["again", "once more"]) {
    const second = { ...a, key };
    const refusal = dispatcher.subscribe(second, {});

    expect(refusal).toBeInstanceOf(Refusal);
    expect(inspect((refusal as Refusal).reason)).toBe(":already_subscribed");
    expect(dispatcher.cancel(second)).toBe(0);
  }
  expect(outlet.errors).toHaveLength(2);
});

test("#155: a selector that is not one of the producer's is refused, and nobody else is hurt", () => {
  const { dispatcher } = started({ small: () => true });

  for (const selector of [1, "large", new Export("os", "cmd", 1) as unknown as Term, atom("toString")]) {
    expect(dispatcher.subscribe(a, { selector })).toBeInstanceOf(Refusal);
  }
  expect(dispatcher.subscribe(a, { selector: null })).toBe(0);
});
