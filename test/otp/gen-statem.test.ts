import { describe, expect, test } from "vitest";
import {
  type CallbackMode,
  eventTimeout,
  GenStatem,
  genericTimeout,
  ignore,
  initialState,
  keepState,
  nextEvent,
  nextState,
  postpone,
  replyTo,
  type StatemEvent,
  type StateResult,
  startServer,
  stateTimeout,
  stop,
  stopAndReply,
} from "../../src/otp/index.ts";
import { call, Exit, type ExitError, Reason } from "../../src/runtime/index.ts";
import { atom, Export, type Pid, type Ref, type Term, type Tuple, tuple } from "../../src/term/index.ts";
import { MemoryLogger, World } from "../support/world.ts";

const KABOOM = atom("kaboom");
const DOWN = atom("DOWN");

/** A door that is locked or open, and closes by itself. Calls to an open door's lock wait until it is closed. */
class Door extends GenStatem {
  opened = 0;
  static override readonly callbackMode = ["state_functions", "state_enter"] as const;

  init({ closesAfterMs = 100 } = {}) {
    this.#closesAfterMs = closesAfterMs;
    return initialState("locked");
  }
  #closesAfterMs = 0;

  locked(event: StatemEvent) {
    if (event.type === "call" && event.content === "open") {
      this.opened++;
      return nextState("open", replyTo(event.from, "opened"));
    }
    return event.type === "call" ? keepState(replyTo(event.from, "locked")) : keepState();
  }

