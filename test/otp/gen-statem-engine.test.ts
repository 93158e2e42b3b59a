import { describe, expect, test } from "vitest";
import {
  type Action,
  eventTimeout,
  genericTimeout,
  hibernate,
  keepState,
  nextEvent,
  nextState,
  postpone,
  repeatState,
  replyTo,
  stateTimeout,
  stopAndReply,
} from "../../src/otp/index.ts";
import { stop } from "../../src/otp/server/results.ts";
import type { StatemEvent } from "../../src/otp/statem/gen-statem-events.ts";
import { Reason } from "../../src/runtime/index.ts";
import { atom, Pid, type Tuple, tuple } from "../../src/term/index.ts";
import { Machine, type Rules } from "./gen-statem-machine.ts";

const CALLER: Tuple = tuple(new Pid("there@host", 1, 0, 1), atom("tag"));

/** What to do with events by their content; everything else is kept to. */
type Script = Record<string, unknown>;

/** In any state the script decides by content, or by `state: content`. */
function scripted(script: Script): Rules {
  return (event, state) => script[`${state}: ${event.content}`] ?? script[String(event.content)] ?? keepState();
}

function machine(script: Script, options: { stateEnter?: boolean; traced?: boolean } = {}): Machine {
  return new Machine(scripted(script), "a", options);
}

function started(script: Script, options: { stateEnter?: boolean; traced?: boolean } = {}): Machine {
  const started = machine(script, options).start();
  started.take();
  return started;
}

describe("events that are inserted", () => {
  test("come in the order of their actions, before those that were inserted earlier", () => {
    const one = started({
      go: keepState([nextEvent("internal", 1), nextEvent("internal", 2)]),
      1: keepState([nextEvent("cast", 3)]),
    });

    one.cast("go");

    expect(one.take()).toEqual(["a: cast go", "a: internal 1", "a: cast 3", "a: internal 2"]);
  });

  test("come before postponed ones that are retried", () => {
    const one = started({ "a: later": keepState(postpone()), go: nextState("b", nextEvent("info", "first")) });

    one.cast("later").cast("go");

    expect(one.take()).toEqual(["a: cast later", "a: cast go", "b: info first", "b: cast later"]);
  });

  test("can be of any type but enter", () => {
    const types: Action[] = [
      nextEvent("timeout", 1),
      nextEvent("state_timeout", 2),
      nextEvent({ type: "generic_timeout", name: "t", content: 3 }),
      nextEvent({ type: "call", from: CALLER as never, content: 4 }),
    ];
    const one = started({ go: keepState(types) });

    one.cast("go");

    expect(one.take()).toEqual(["a: cast go", "a: timeout 1", "a: state_timeout 2", "a: t 3", "a: call 4"]);
    for (const bad of [
      { type: "enter", content: 1 },
      { type: "call", from: 1, content: 2 },
      { type: "odd", content: 3 },
    ]) {
      const action = nextEvent(bad as never);
      expect(started({ go: keepState(action) }).cast("go").end).toEqual({
        kind: "fault",
        fault: "bad_action_from_state_function",
        given: action,
      });
    }
  });
});

describe("postponed events", () => {
  const postponing = { "a: 1": keepState(postpone()), "a: 2": keepState(postpone()), "a: 3": keepState(postpone()) };

  test("are retried in their order when the state changes", () => {
    const one = started({ ...postponing, go: nextState("b") });

    one.cast(1).cast(2).cast(3).cast("go");

    expect(one.take().slice(3)).toEqual(["a: cast go", "b: cast 1", "b: cast 2", "b: cast 3"]);
    expect(one.engine.postponed).toEqual([]);
  });

  test("wait while the state is kept, repeated, or the next one is the same", () => {
    const again = { keep: keepState(), repeat: repeatState(), same: nextState("a") };
    const one = started({ ...postponing, ...again }, { stateEnter: true });

    one.cast(1).cast("keep").cast("repeat").cast("same");

    expect(one.engine.postponed.map(({ content }) => content)).toEqual([1]);
  });

  test("are compared by the term that the state is", () => {
    const rules: Rules = ({ content }) => (content === "same" ? nextState(tuple("a", [1])) : keepState(postpone()));
    const one = new Machine(rules, tuple("a", [1])).start();

    one.cast(1).cast("same");

    expect(one.engine.postponed).toHaveLength(1);
  });

  test("that are retried can be postponed again, behind none that came later", () => {
    const one = started({
      ...postponing,
      "b: 1": keepState(postpone()),
      "b: 2": nextState("c"),
      go: nextState("b"),
    });

    one.cast(1).cast(2).cast(3).cast("go");

    const retried = ["b: cast 1", "b: cast 2", "c: cast 1", "c: cast 3"];
    expect(one.take().slice(4)).toEqual(retried);
  });

  test("of the transition to another state are retried there at once", () => {
    const one = started({ "a: 1": nextState("b", postpone()) });

    one.cast(1);

    expect(one.take()).toEqual(["a: cast 1", "b: cast 1"]);
  });

  test("are not postponed if the last action of that kind says so", () => {
    const one = started({ 1: keepState([postpone(), postpone(false)]) });

    one.cast(1);

    expect(one.engine.postponed).toEqual([]);
  });
});

