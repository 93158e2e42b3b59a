import { expect, test } from "vitest";
import {
  askMessage,
  cancelledMessage,
  cancelMessage,
  demandRequest,
  eventsMessage,
  infoRequest,
  readStageMessage,
  readStageRequest,
  subscribeMessage,
  subscribeRequest,
} from "../../src/stage/messages.ts";
import { atom, type Term, tuple } from "../../src/term/index.ts";
import { remotePid } from "./harness.ts";

const pid = remotePid("ex@127.0.0.1");
const tag = tuple("any", 1) as unknown as Term;
const normal = atom("normal");

test("what is built for a producer is read as what was meant", () => {
  const options = [tuple(atom("max_demand"), 10)] as unknown as Term;
  const current = { tag: "old", reason: normal };

  const read = [
    subscribeMessage(pid, tag, undefined, options),
    subscribeMessage(pid, tag, current, options),
    askMessage(pid, tag, 5),
    cancelMessage(pid, tag, normal),
  ].map(readStageMessage);

  expect(read).toEqual([
    { to: "producer", pid, tag, operation: { kind: "subscribe", current: undefined, options } },
    { to: "producer", pid, tag, operation: { kind: "subscribe", current, options } },
    { to: "producer", pid, tag, operation: { kind: "ask", count: 5 } },
    { to: "producer", pid, tag, operation: { kind: "cancel", reason: normal } },
  ]);
});

test("an ask for more than can be counted is one for as many as can be", () => {
  const ask = (count: bigint) => tuple(atom("$gen_producer"), tuple(pid, tag as object), tuple(atom("ask"), count));

  expect(readStageMessage(ask(10n ** 20n))?.operation).toEqual({ kind: "ask", count: Number.MAX_SAFE_INTEGER });
  expect(readStageMessage(ask(-(10n ** 20n)))?.operation).toEqual({ kind: "ask", count: -1e20 });
});

test("what is built for a consumer is read as what was meant, an empty list of events too", () => {
  const read = [
    eventsMessage(pid, tag, [1, 2]),
    eventsMessage(pid, tag, []),
    cancelledMessage(pid, tag, tuple(atom("bad_opts"), "why")),
  ].map(readStageMessage);

  expect(read).toEqual([
    { to: "consumer", pid, tag, operation: { kind: "events", events: [1, 2] } },
    { to: "consumer", pid, tag, operation: { kind: "events", events: [] } },
    { to: "consumer", pid, tag, operation: { kind: "cancel", reason: tuple(atom("bad_opts"), "why") } },
  ]);
});

test.each([
  ["an ask for no integer", tuple(atom("$gen_producer"), tuple(pid, tag as object), tuple(atom("ask"), atom("lots")))],
  ["an unknown operation", tuple(atom("$gen_producer"), tuple(pid, tag as object), tuple(atom("frobnicate"), 1))],
  ["a notification of old", tuple(atom("$gen_consumer"), tuple(pid, tag as object), tuple(atom("notification"), 1))],
  ["events that are no list", tuple(atom("$gen_consumer"), tuple(pid, tag as object), "abc")],
])("%s is of the protocol's form, but no operation", (_what, message) => {
  expect(readStageMessage(message)).toMatchObject({ pid, tag, operation: undefined });
});

test.each([
  ["a tuple of another kind", tuple(atom("$gen_call"), tuple(pid, tag as object), 1)],
  ["one without a pid", tuple(atom("$gen_producer"), tuple("pid", tag as object), tuple(atom("ask"), 1))],
  ["a list", [atom("$gen_producer"), 1, 2]],
  ["a bare atom", atom("$gen_producer")],
])("%s is no message between stages", (_what, message) => {
  expect(readStageMessage(message)).toBeUndefined();
});

test("the requests that every stage understands are read", () => {
  const current = { tag: "old", reason: normal };
  const requests = [
    subscribeRequest(undefined, pid, []),
    subscribeRequest(current, pid, []),
    infoRequest("news"),
    demandRequest("accumulate"),
    atom("$demand"),
    atom("$estimate_buffered_count"),
    tuple(atom("add"), 1),
  ] as Term[];

  expect(requests.map(readStageRequest)).toEqual([
    { kind: "subscribe", current: undefined, to: pid, options: [] },
    { kind: "subscribe", current, to: pid, options: [] },
    { kind: "info", message: "news" },
    { kind: "demand", mode: atom("accumulate") },
    { kind: "demand", mode: undefined },
    { kind: "estimate" },
    undefined,
  ]);
});