  async open(event: StatemEvent) {
    if (event.type === "enter") return keepState(stateTimeout(this.#closesAfterMs, "close"));
    if (event.type === "state_timeout") return nextState("locked");
    return keepState(postpone());
  }

  override terminate(reason: unknown, state: unknown) {
    ended.push([reason, state]);
  }
}

/** Does what the content of an event says. Its states are terms. */
class Told extends GenStatem {
  log: unknown[] = [];
  static override readonly callbackMode: CallbackMode = "handle_event_function";

  init(first: unknown = initialState(tuple(atom("at"), 1))) {
    return first as ReturnType<typeof initialState>;
  }

  override handleEvent(event: StatemEvent, state: unknown): StateResult | Promise<StateResult> {
    if (typeof event.content === "function") return event.content(event, this);
    this.log.push([event.type, event.content, state]);
    return event.type === "call" ? keepState(replyTo(event.from, this.log.length)) : keepState();
  }

  override terminate(reason: unknown, state: unknown) {
    ended.push([reason, state]);
  }
}

let ended: unknown[][] = [];

/** Functions can only be sent within a node that shares its messages. */
function worldOf(logger = new MemoryLogger()): World {
  ended = [];
  return new World({ localMessages: "share", logger });
}

async function started<S extends Door | Told>(world: World, statem: new () => S, options: object = {}): Promise<Pid> {
  const [server] = await Promise.all([startServer(world.user, statem, options as never), world.settle()]);
  return server.pid;
}

async function asked(world: World, pid: Pid, request: unknown): Promise<Term> {
  const answer = call(world.user, pid, request);
  await world.settle();
  return answer;
}

function told(world: World, pid: Pid, does: (event: StatemEvent & { type: "cast" }, told: Told) => unknown) {
  void world.process.cast(pid, does);
  return world.settle();
}

async function system(world: World, pid: Pid, request: unknown): Promise<unknown> {
  const answer = call(
    world.user,
    pid,
    request,
    {},
    {
      message: (from, what) => tuple(atom("system"), from, what as object),
      failed: () => undefined,
    },
  );
  await world.settle();
  return answer;
}

/** Monitors it from now on; gives the reason once it has ended. */
function watch(world: World, pid: Pid): () => unknown {
  const ref: Ref = world.user.monitor(pid);
  return () => {
    const down = world.inbox.find((message) => (message as Tuple)[0] === DOWN && (message as Tuple)[1] === ref);
    return down && (down as Tuple)[4];
  };
}

describe("a machine whose states are methods", () => {
  test("handles events by its state, with enter calls, postponed events and timeouts", async () => {
    const world = worldOf();
    const door = await started(world, Door);

    expect(await asked(world, door, "knock")).toBe("locked");
    expect(await asked(world, door, "open")).toBe("opened");
    const waiting = call(world.user, door, "knock");
    await world.clock.advance(99);
    expect(await system(world, door, atom("get_state"))).toEqual(tuple(atom("open"), { opened: 1 }));
    await world.clock.advance(1);

    expect(await waiting).toBe("locked");
    expect(await system(world, door, atom("get_state"))).toEqual(tuple(atom("locked"), { opened: 1 }));
  });

  test("ends with undef when it goes to a state that is none", async () => {
    class Lost extends GenStatem {
      static override readonly callbackMode = ["state_functions", "state_enter"] as const;
      init(state: string) {
        return initialState(state);
      }
    }
    for (const state of ["nowhere", "init", "terminate", "toString", "constructor"]) {
      const world = worldOf();
      const [server] = await Promise.all([startServer(world.user, Lost, { args: state, link: true }), world.settle()]);

      const frame = tuple(atom("Lost"), atom(state), [atom("enter"), atom(state), {}], []);
      const undef = tuple(atom("undef"), [frame]);
      expect(world.user.exitReason).toEqual(undef);
      expect(server.pid).toBeDefined();
    }
  });
});

describe("a machine with one callback for all states", () => {
  test("gets casts, infos, calls and timeouts, with the state", async () => {
    const world = worldOf();
    const pid = await started(world, Told);
    const at = tuple(atom("at"), 1);

    void world.process.cast(pid, "cast");
    void world.process.send(pid, "info");
    expect(await asked(world, pid, "call")).toBe(3);
    await told(world, pid, () =>
      nextState("two", [genericTimeout("name", 10, 1), eventTimeout(20, 2), nextEvent("internal", "own")]),
    );
    await world.clock.advance(30);

    const state = (await system(world, pid, atom("get_state"))) as Tuple;
    expect(state[0]).toBe("two");
    expect((state[1] as { log: unknown }).log).toEqual([
      ["cast", "cast", at],
      ["info", "info", at],
      ["call", "call", at],
      ["internal", "own", "two"],
      ["generic_timeout", 1, "two"],
    ]);
  });

  test("lets events wait while a callback awaits, also a timer that fires meanwhile", async () => {
    const world = worldOf();
    const pid = await started(world, Told);
    let go = () => {};
    const paused = new Promise<void>((resolve) => {
      go = resolve;
    });
    await told(world, pid, () => keepState(stateTimeout(10, "late")));

    await told(world, pid, () => paused.then(() => nextState("other")));
    void world.process.cast(pid, "next");
    await world.clock.advance(50);
    go();
    await world.settle();

    const [, data] = (await system(world, pid, atom("get_state"))) as [Term, { log: unknown[] }];
    expect(data.log).toEqual([["cast", "next", "other"]]);
  });

  test("lets the rest of the node go on while it inserts event after event", async () => {
    const world = worldOf();
    const pid = await started(world, Told);
    let left = 5_000;
    const again = () => (left-- > 0 ? keepState(nextEvent("internal", again)) : keepState());
    let seenAt = 0;
    const other = world.spawn(() => {
      seenAt = left;
    });

    void world.process.cast(pid, again);
    await Promise.resolve();
    void world.process.send(other.pid, "hello");
    await world.settle();

    expect(left).toBe(-1);
    expect(seenAt).toBeGreaterThan(0);
  });

  test("that is killed while a callback awaits does nothing more", async () => {
    const world = worldOf();
    const pid = await started(world, Told);
    let go = () => {};
    const paused = new Promise<void>((resolve) => {
      go = resolve;
    });
    void world.process.cast(pid, () => paused.then(() => keepState(nextEvent("internal", () => ended.push(["ran"])))));
    await world.settle();

    world.user.sendExit(pid, Reason.kill);
    go();
    await world.settle();

    expect(ended).toEqual([]);
  });
});

describe("a start", () => {
  const failing = async (first: unknown) => {
    const world = worldOf();
    const outcome = startServer(world.user, Told, { args: first }).catch((error: ExitError) => error.reason);
    await world.settle();
    return outcome;
  };

  test("fails with what init says, and terminate does not run", async () => {
    expect(await failing(stop(KABOOM))).toBe(KABOOM);
    expect(await failing(ignore())).toBe(atom("ignore"));
    expect(await failing(keepStateOfOld)).toEqual(tuple(atom("bad_return_from_init"), keepStateOfOld));
    expect(await failing(Promise.reject(new Exit(KABOOM)))).toBe(KABOOM);
    expect(ended).toEqual([]);
  });

  const keepStateOfOld = atom("keep_state");

  test("succeeds before actions and the callback mode are looked at, which can end it then", async () => {
    class Odd extends Told {
      static override readonly callbackMode = "no_mode" as never;
    }
    const world = worldOf();
    const pid = await started(world, Odd);
    const bad = await started(world, Told, { args: initialState("s", atom("odd") as never) });

    const reason = watch(world, pid);
    await world.settle();

    expect(reason()).toBe(Reason.noproc);
    expect(bad).toBeDefined();
    expect(ended.map(([why]) => why)).toEqual([
      tuple(atom("bad_return_from_callback_mode"), "no_mode"),
      tuple(atom("bad_action_from_state_function"), atom("odd")),
    ]);
  });
});

describe("the end", () => {
  const ending = async (does: (event: StatemEvent) => unknown, logger = new MemoryLogger()) => {
    const world = worldOf(logger);
    const pid = await started(world, Told);
    const reason = watch(world, pid);
    const answer = call(world.user, pid, does).catch(() => "failed");
    await world.settle();
    return { reason: reason(), answer: await answer };
  };

  test("by a result: terminate gets reason and state, and replies go before it", async () => {
    const { reason, answer } = await ending((event) =>
      stopAndReply(Reason.shutdown, event.type === "call" ? [replyTo(event.from, "bye")] : []),
    );

    expect([reason, answer]).toEqual([Reason.shutdown, "bye"]);
    expect(ended).toEqual([[Reason.shutdown, tuple(atom("at"), 1)]]);
    expect(await ending(() => stop(KABOOM))).toEqual({ reason: KABOOM, answer: "failed" });
  });

  test("by a throw: with the reason of the error, of which terminate does not get the stack", async () => {
    const { reason } = await ending(() => {
      throw new RangeError("bang");
    });

    expect(reason).toEqual(tuple(expect.objectContaining({ message: "RangeError: bang" }), expect.any(Array)));
    expect(ended).toEqual([[(reason as Tuple)[0], tuple(atom("at"), 1)]]);
  });

  test("by an exit: with that reason", async () => {
    const reason = tuple(atom("given"), ["up"]);

    const exited = await ending(() => {
      throw new Exit(reason);
    });

    expect(exited.reason).toEqual(reason);
    expect(ended).toEqual([[reason, tuple(atom("at"), 1)]]);
  });

  test("by what must not be given: in OTP's words and with OTP's terms", async () => {
    const bad = async (result: unknown) => ((await ending(() => result)).reason as Tuple)[0];

    expect(await bad(undefined)).toEqual(tuple(atom("bad_return_from_state_function"), null));
    expect(await bad(Promise.resolve(1))).toEqual(tuple(atom("bad_return_from_state_function"), 1));
    const action = "bad_action_from_state_function";
    const cases: [Parameters<typeof keepState>[0], unknown][] = [
      [stateTimeout(-1, "x"), tuple(atom("state_timeout"), -1, "x")],
      [eventTimeout(1.5, null, { abs: true }), tuple(atom("timeout"), 1.5, null, [tuple(atom("abs"), true)])],
      [genericTimeout(3, "update", 4, { abs: true }), expect.anything()],
      [genericTimeout("n", "soon" as never, 4), tuple(tuple(atom("timeout"), "n"), atom("soon"), 4)],
      [nextEvent("enter" as never, 1), tuple(atom("next_event"), atom("enter"), 1)],
      [replyTo(tuple(1, 2), 3), tuple(atom("reply"), tuple(1, 2), 3)],
    ];
    for (const [given, term] of cases) expect(await bad(keepState(given))).toEqual(tuple(atom(action), term as object));
  });

  test("is reported with the last event, the state and what is postponed", async () => {
    const facts: unknown[] = [];
    const logger = new (class extends MemoryLogger {
      override error(message: string, more?: object) {
        super.error(message);
        facts.push(more);
      }
    })();
    const world = worldOf(logger);
    const pid = await started(world, Told);
    await told(world, pid, () => keepState(postpone()));
    void world.process.cast(pid, "noted");

    await told(world, pid, () => stop(KABOOM));

    expect(logger.lines[0]).toContain(`GenStatem Told ${pid}`);
    expect(facts).toEqual([
      expect.objectContaining({
        lastMessage: expect.stringContaining("{:cast, "),
        state: expect.stringMatching(/^\{\{:at, 1\}, %\{log: \[\["cast", "noted"/),
        postponed: expect.stringContaining("[cast: "),
      }),
    ]);
  });

  test("of the parent is its own, and terminate runs if it traps exits", async () => {
    const world = worldOf();
    const pid = await started(world, Told, { link: true });
    await told(world, pid, (_event, statem) => {
      (statem as unknown as { process: { trapExit: boolean } }).process.trapExit = true;
      return keepState();
    });

    world.user.exit(KABOOM);
    await world.settle();

    expect(world.runtime.find(pid)).toBeUndefined();
    expect(ended).toEqual([[KABOOM, tuple(atom("at"), 1)]]);
  });

  test("leaves no timer behind", async () => {
    const world = worldOf();
    const pid = await started(world, Told);
    await told(world, pid, () => keepState([stateTimeout(1000), eventTimeout(1000), genericTimeout("x", 1000)]));
    expect(world.clock.pendingTimers).toBe(3);

    await told(world, pid, () => stop(Reason.normal));

    expect(world.clock.pendingTimers).toBe(0);
  });
});

describe("sys", () => {
  test("get_status is in the shape of a gen_statem's", async () => {
    const world = worldOf();
    const pid = await started(world, Told, { name: "told" });
    await told(world, pid, () => keepState(genericTimeout("x", 1000, "later")));
    void world.process.cast(pid, (_: unknown, statem: Told) =>
      statem.log.length === 0 ? keepState(postpone()) : keepState(),
    );
    await world.settle();

    const status = (await system(world, pid, atom("get_status"))) as Tuple;

    const [header, first, last] = (status[3] as Term[])[4] as [Tuple, Tuple, Tuple];
    expect(status[2]).toEqual(tuple(atom("module"), atom("gen_statem")));
    expect(String.fromCharCode(...(header[1] as number[]))).toBe("Status for state machine told");
    const pairs = (first[1] as Tuple[]).map(([name, value]) => [String.fromCharCode(...(name as number[])), value]);
    expect(pairs).toEqual([
      ["Status", atom("running")],
      ["Parent", pid],
      ["Modules", [atom("Told")]],
      ["Time-outs", tuple(1, [tuple(tuple(atom("timeout"), "x"), "later")])],
      ["Logged Events", []],
      ["Postponed", [tuple(atom("cast"), expect.anything())]],
    ]);
    expect((last[1] as Tuple[])[0]![1]).toEqual(tuple(tuple(atom("at"), 1), { log: [] }));
  });

  test("a suspended machine handles nothing, not even a timeout, until it is resumed", async () => {
    const world = worldOf();
    const pid = await started(world, Told);
    await told(world, pid, () => keepState(stateTimeout(10, "late")));

    await system(world, pid, atom("suspend"));
    void world.process.cast(pid, "while");
    await world.clock.advance(20);
    expect(await system(world, pid, atom("get_state"))).toEqual(tuple(tuple(atom("at"), 1), { log: [] }));
    await system(world, pid, atom("resume"));

    const [, data] = (await system(world, pid, atom("get_state"))) as [Term, { log: unknown[][] }];
    expect(data.log.map(([type, content]) => `${type} ${content}`)).toEqual(["cast while", "state_timeout late"]);
  });

  test("replace_state takes {State, Data}, without a change of state", async () => {
    const world = worldOf();
    const door = await started(world, Door);
    world.exposed.add("doors", {
      "unlock/1": () => tuple(atom("open"), { opened: 7 }),
      "break/1": () => atom("broken"),
    });

    const replaced = await system(world, door, tuple(atom("replace_state"), new Export("doors", "unlock", 1)));
    const refused = await system(world, door, tuple(atom("replace_state"), new Export("doors", "break", 1)));

    expect(replaced).toEqual(tuple(atom("open"), { opened: 7 }));
    expect((refused as Tuple)[0]).toBe(atom("error"));
    expect(world.clock.pendingTimers).toBe(0);
    expect(await system(world, door, atom("get_state"))).toEqual(replaced);
  });

  test("the log has events in gen_statem's form", async () => {
    const world = worldOf();
    const door = await started(world, Door);
    await system(world, door, tuple(atom("debug"), tuple(atom("log"), true)));

    await asked(world, door, "open");
    void world.process.cast(door, "later");
    await world.settle();

    const [, log] = (await system(world, door, tuple(atom("debug"), tuple(atom("log"), atom("get"))))) as [
      Term,
      Tuple[],
    ];
    const from = tuple(world.user.pid, expect.anything());
    const open = tuple(tuple(atom("call"), from), "open");
    const later = tuple(atom("cast"), "later");
    const [locked, opened] = [atom("locked"), atom("open")];
    expect(log).toEqual([
      tuple(atom("in"), open, locked),
      tuple(atom("out"), "opened", from),
      tuple(atom("consume"), open, locked, opened),
      tuple(atom("start_timer"), tuple(atom("state_timeout"), 100, "close", []), opened),
      tuple(atom("in"), later, opened),
      tuple(atom("postpone"), later, opened, opened),
    ]);
  });

  test("terminate ends it in order, with terminate", async () => {
    const world = worldOf();
    const door = await started(world, Door);
    const reason = watch(world, door);

    await system(world, door, tuple(atom("terminate"), Reason.shutdown));

    expect(reason()).toBe(Reason.shutdown);
    expect(ended).toEqual([[Reason.shutdown, "locked"]]);
  });
});