describe("the event timeout", () => {
  test("comes when nothing else does", () => {
    const one = started({ go: keepState(eventTimeout(50, "quiet")) });

    one.cast("go").advance(49);
    expect(one.take()).toEqual(["a: cast go"]);

    one.advance(1);
    expect(one.take()).toEqual(["a: timeout quiet"]);
  });

  test("is cancelled by any event", () => {
    const one = started({ go: keepState(eventTimeout(50, "quiet")) });

    one.cast("go").event({ type: "info", content: "noise" }).advance(100);

    expect(one.take()).toEqual(["a: cast go", "a: info noise"]);
    expect(one.pendingTimers).toBe(0);
  });

  test("is cancelled by another timeout and by an inserted event", () => {
    const one = started({ go: keepState([eventTimeout(50, "quiet"), stateTimeout(10, "state")]) });
    const two = started({ go: keepState([eventTimeout(0, "quiet"), nextEvent("internal", "more")]) });

    one.cast("go").advance(100);
    two.cast("go");

    expect(one.take()).toEqual(["a: cast go", "a: state_timeout state"]);
    expect(two.take()).toEqual(["a: cast go", "a: internal more"]);
  });
});

describe("the state timeout", () => {
  test("outlives events and is cancelled by a change of state", () => {
    const one = started({ go: keepState(stateTimeout(50, "late")), change: nextState("b") });

    one.cast("go").cast("noise").advance(50).cast("go").cast("change").advance(100);

    const calls = ["a: cast go", "a: cast noise", "a: state_timeout late", "a: cast go", "a: cast change"];
    expect(one.take()).toEqual(calls);
    expect(one.pendingTimers).toBe(0);
  });

  test("belongs to the state that is entered", () => {
    const one = started({ go: nextState("b", stateTimeout(50, "late")) });

    one.cast("go").advance(50);

    expect(one.take()).toEqual(["a: cast go", "b: state_timeout late"]);
  });

  test("outlives a repeated state", () => {
    const one = started({ go: keepState(stateTimeout(50, "late")), again: repeatState() });

    one.cast("go").cast("again").advance(50);

    expect(one.take()).toContain("a: state_timeout late");
  });
});

describe("generic timeouts", () => {
  test("outlive events and changes of state, and are told apart by their names as terms", () => {
    const name = (n: number) => tuple(atom("t"), n);
    const one = started({
      go: keepState([genericTimeout(name(1), 50, "one"), genericTimeout(name(2), 60, "two")]),
      change: nextState("b", genericTimeout(name(2), "cancel")),
    });

    one.cast("go").cast("change").advance(100);

    expect(one.take().slice(2)).toEqual(["b: t,1 one"]);
  });
});

describe("a timeout of 0", () => {
  test("comes after all events that wait, and before any from outside", () => {
    const one = started({
      later: keepState(postpone()),
      "b: later": keepState(),
      go: nextState("b", [stateTimeout(0, "zero"), nextEvent("internal", "more")]),
    });

    one.cast("later").cast("go");

    expect(one.take()).toEqual([
      "a: cast later",
      "a: cast go",
      "b: internal more",
      "b: cast later",
      "b: state_timeout zero",
    ]);
  });

  test("comes in the order of the actions, also behind one of an earlier event", () => {
    const one = started({
      go: keepState([genericTimeout("x", 0, 1), stateTimeout(0, 2), nextEvent("internal", "more")]),
      more: keepState([genericTimeout("y", 0, 3), genericTimeout("x", 0, 4)]),
    });

    one.cast("go");

    expect(one.take().slice(2)).toEqual(["a: state_timeout 2", "a: y 3", "a: x 4"]);
  });

  test("can be cancelled, or become one of later, as long as it has not come", () => {
    const one = started({
      go: keepState([genericTimeout("x", 0, 1), stateTimeout(0, 2), nextEvent("internal", "more")]),
      more: keepState([genericTimeout("x", "cancel"), stateTimeout(20, 3)]),
    });

    one.cast("go");
    expect(one.take()).toEqual(["a: cast go", "a: internal more"]);

    one.advance(20);
    expect(one.take()).toEqual(["a: state_timeout 3"]);
  });

  test("of the event type is cancelled by another one that comes first", () => {
    const one = started({ go: keepState([stateTimeout(0, 1), eventTimeout(0, 2)]) });

    one.cast("go");

    expect(one.take()).toEqual(["a: cast go", "a: state_timeout 1"]);
  });
});

