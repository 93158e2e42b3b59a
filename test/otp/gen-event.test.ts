import { describe, expect, test } from "vitest";
import {
  EventHandler,
  type EventResult,
  GenEvent,
  type HandlerInitResult,
  removeHandler,
  reply,
  startServer,
  stop,
  swapHandler,
} from "../../src/otp/index.ts";
import { Exit } from "../../src/runtime/index.ts";
import { type Atom, atom, Export, isTuple, type Pid, type Term, type Tuple, tuple } from "../../src/term/index.ts";
import { MemoryLogger, World, type WorldOptions } from "../support/world.ts";

const ok = atom("ok");
const H = atom("recorder");

/** Keeps what comes, and does what events say. */
class Recorder extends EventHandler {
  events: unknown = [];

  override init(argument: Term): HandlerInitResult {
    if (isTuple(argument) && argument.tag === "refuse") return stop(argument[1]);
    if (isTuple(argument) && argument.tag === "raise") throw new RangeError("no");
    this.events = argument;
  }

  async #later(event: Term) {
    await Promise.resolve();
    this.events = [event, ...[this.events].flat()] as Term[];
  }

  override handleEvent(event: Term): EventResult | Promise<void> {
    if (event === atom("remove")) return removeHandler();
    if (event === atom("raise")) throw new RangeError("out of range");
    if (event === atom("exit")) throw new Exit(atom("out"));
    if (event === atom("odd")) return "odd" as never;
    if (isTuple(event) && event.tag === "swap") return swapHandler(atom("a1"), event[1] as Tuple, event[2]);
    if (isTuple(event) && event.tag === "later") return this.#later(event);
    this.events = [event, ...[this.events].flat()] as Term[];
  }

  override handleCall(request: Term) {
    if (request === atom("remove")) return removeHandler("bye");
    if (request === atom("raise")) throw new RangeError("out of range");
    if (request === atom("not_a_term")) return reply(Symbol("no"));
    if (request === atom("odd")) return undefined as never;
    return reply(this.events);
  }

  override terminate(reason: Term) {
    if (reason === atom("raise")) throw new Exit(atom("failed"));
    return tuple(atom("bye"), reason as object, this.events as object);
  }
}

class Quiet extends EventHandler {
  override handleEvent() {}
}

async function started(options: WorldOptions = {}) {
  const world = new World(options);
  const manager = GenEvent.of({ recorder: Recorder, quiet: Quiet });
  const [{ pid }] = await Promise.all([startServer(world.user, manager, { name: "manager" }), world.settle()]);
  const events = GenEvent.at(world.process, "manager");
  const settled = async <T>(result: Promise<T>): Promise<T> => {
    await world.settle();
    return result;
  };
  const state = () => settled(call(world, pid, atom("get_state")));
  return { world, pid, events, settled, state };
}

/** A sys request, as OTP 25 makes it. */
async function call(world: World, pid: Pid, request: unknown): Promise<unknown> {
  const ref = world.user.alias();
  void world.process.send(pid, tuple(atom("system"), tuple(world.user.pid, ref), request as object));
  await world.settle();
  return (world.inbox.pop() as Tuple)[1];
}

