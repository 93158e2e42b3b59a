import { describe, expect, test } from "vitest";
import type { CheckedSpec } from "../../src/otp/supervisor/child-spec.ts";
import { findChild, type Rules, type Step, type Supervision, step } from "../../src/otp/supervisor/supervision.ts";
import { Reason } from "../../src/runtime/index.ts";
import { type Atom, atom, Pid, tuple } from "../../src/term/index.ts";

const CRASHED = atom("crashed");

function spec(id: string, more: Partial<CheckedSpec> = {}): CheckedSpec {
  const mfa = tuple(atom("m"), atom("f"), []);
  return {
    id: atom(id),
    mfa,
    start: () => {},
    restart: "permanent",
    shutdown: 5000,
    type: "worker",
    significant: false,
    modules: [],
    ...more,
  };
}

function running(rules: Partial<Rules>, ...specs: CheckedSpec[]): Supervision {
  return {
    rules: { strategy: "one_for_one", autoShutdown: "never", maxRestarts: 3, maxSeconds: 5, ...rules },
    children: specs.map((spec, i) => ({ spec, pid: new Pid("here@host", i + 1, 0, 1) })),
    restarts: [],
  };
}

function exit(state: Supervision, id: string, reason: unknown = CRASHED, nowMs = 0): Step {
  return step(state, { kind: "exited", pid: findChild(state, atom(id))!.pid as Pid, reason, nowMs });
}

/** The effects in short: `stop b`, `start a`. */
function short([effects]: Step): string[] {
  return effects.map((effect) => {
    if ("spec" in effect) return `${effect.kind} ${(effect.spec.id as Atom).tag}`;
    return effect.kind === "retry" ? `retry ${(effect.id as Atom).tag}` : effect.because;
  });
}

const abc = [spec("a"), spec("b"), spec("c")];

describe("strategies", () => {
  test.each([
    ["one_for_one", ["start b"]],
    ["one_for_all", ["stop c", "stop a", "start a", "start b", "start c"]],
    ["rest_for_one", ["stop c", "start b", "start c"]],
  ] as const)("%s", (strategy, expected) => {
    expect(short(exit(running({ strategy }, ...abc), "b"))).toEqual(expected);
  });

  test("a temporary child that is stopped for a sibling does not come back", () => {
    const [effects, state] = exit(
      running({ strategy: "one_for_all" }, spec("a"), spec("b", { restart: "temporary" })),
      "a",
    );
    expect(short([effects, state])).toEqual(["stop b", "start a"]);
    expect(findChild(state, atom("b"))).toBeUndefined();
  });

  test("a child that was not running is started with its siblings, as OTP does", () => {
    const state = running({ strategy: "one_for_all" }, spec("a"), spec("b", { restart: "transient" }));
    const [, ended] = exit(state, "b", Reason.normal);
    expect(short(exit(ended, "a"))).toEqual(["start a", "start b"]);
  });
});

describe("restart types", () => {
  test.each([
    ["permanent", "start a", "start a"],
    ["transient", undefined, "start a"],
    ["temporary", undefined, undefined],
  ] as const)("%s", (restart, orderly, crashed) => {
    const state = running({}, spec("a", { restart }));
    for (const reason of [Reason.normal, Reason.shutdown, tuple(Reason.shutdown, 1)]) {
      expect(short(exit(state, "a", reason))[0]).toBe(orderly);
    }
    for (const reason of [CRASHED, Reason.killed, Reason.noproc])
      expect(short(exit(state, "a", reason))[0]).toBe(crashed);
  });
});

describe("a restart that fails", () => {
  test("is tried again, and what was to follow is void", () => {
    const [, state] = exit(running({ strategy: "rest_for_one" }, ...abc), "b");
    const [effects, failed] = step(state, { kind: "failed", id: atom("b") });
    expect(short([effects, failed])).toEqual(["retry b"]);
    expect(failed.children.map(({ pid }) => (pid instanceof Pid ? "pid" : pid))).toEqual([
      "pid",
      "restarting",
      undefined,
    ]);
    expect(short(step(failed, { kind: "retry", id: atom("b"), nowMs: 0 }))).toEqual(["start b", "start c"]);
  });

  test("counts against the intensity each time", () => {
    let [, state] = exit(running({ maxRestarts: 2 }, spec("a")), "a");
    [, state] = step(state, { kind: "failed", id: atom("a") });
    [, state] = step(state, { kind: "retry", id: atom("a"), nowMs: 1 });
    [, state] = step(state, { kind: "failed", id: atom("a") });
    expect(short(step(state, { kind: "retry", id: atom("a"), nowMs: 2 }))).toEqual(["reached_max_restart_intensity"]);
  });

  test("is not tried again once somebody has terminated the child", () => {
    const [, state] = exit(running({}, spec("a")), "a");
    expect(step(state, { kind: "retry", id: atom("a"), nowMs: 0 })).toEqual([[], state]);
  });
});

describe("auto_shutdown", () => {
  const significant = { restart: "transient", significant: true } as const;
  const two = [spec("a", significant), spec("b", significant), spec("c", { restart: "transient" })];

  test("any_significant: the first significant child that ends for good is the end", () => {
    const state = running({ autoShutdown: "any_significant" }, ...two);
    expect(short(exit(state, "c", Reason.normal))).toEqual([]);
    expect(short(exit(state, "a"))).toEqual(["start a"]);
    expect(short(exit(state, "a", Reason.normal))).toEqual(["auto_shutdown"]);
  });

  test("all_significant: the last one is", () => {
    const [effects, state] = exit(running({ autoShutdown: "all_significant" }, ...two), "a", Reason.normal);
    expect(effects).toEqual([]);
    expect(short(exit(state, "b", Reason.shutdown))).toEqual(["auto_shutdown"]);
  });
});

test("the end of a process that is no child changes nothing", () => {
  const state = running({}, ...abc);
  expect(step(state, { kind: "exited", pid: new Pid("here@host", 99, 0, 1), reason: CRASHED, nowMs: 0 })).toEqual([
    [],
    state,
  ]);
});