describe("of several timeouts of one type", () => {
  test("the last action counts", () => {
    const one = started({ go: keepState([stateTimeout(10, 1), stateTimeout(30, 2)]) });
    const two = started({ go: keepState([stateTimeout(10, 1), stateTimeout(Number.POSITIVE_INFINITY)]) });

    one.cast("go").advance(100);
    two.cast("go").advance(100);

    expect(one.take()).toEqual(["a: cast go", "a: state_timeout 2"]);
    expect(two.take()).toEqual(["a: cast go"]);
  });

  test("a later one takes the place of an earlier one", () => {
    const one = started({ first: keepState(stateTimeout(10, 1)), second: keepState(stateTimeout(50, 2)) });

    one.cast("first").cast("second").advance(40);
    expect(one.take()).toEqual(["a: cast first", "a: cast second"]);

    one.advance(10);
    expect(one.take()).toEqual(["a: state_timeout 2"]);
  });

  test("update changes the content and not the time, and is one of 0 when there is none", () => {
    const one = started({ go: keepState(stateTimeout(10, 1)), update: keepState(stateTimeout("update", 2)) });

    one.cast("go").advance(5).cast("update").advance(5);
    expect(one.take().slice(2)).toEqual(["a: state_timeout 2"]);

    one.cast("update");
    expect(one.take()).toEqual(["a: cast update", "a: state_timeout 2"]);
  });

  test("an absolute one is due at that time of the clock", () => {
    const one = started({ go: keepState(stateTimeout(120, 1, { abs: true })) });

    one.advance(100).cast("go").advance(19);
    expect(one.take()).toEqual(["a: cast go"]);

    one.advance(1);
    expect(one.take()).toEqual(["a: state_timeout 1"]);
  });

  test.each([
    ["below 0", stateTimeout(-1)],
    ["not an integer", eventTimeout(1.5)],
    ["NaN", genericTimeout("x", Number.NaN)],
    ["no time", stateTimeout("later" as never)],
    ["an absolute update", stateTimeout("update", 1, { abs: true })],
  ])("%s is a bad action", (_name, action) => {
    const { end } = started({ go: keepState(action) }).cast("go");

    expect(end).toEqual({ kind: "fault", fault: "bad_action_from_state_function", given: action });
  });
});

describe("enter calls", () => {
  test("are made for the initial state, for every change of state, and when it is repeated", () => {
    const one = machine({ go: nextState("b"), same: nextState("b"), again: repeatState() }, { stateEnter: true });

    one.start().cast("go").cast("same").cast("again");

    expect(one.take()).toEqual([
      "a: enter a",
      "a: cast go",
      "b: enter a",
      "b: cast same",
      "b: cast again",
      "b: enter b",
    ]);
  });

  test("are made none without state_enter, also when the state is repeated", () => {
    const one = machine({ go: nextState("b"), again: repeatState() });

    one.start().cast("go").cast("again");

    expect(one.take()).toEqual(["a: cast go", "b: cast again"]);
  });

  test("come before inserted events, and their timeouts and replies count", () => {
    const one = started(
      {
        go: nextState("b", [nextEvent("internal", "more"), stateTimeout(10, 1)]),
        "b: a": keepState([stateTimeout(20, 2), replyTo(CALLER, "welcome"), hibernate(), postpone(false)]),
      },
      { stateEnter: true },
    );

    one.cast("go").advance(100);

    expect(one.take()).toEqual(["a: cast go", "b: enter a", "b: internal more", "b: state_timeout 2"]);
    expect(one.replies).toEqual(["welcome"]);
  });

  test("are repeated when they say so", () => {
    let times = 0;
    const rules: Rules = (event) => (event.type === "enter" && ++times < 3 ? repeatState() : keepState());

    const one = new Machine(rules, "a", { stateEnter: true }).start();

    expect(one.take()).toEqual(["a: enter a", "a: enter a", "a: enter a"]);
  });

  test.each([
    ["go to another state", nextState("c"), "bad_state_enter_return_from_state_function"],
    ["postpone", keepState(postpone()), "bad_state_enter_action_from_state_function"],
    ["insert an event", keepState(nextEvent("internal", 1)), "bad_state_enter_action_from_state_function"],
  ])("must not %s", (_name, result, fault) => {
    const { end, engine } = started({ go: nextState("b"), "b: a": result }, { stateEnter: true }).cast("go");

    expect(end).toMatchObject({ kind: "fault", fault });
    expect(engine.state).toBe("b");
  });

  test("may name the state that is being entered", () => {
    const one = started({ go: nextState("b"), "b: a": nextState("b") }, { stateEnter: true });

    one.cast("go");

    expect(one.end).toBeUndefined();
    expect(one.engine.state).toBe("b");
  });
});