describe("handlers", () => {
  test("get every event, the last one added first, and are listed in that order", async () => {
    const { events, settled, state } = await started();
    expect(await settled(events.addHandler("recorder", ["first"]))).toBe(ok);
    expect(await settled(events.addHandler(tuple(H, 2), ["second"]))).toBe(ok);
    await settled(events.syncNotify("a"));
    await events.notify("b");
    expect(await settled(events.whichHandlers())).toEqual([tuple(H, 2), H]);
    expect(await settled(events.call(tuple(H, 2), 1))).toEqual(["b", "a", "second"]);
    expect(await state()).toEqual([
      tuple(H, 2, { events: ["b", "a", "second"] }),
      tuple(H, false, { events: ["b", "a", "first"] }),
    ]);
  });

  test("may be async: events and calls wait for them, and keep their order", async () => {
    const { events, settled } = await started();
    await settled(events.addHandler("recorder", []));
    await events.notify(tuple(atom("later"), 1));
    await events.notify(2);
    expect(await settled(events.call("recorder", 1))).toEqual([2, tuple(atom("later"), 1)]);
  });

  test("that nobody offers are answered as OTP answers for a module that is not there", async () => {
    const { events, settled } = await started();
    expect(await settled(events.addHandler("nothing", 7))).toEqual(
      tuple(atom("EXIT"), tuple(atom("undef"), [tuple(atom("nothing"), atom("init"), [7], [])])),
    );
    expect(await settled(events.addHandler("constructor", 7))).toMatchObject([atom("EXIT"), [atom("undef"), {}]]);
    expect(await settled(events.addHandler(tuple("text", 1), 7))).toMatchObject([atom("EXIT"), [atom("badarg"), {}]]);
  });

  test("that do not start say why, and are not there", async () => {
    const { events, settled } = await started();
    expect(await settled(events.addHandler("recorder", tuple(atom("refuse"), "full")))).toBe("full");
    expect(await settled(events.addHandler("recorder", tuple(atom("raise"))))).toMatchObject([
      atom("EXIT"),
      [{ message: expect.stringContaining("no") }, expect.anything()],
    ]);
    expect(await settled(events.whichHandlers())).toEqual([]);
  });

  test("are called by name only, and one without handleCall fails", async () => {
    const { events, settled } = await started();
    expect(await settled(events.call("recorder", 1))).toEqual(tuple(atom("error"), atom("bad_module")));
    await settled(events.addHandler("quiet", 1));
    expect(await settled(events.call("quiet", 1))).toEqual(
      tuple(atom("error"), tuple(atom("EXIT"), tuple(atom("bad_call"), 1))),
    );
    expect(await settled(events.whichHandlers())).toEqual([]);
  });

  test("are deleted with what terminate returns", async () => {
    const { events, settled } = await started();
    await settled(events.addHandler("recorder", []));
    await settled(events.addHandler(tuple(H, 1), []));
    expect(await settled(events.deleteHandler("recorder", "now"))).toEqual(tuple(atom("bye"), "now", []));
    expect(await settled(events.deleteHandler(tuple(H, 1), atom("raise")))).toEqual(
      tuple(atom("EXIT"), atom("failed")),
    );
    expect(await settled(events.deleteHandler("recorder", "now"))).toEqual(
      tuple(atom("error"), atom("module_not_found")),
    );
  });

  test.each([
    ["an error", "raise"],
    ["an exit", "exit"],
    ["a result that is none", "odd"],
  ])("that end with %s are removed and reported; the manager and the others go on", async (_, event) => {
    const logger = new MemoryLogger();
    const { events, settled } = await started({ logger });
    await settled(events.addHandler("recorder", []));
    await settled(events.addHandler("quiet", []));
    await settled(events.syncNotify(atom(event)));
    expect(await settled(events.whichHandlers())).toEqual([atom("quiet")]);
    expect(logger.lines).toMatchObject([expect.stringMatching(/handler :recorder is removed/)]);
  });

  test.each([
    ["raise", [atom("EXIT"), {}]],
    ["odd", null],
  ])("whose call ends with %s are removed, and the caller is told", async (request, reason) => {
    const { events, settled } = await started();
    await settled(events.addHandler("recorder", []));
    expect(await settled(events.call("recorder", atom(request)))).toMatchObject([atom("error"), reason]);
    expect(await settled(events.whichHandlers())).toEqual([]);
  });

  test("whose reply is no term fail for the caller alone", async () => {
    const { events, settled } = await started();
    await settled(events.addHandler("recorder", []));
    expect(await settled(events.call("recorder", atom("not_a_term")))).toMatchObject([
      atom("error"),
      [atom("EXIT"), {}],
    ]);
    expect(await settled(events.call("recorder", 1))).toEqual([]);
  });

  test("remove themselves by an event or a call", async () => {
    const { events, settled } = await started();
    await settled(events.addHandler("recorder", []));
    expect(await settled(events.call("recorder", atom("remove")))).toBe("bye");
    await settled(events.addHandler("recorder", []));
    await settled(events.syncNotify(atom("remove")));
    expect(await settled(events.whichHandlers())).toEqual([]);
  });

  test("without handleInfo leave other messages, which the log tells of", async () => {
    const logger = new MemoryLogger();
    const { world, events, settled, pid } = await started({ logger });
    await settled(events.addHandler("quiet", []));
    await world.process.send(pid, "hello");
    await world.process.send(pid, tuple(world.user.pid, atom("no_from"), atom("which_handlers")));
    expect(await settled(events.whichHandlers())).toEqual([atom("quiet")]);
    expect(logger.lines).toHaveLength(2);
  });
});

describe("swaps", () => {
  test("give what terminate returned to the init of the next, or error when there was none", async () => {
    const { events, settled, state } = await started();
    expect(await settled(events.swapHandler("recorder", "x", "recorder", "first"))).toBe(ok);
    expect(await state()).toEqual([tuple(H, false, { events: tuple("first", atom("error")) })]);
    expect(await settled(events.swapHandler("recorder", "x", tuple(H, 2), "next"))).toBe(ok);
    const before = tuple(atom("bye"), "x", tuple("first", atom("error")));
    expect(await state()).toEqual([tuple(H, 2, { events: tuple("next", before) })]);
    expect(await settled(events.swapHandler(tuple(H, 2), "x", "nothing", "next"))).toMatchObject([
      atom("error"),
      [atom("EXIT"), [atom("undef"), {}]],
    ]);
    expect(await state()).toEqual([]);
  });

  test("by the handler itself keep its place; one to a handler that cannot start leaves none", async () => {
    const { events, settled } = await started();
    await settled(events.addHandler("recorder", []));
    await settled(events.addHandler("quiet", []));
    await settled(events.syncNotify(tuple(atom("swap"), tuple(H, 9), "next")));
    expect(await settled(events.whichHandlers())).toEqual([atom("quiet"), tuple(H, 9)]);
    await settled(events.syncNotify(tuple(atom("swap"), atom("nothing"), "next")));
    expect(await settled(events.whichHandlers())).toEqual([atom("quiet")]);
  });
});

