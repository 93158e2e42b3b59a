import { describe, expect, test } from "vitest";
import type { Signal } from "../../src/dist/index.ts";
import { PeerGuard, type PeerOperation, type PeerRules } from "../../src/node/peer-rules.ts";
import { Reason } from "../../src/runtime/index.ts";
import { atom, Pid, Ref } from "../../src/term/index.ts";
import { SimulatedClock } from "../../src/testing/index.ts";

const THERE = new Pid("there@host", 1, 0, 9);
const HERE = new Pid("here@host", 2, 0, 7);
const REF = new Ref("there@host", 9, [1, 2, 3]);
const OURS = new Ref("here@host", 7, [1, 2, 3]);
const [from, to] = [THERE, HERE];
const TOO_LONG = atom("reason_too_long");

/** A guard and all that it does. */
function guarded(rules: PeerRules) {
  const effects: unknown[] = [];
  const clock = new SimulatedClock();
  const guard = new PeerGuard(rules, clock, {
    answer: (signal) => void effects.push(signal),
    refused() {},
    instead: (signal) => void effects.push(["instead", signal]),
    tooMany: (signals) => void effects.push(["too many", signals]),
  });
  return { guard, effects, clock };
}

const noproc = Reason.noproc;
const down: Signal = { op: "down", from: to, to: from, ref: REF, reason: noproc };
const linkExit: Signal = { op: "linkExit", from: to, to: from, reason: noproc };
const spawnRequest: Signal = {
  op: "spawnRequest", ref: REF, from, groupLeader: from, module: "m", function: "f", arity: 0, options: [], args: [],
}; // biome-ignore format: a signal
const notsup: Signal = { op: "spawnReply", ref: REF, to: from, flags: 0, result: atom("notsup") };

/** Every signal, the operation that it is, and what a refusal is answered with. */
const SIGNALS: [Signal, PeerOperation | undefined, Signal?][] = [
  [{ op: "send", from, to, message: undefined }, "send"],
  [{ op: "sendName", from, to: "name", message: undefined }, "send"],
  [{ op: "sendAlias", from, to: OURS, message: undefined, priority: false }, undefined],
  [{ op: "link", from, to }, "link", linkExit],
  [{ op: "unlink", from, to, id: 1 }, undefined],
  [{ op: "unlinkAck", from, to, id: 1 }, undefined],
  [{ op: "linkExit", from, to, reason: undefined }, undefined],
  [{ op: "exit", from, to, reason: undefined }, "exit"],
  [{ op: "exitAlias", from, to: OURS, reason: undefined, priority: false }, "exit"],
  [{ op: "monitor", from, to, ref: REF }, "monitor", down],
  [{ op: "monitor", from, to: "name", ref: REF }, "monitor", { ...down, from: "name" } as Signal],
  [{ op: "demonitor", from, to, ref: REF }, undefined],
  [{ op: "down", from, to, ref: OURS, reason: undefined }, undefined],
  [{ op: "groupLeader", from, to }, "groupLeader"],
  [spawnRequest, "spawn", notsup],
  [{ op: "spawnReply", ref: OURS, to, flags: 0, result: from }, undefined],
];
const ALL: readonly PeerOperation[] = ["send", "link", "monitor", "exit", "spawn", "groupLeader"];

describe.each(SIGNALS)("%o", (signal, operation, answer) => {
  const answers = answer === undefined ? [] : [answer];

  test("is taken without rules and with its operation alone, and refused with all others", () => {
    expect(guarded({}).guard.admit(signal)).toBe(true);
    if (operation !== undefined) expect(guarded({ operations: [operation] }).guard.admit(signal)).toBe(true);

    const { guard, effects } = guarded({ operations: ALL.filter((other) => other !== operation) });
    expect(guard.admit(signal)).toBe(operation === undefined);
    expect(effects).toEqual(operation === undefined ? [] : answers);
  });

  test("for a name is refused when that is none of those that may be reached", () => {
    const named = "to" in signal && signal.to === "name";
    expect(guarded({ names: ["name"] }).guard.admit(signal)).toBe(true);
    const { guard, effects } = guarded({ names: ["other"] });
    expect(guard.admit(signal)).toBe(!named);
    expect(effects).toEqual(named ? answers : []);
  });

  test("is answered in the same way when it is too long, but for the end of what is linked or monitored", () => {
    const { guard, effects } = guarded({ maxMessageBytes: 10 });
    expect(guard.maxPayloadBytes).toBe(10);
    guard.tooLong(signal);
    const owed = signal.op === "down" || signal.op === "linkExit";
    expect(effects).toEqual(owed ? [["instead", { ...signal, reason: TOO_LONG }]] : answers);
  });

  test("counts as one signal of those of a second, and is not answered above that", async () => {
    const { guard, effects, clock } = guarded({ maxSignalsPerSecond: 2, operations: [...ALL] });
    expect([guard.admit(signal), guard.admit(signal)]).toEqual([true, true]);
    await clock.advance(1_000);
    expect([guard.admit(signal), guard.admit(signal), guard.admit(signal)]).toEqual([true, true, false]);
    expect(effects).toEqual([["too many", 3]]);
  });
});

test("the name that answers pings is reached whatever the rules are", () => {
  const { guard } = guarded({ names: [], operations: [] });
  expect(guard.admit({ op: "sendName", from, to: "net_kernel", message: undefined })).toBe(true);
  expect(guard.admit({ op: "monitor", from, to: "net_kernel", ref: REF })).toBe(true);
});