describe("the actions of init", () => {
  test("insert events and start timeouts, but postpone nothing", () => {
    const one = machine({ go: nextState("b") }, { stateEnter: true });

    one.start([nextEvent("internal", "first"), stateTimeout(0, "zero"), postpone()]).cast("go");

    const calls = ["a: enter a", "a: internal first", "a: state_timeout zero", "a: cast go", "b: enter a"];
    expect(one.take()).toEqual(calls);
  });
});

describe("the end", () => {
  test("is a stop, in the state of the event", () => {
    const { end, engine } = started({ go: stop(Reason.normal) }).cast("go");

    expect(end).toEqual({ kind: "stop", reason: Reason.normal });
    expect(engine.state).toBe("a");
  });

  test("comes after the replies that were asked for", () => {
    const one = started({ go: stopAndReply(Reason.normal, [replyTo(CALLER, 1), replyTo(CALLER, 2)]) });

    one.cast("go");

    expect(one.end).toEqual({ kind: "stop", reason: Reason.normal });
    expect(one.replies).toEqual([1, 2]);
  });

  test("is another when something else than a reply is among them", () => {
    const bad = postpone();
    const one = started({ go: stopAndReply(Reason.normal, [replyTo(CALLER, 1), bad as never, replyTo(CALLER, 2)]) });

    one.cast("go");

    expect(one.end).toEqual({ kind: "fault", fault: "bad_reply_action_from_state_function", given: bad });
    expect(one.replies).toEqual([1]);
  });

  test.each([
    ["nothing", undefined],
    ["a term", atom("keep_state")],
    ["a gen_server's stop with a reply", stop(Reason.normal, 1)],
    ["an action", postpone()],
  ])("follows from a callback that gives %s", (_name, given) => {
    const one = new Machine(() => given, "a").start();

    one.cast("go");

    expect(one.end).toEqual({ kind: "fault", fault: "bad_return_from_state_function", given });
  });

  test("follows from what is no action, and from a reply to nobody, after the actions before it", () => {
    const odd = started({ go: keepState([replyTo(CALLER, 1), atom("postpone") as never]) }).cast("go");
    const nobody = started({ go: nextState("b", replyTo(tuple(1, 2), 3)) }).cast("go");

    expect(odd.end).toMatchObject({ fault: "bad_action_from_state_function", given: atom("postpone") });
    expect(odd.replies).toEqual([1]);
    expect(nobody.end).toMatchObject({ fault: "bad_action_from_state_function" });
    expect(nobody.engine.state).toBe("b");
  });
});

test("what is traced: events that come, and what becomes of them", () => {
  const one = started(
    { go: nextState("b", nextEvent("internal", 1)), "b: 1": keepState(postpone()) },
    { traced: true },
  );
  one.traces.length = 0;

  one.cast("go");

  const event = { type: "cast", content: "go" };
  const inserted = { type: "internal", content: 1 };
  expect(one.traces).toEqual([
    { kind: "in", event, state: "a" },
    { kind: "in", event: inserted, state: "b" },
    { kind: "consume", event, state: "a", next: "b" },
    { kind: "postpone", event: inserted, state: "b", next: "b" },
  ]);
});

test("timeouts that start are traced, the last one first; those that end are not", () => {
  const actions = [
    stateTimeout(10, 1),
    genericTimeout("x", 0, 2),
    eventTimeout("cancel"),
    genericTimeout("y", "update"),
  ];
  const one = started({ go: keepState(actions) }, { traced: true });

  one.cast("go");

  const set = one.traces.filter(({ kind }) => kind === "timeout_set");
  expect(set).toEqual([
    { kind: "timeout_set", timeout: actions[1], state: "a" },
    { kind: "timeout_set", timeout: actions[0], state: "a" },
  ]);
});

test("a timer that fires although it was cancelled is nothing", () => {
  const one = started({ go: keepState(stateTimeout(10, 1)), cancel: keepState(stateTimeout("cancel")) });
  one.cast("go").cast("cancel");

  expect(one.engine.timedOut(1)).toBeUndefined();
});

test("many postponed events are retried in time that grows with their number", () => {
  const rules: Rules = (event: StatemEvent, state) => {
    if (event.content === "go") return nextState("b");
    return state === "a" ? keepState(postpone()) : keepState();
  };
  const one = new Machine(rules, "a").start();
  for (let i = 0; i < 200_000; i++) one.cast(i);

  one.cast("go");

  expect(one.calls.slice(-2)).toEqual(["b: cast 199998", "b: cast 199999"]);
});