describe("supervised handlers", () => {
  const told = (name: unknown, reason: unknown) => tuple(atom("gen_event_EXIT"), name as object, reason as object);

  test("tell of their end, whatever ends them", async () => {
    const { world, events, settled } = await started();
    const name = tuple(H, 1);
    const add = () => settled(events.addSupHandler(name, []));
    await add();
    await settled(events.deleteHandler(name, 1));
    await add();
    await settled(events.syncNotify(atom("exit")));
    await add();
    await settled(events.swapHandler(name, 1, "recorder", 1));
    await settled(events.swapSupHandler("recorder", 1, name, 1));
    await settled(events.stop());
    expect(world.inbox).toEqual([
      told(name, atom("normal")),
      told(name, tuple(atom("EXIT"), atom("out"))),
      told(name, tuple(atom("swapped"), H, world.user.pid)),
      told(H, tuple(atom("swapped"), name, world.user.pid)),
      told(name, atom("shutdown")),
    ]);
  });

  test("end with the process that added them, and with none else", async () => {
    const { world, events, settled, state } = await started();
    const other = world.spawn();
    const add = (name: unknown, adder: Pid) =>
      tuple(
        adder,
        tuple(world.user.pid, world.user.alias()),
        tuple(atom("add_sup_handler"), name as object, [], adder),
      );
    await world.process.send("manager", add(H, other.pid));
    await world.process.send("manager", add(tuple(H, 2), world.user.pid));
    await world.settle();
    world.inbox.length = 0;
    other.exit(atom("gone"));
    expect(await state()).toEqual([tuple(H, 2, { events: [] })]);
    await settled(events.deleteHandler(tuple(H, 2), 1));
  });

  test("leave those that added them alive when the manager ends", async () => {
    const { world, events, settled, pid } = await started();
    await settled(events.addSupHandler("recorder", []));
    await call(world, pid, tuple(atom("terminate"), atom("kaboom")));
    await world.settle();
    expect([world.runtime.find(pid), world.user.alive]).toEqual([undefined, true]);
  });
});

describe("an event manager", () => {
  test("stops its handlers before it ends, also by the old request", async () => {
    const { world, pid, events, settled } = await started();
    await settled(events.addSupHandler("recorder", []));
    const tag = world.user.alias();
    await world.process.send(pid, tuple(world.user.pid, tuple(world.user.pid, tag), atom("stop")));
    await world.settle();
    expect(world.inbox).toEqual([tuple(atom("gen_event_EXIT"), H, atom("shutdown")), tuple(tag, ok)]);
    expect(world.runtime.find(pid)).toBeUndefined();
  });

  test("shows its handlers by get_status", async () => {
    const { world, pid, events, settled } = await started();
    await settled(events.addSupHandler("recorder", []));
    const status = (await call(world, pid, atom("get_status"))) as Tuple;
    const [dictionary, , , , misc] = status[3] as Term[][];
    expect(status[2]).toEqual(tuple(atom("module"), atom("gen_event")));
    expect(dictionary![0]).toEqual(tuple(atom("$initial_call"), tuple(atom("gen_event"), atom("init_it"), 6)));
    expect(misc![2]).toEqual(
      tuple(
        atom("items"),
        tuple(expect.anything(), [tuple(atom("handler"), H, false, { events: [] }, world.user.pid)]),
      ),
    );
  });

  test("replaces the state of each handler for which the function gives one", async () => {
    const { world, pid, events, settled } = await started();
    await settled(events.addHandler("recorder", []));
    await settled(events.addHandler("quiet", []));
    world.exposed.add("m", {
      fill: ([module, id]: Tuple) => {
        if (module === atom("quiet")) throw new Error("not this one");
        return tuple(module as Atom, id as object, { events: ["new"] });
      },
    });
    expect(await call(world, pid, tuple(atom("replace_state"), new Export("m", "fill", 1)))).toEqual([
      tuple(atom("quiet"), false, {}),
      tuple(H, false, { events: ["new"] }),
    ]);
    expect(await call(world, pid, tuple(atom("replace_state"), "closure"))).toMatchObject([
      atom("error"),
      [atom("callback_failed"), {}, {}],
    ]);
  });

  test("says in the reason of a failed call which handler was called", async () => {
    const world = new World();
    const events = GenEvent.at(world.process, "nobody");
    await expect(events.call("recorder", 1)).rejects.toMatchObject({
      code: "EXIT_NOPROC",
      reason: [atom("noproc"), [atom("gen_event"), atom("call"), [expect.anything(), H, 1]]],
    });
    await expect(events.whichHandlers()).rejects.toMatchObject({ code: "EXIT_NOPROC", reason: atom("noproc") });
  });
});
