import { expect, test } from "vitest";
import { keywordObject, keywords, parseOptions, Subscription } from "../../src/stage/subscription.ts";
import { Export, equals, parse, type Term, tuple } from "../../src/term/index.ts";
import { remotePid } from "./harness.ts";

// sync_subscribe_bad_options on GenStage 1.3.2, and its source for the last but two
test.each([
  ["[max_demand: 0]", "expected :max_demand to be equal to or greater than 1, got: 0"],
  ["[min_demand: 2000]", "expected :min_demand to be equal to or less than 999, got: 2000"],
  ["[cancel: :sometimes]", "expected :cancel to be one of [:temporary, :transient, :permanent], got: :sometimes"],
  ["[max_demand: :infinity]", "expected :max_demand to be an integer, got: :infinity"],
  ["[cancel: 1, min_demand: -1]", "expected :min_demand to be equal to or greater than 0, got: -1"],
  ["[max_demand: nil]", "expected :max_demand to be an integer, got: nil"],
  ["5", "expected the options to be a keyword list, got: 5"],
])("the options %s are refused with GenStage's words", (text, problem) => {
  expect(parseOptions(parse(text))).toBe(problem);
});

test.each([
  ["[]", { maxDemand: 1000, minDemand: 500, cancel: "permanent" }],
  ["[max_demand: 1]", { maxDemand: 1, minDemand: 0, cancel: "permanent" }],
  ["[min_demand: 8, max_demand: 10, cancel: :temporary]", { maxDemand: 10, minDemand: 8, cancel: "temporary" }],
  ["[max_demand: 3, max_demand: 9, partition: 1]", { maxDemand: 3, minDemand: 1, cancel: "permanent" }],
])("the options %s are completed by the defaults", (text, parsed) => {
  expect(parseOptions(parse(text))).toEqual(parsed);
});

test("only what the user gave travels, in the user's order", () => {
  const list = keywords({ cancel: "transient", maxDemand: 10, selector: new Export("Elixir.Odd", "is_odd", 1) });

  expect(equals(list, parse("[cancel: :transient, max_demand: 10, selector: &Odd.is_odd/1]"))).toBe(true);
  expect(keywords({})).toEqual([]);
});

test("callbacks see options as an object, the first of each name", () => {
  expect(keywordObject(parse("[a: 1, b: nil, a: 2, b: 3]"))).toEqual({ a: 1, b: null });
  expect(keywordObject(parse("[:a]"))).toBeUndefined();
});

test("a subscription is the tuple that it is on the wire", () => {
  const pid = remotePid("ex@127.0.0.1");
  const subscription = new Subscription(pid, "tag");

  expect(subscription.peer).toBe(pid);
  expect(subscription.subscriptionTag).toBe("tag");
  expect(equals(subscription, tuple(pid, "tag") as unknown as Term)).toBe(true);
  expect(equals(subscription, [pid, "tag"])).toBe(false);
});
