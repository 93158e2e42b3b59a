import { describe, expect, test } from "vitest";
import { type CallResult, child, GenServer, reply, Supervisor, startServer } from "../../src/otp/index.ts";
import { aliasTag, call, Reason } from "../../src/runtime/index.ts";
import {
  Atom,
  atom,
  charlist,
  Export,
  ImproperList,
  Pid,
  Ref,
  type Term,
  type Tuple,
  tuple,
} from "../../src/term/index.ts";
import { World } from "../support/world.ts";

class Counter extends GenServer {
  count = 0;
  since = new Date(0);
  #secret = "hidden";
  override handleCall(request: Term): CallResult {
    if (request instanceof Atom && request.tag === "secret") return reply(this.#secret);
    if (request instanceof Atom && request.tag === "since") return reply(this.since.getTime());
    return reply(++this.count);
  }
  override terminate(reason: unknown) {
    ended.push(reason);
  }
}

let ended: unknown[] = [];

async function started(world: World, options: { link?: boolean } = {}): Promise<Pid> {
  ended = [];
  const [server] = await Promise.all([
    startServer(world.user, Counter, { name: "counter", ...options }),
    world.settle(),
  ]);
  return server.pid;
}

/** Makes a system call as OTP 25 and earlier do. */
async function system(world: World, pid: Pid, request: unknown): Promise<unknown> {
  const answer = call(
    world.user,
    pid,
    request,
    {},
    {
      message: (from, asked) => tuple(atom("system"), from, asked as object),
      failed: () => undefined,
    },
  );
  await world.settle();
  return answer;
}

const STATE = { count: 0, since: expect.stringContaining("1970") };

describe("get_state", () => {
  test("shows the public own fields, and what has no Erlang form by its text", async () => {
    const world = new World();
    expect(await system(world, await started(world), atom("get_state"))).toEqual(STATE);
  });

  // gen.md 8.1: the wrong form misleads callers of OTP 26.0 and earlier, and crashes later ones
  test.each([
    ["a plain reference, of OTP 23", (ref: Ref) => ref, STATE],
    ["an alias of 3 words, of OTP 25", aliasTag, STATE],
    ["an alias of 5 words, of OTP 27", (ref: Ref) => aliasTag(ref), [atom("ok"), STATE]],
  ])("is answered to %s in the form of its release", async (name, tagOf, expected) => {
    const world = new World();
    const pid = await started(world);
    const ref = new Ref("there@host", 9, name.includes("5 words") ? [1, 2, 3, 4, 5] : [1, 2, 3]);
    const from = tuple(new Pid("there@host", 40, 2, 9), tagOf(ref));
    void world.process.send(pid, tuple(atom("system"), from, atom("get_state")));
    await world.settle();
    const [answer] = world.take() as unknown as [{ message: Tuple }];
    expect(answer.message[1]).toEqual(expected);
  });

  test("shows what inspectState says", async () => {
    class Own extends GenServer {
      #items = [1, 2];
      override inspectState() {
        return { items: this.#items };
      }
    }
    const world = new World();
    const [server] = await Promise.all([startServer(world.user, Own, {}), world.settle()]);
    expect(await system(world, server.pid, atom("get_state"))).toEqual({ items: [1, 2] });
  });
});

describe("a suspended server", () => {
  test("answers only system messages, and afterwards what has waited, in its order", async () => {
    const world = new World();
    const pid = await started(world);
    expect(await system(world, pid, atom("suspend"))).toBe(atom("ok"));
    const calls = Promise.all([world.process.call(pid, 1), world.process.call(pid, 2)]);
    await world.settle();
    expect(await system(world, pid, atom("get_state"))).toMatchObject({ count: 0 });
    expect(await system(world, pid, atom("resume"))).toBe(atom("ok"));
    await world.settle();
    expect(await calls).toEqual([1, 2]);
  });

  test("ends with its parent if it traps exits, after terminate", async () => {
    const world = new World();
    const pid = await started(world, { link: true });
    const core = world.runtime.find(pid)!;
    core.trapExit = true;
    await system(world, pid, atom("suspend"));
    world.user.exit(atom("kaboom"));
    await world.settle();
    expect([core.alive, core.exitReason, ended]).toEqual([false, atom("kaboom"), [atom("kaboom")]]);
  });
});

describe("terminate", () => {
  test("is answered with ok, runs terminate and ends with exactly the reason: GenServer.stop", async () => {
    const world = new World();
    const pid = await started(world);
    world.process.monitor(pid);
    expect(await system(world, pid, tuple(atom("terminate"), Reason.shutdown))).toBe(atom("ok"));
    await world.settle();
    expect(ended).toEqual([Reason.shutdown]);
    expect(world.inbox).toMatchObject([[atom("DOWN"), {}, {}, pid, Reason.shutdown]]);
  });
});

describe("replace_state", () => {
  const replace = (fun: unknown) => tuple(atom("replace_state"), fun as object);

  test("runs a function that is exposed", async () => {
    const world = new World();
    const pid = await started(world);
    world.exposed.add("m", { "reset/1": (state: object) => ({ ...state, count: 40 }) });
    expect(await system(world, pid, replace(new Export("m", "reset", 1)))).toMatchObject({ count: 40 });
    expect(await world.process.call(pid, 1)).toBe(41);
    expect(await world.process.call(pid, atom("since"))).toBe(0);
  });

  test.each([
    ["that is not exposed", new Export("m", "nothing", 1)],
    ["that gives another shape", new Export("m", "wrong", 1)],
    ["that is a closure, or none at all", "closure"],
  ])("with a function %s says callback_failed and changes nothing", async (_, fun) => {
    const world = new World();
    const pid = await started(world);
    world.exposed.add("m", { wrong: () => ({ other: 1 }) });
    expect(await system(world, pid, replace(fun))).toMatchObject([
      atom("error"),
      [atom("callback_failed"), [atom("gen_server"), atom("system_replace_state")], [atom("error"), expect.anything()]],
    ]);
    expect(await system(world, pid, atom("get_state"))).toEqual(STATE);
  });
});

describe("debug", () => {
  const debug = (...command: unknown[]) => tuple(atom("debug"), tuple(...(command as object[])));

  test("log keeps the last events", async () => {
    const world = new World();
    const pid = await started(world);
    await system(world, pid, debug(atom("log"), tuple(true, 3)));
    await Promise.all([world.process.call(pid, "a"), world.process.call(pid, "b"), world.settle()]);
    const log = (await system(world, pid, debug(atom("log"), atom("get")))) as [Atom, Tuple[]];
    expect(log).toMatchObject([
      atom("ok"),
      [
        [atom("out"), 1, [world.user.pid, expect.any(ImproperList)], { count: 1 }],
        [atom("in"), [atom("$gen_call"), [world.user.pid, {}], "b"]],
        [atom("out"), 2, {}, { count: 2 }],
      ],
    ]);
  });

  test("statistics count messages in and out, from when they were switched on", async () => {
    const world = new World();
    const pid = await started(world);
    const get = debug(atom("statistics"), atom("get"));
    expect(await system(world, pid, get)).toEqual(tuple(atom("ok"), atom("no_statistics")));
    await system(world, pid, debug(atom("statistics"), true));
    await Promise.all([world.process.call(pid, "a"), world.settle()]);
    expect(await system(world, pid, get)).toMatchObject([
      atom("ok"),
      [
        [atom("start_time"), [{ length: 3 }, { length: 3 }]],
        [atom("current_time"), {}],
        [atom("reductions"), 2],
        [atom("messages_in"), 1],
        [atom("messages_out"), 1],
      ],
    ]);
  });

  test("a function that is exposed is told of every event, before what follows it, until it is done", async () => {
    const world = new World();
    const pid = await started(world);
    const seen: unknown[] = [];
    world.exposed.add("m", {
      watch: async (left: number, event: Tuple, name: unknown) => {
        await Promise.resolve();
        seen.push([event.tag, name]);
        return left === 1 ? atom("done") : left - 1;
      },
    });
    const watch = new Export("m", "watch", 3);
    expect(await system(world, pid, debug(atom("install"), tuple(watch, 3)))).toBe(atom("ok"));
    const dictionary = (await system(world, pid, atom("get_status"))) as Term[][];
    expect(dictionary[3]![3]).toEqual([tuple(watch, 3)]);
    await Promise.all([world.process.call(pid, "a"), world.settle()]);
    await Promise.all([world.process.call(pid, "b"), world.settle()]);
    const name = atom("counter");
    expect(seen).toEqual([
      ["in", name],
      ["out", name],
      ["in", name],
    ]);
    await Promise.all([world.process.call(pid, "c"), world.settle()]);
    expect(seen).toHaveLength(3);
  });

  test("a function that fails is removed; one with an id is removed by that, and not installed twice", async () => {
    const world = new World();
    const pid = await started(world);
    let told = 0;
    world.exposed.add("m", {
      fail: () => {
        told++;
        throw new Error("no");
      },
      count: () => ++told,
    });
    const count = new Export("m", "count", 3);
    const installed = async () => ((await system(world, pid, atom("get_status"))) as Term[][])[3]![3];
    await system(world, pid, debug(atom("install"), tuple(new Export("m", "fail", 3), 0)));
    await Promise.all([world.process.call(pid, "a"), world.settle()]);
    expect([told, await installed()]).toEqual([1, []]);
    const id = atom("mine");
    await system(world, pid, debug(atom("install"), tuple(id, count, 7)));
    await system(world, pid, debug(atom("install"), tuple(id, count, 8)));
    expect(await installed()).toEqual([tuple(id, tuple(count, 7))]);
    await system(world, pid, debug(atom("remove"), id));
    expect(await installed()).toEqual([]);
  });

  test.each([
    ["not exposed", new Export("m", "nothing", 3)],
    ["of another arity", new Export("m", "one", 1)],
    ["a closure, or none at all", "closure"],
  ])("a function that is %s is not installed", async (_, fun) => {
    const world = new World();
    world.exposed.add("m", { "one/1": () => 1 });
    expect(await system(world, await started(world), debug(atom("install"), tuple(fun, 1)))).toEqual(
      tuple(
        atom("error"),
        tuple(atom("callback_failed"), tuple(atom("sys"), atom("install")), tuple(atom("error"), atom("undef"))),
      ),
    );
  });

  test("options that are given at the start are on from then on", async () => {
    const world = new World();
    const options = { debug: ["trace", "statistics", { log: 2 }] as const };
    const [{ pid }] = await Promise.all([startServer(world.user, Counter, options), world.settle()]);
    expect(await system(world, pid, atom("get_status"))).toMatchObject({
      3: [
        {},
        {},
        {},
        [
          [atom("trace"), true],
          [atom("log"), [2, {}]],
          [atom("statistics"), [{}, [atom("reductions"), 0], 0, 0]],
        ],
        {},
      ],
    });
    const wrong = startServer(world.user, Counter, { debug: ["everything" as "log"] });
    await expect(wrong).rejects.toMatchObject({ code: "BADARG", argument: "debug" });
  });

  test.each([
    [debug(atom("nonsense"), 1), atom("unknown_debug")],
    [tuple(atom("debug"), atom("nonsense")), atom("unknown_debug")],
    [tuple(atom("debug"), atom("no_debug")), atom("ok")],
    [debug(atom("log_to_file"), "x"), tuple(atom("error"), atom("open_file"))],
    [atom("nonsense"), tuple(atom("error"), tuple(atom("unknown_system_msg"), atom("nonsense")))],
    [
      tuple(atom("change_code"), atom("m"), 1, 2),
      tuple(atom("error"), tuple(atom("unknown_system_msg"), tuple(atom("change_code"), atom("m"), 1, 2))),
    ],
  ])("%s is answered with %s", async (request, answer) => {
    const world = new World();
    expect(await system(world, await started(world), request)).toEqual(answer);
  });
});

describe("the otp option", () => {
  const there = "there@host";
  const asker = new Pid(there, 40, 2, 9);

  /** What a node gets as answer when a process of it, or one in whose name it speaks, asks. */
  async function asked(world: World, pid: Pid, request: unknown, from = asker): Promise<unknown> {
    const tag = new Ref(there, 9, [1, 2, 3]);
    const message = tuple(atom("system"), tuple(from, tag), request as object);
    world.runtime.accept({ op: "send", from: asker, to: pid, message: message as unknown as Term }, there);
    await world.settle();
    const answers = world.take().filter((signal) => signal.op === "send");
    return (answers[0] as { message?: Tuple } | undefined)?.message?.[1];
  }

  const unknown = (request: unknown) => tuple(atom("error"), tuple(atom("unknown_system_msg"), request as object));
  const changes = [atom("suspend"), tuple(atom("terminate"), Reason.normal), tuple(atom("debug"), atom("no_debug"))];

  test("none: no request of another node is granted, those of this one are", async () => {
    const world = new World({ otp: { sys: "none" } });
    const pid = await started(world);
    for (const request of [atom("get_state"), ...changes]) {
      expect(await asked(world, pid, request)).toEqual(unknown(request));
    }
    expect(await system(world, pid, atom("suspend"))).toBe(atom("ok"));
    expect(await asked(world, pid, atom("resume"))).toEqual(unknown(atom("resume")));
  });

  test("inspect: what changes nothing is granted", async () => {
    const world = new World({ otp: { sys: "inspect" } });
    const pid = await started(world);
    expect(await asked(world, pid, atom("get_state"))).toEqual(STATE);
    expect(await asked(world, pid, tuple(atom("debug"), tuple(atom("log"), atom("get"))))).toEqual(
      tuple(atom("ok"), []),
    );
    for (const request of changes) expect(await asked(world, pid, request)).toEqual(unknown(request));
  });

  test("of a server goes before that of the node", async () => {
    const world = new World({ otp: { sys: "none" } });
    const options = { otp: { sys: "all" } } as const;
    const [{ pid }] = await Promise.all([startServer(world.user, Counter, options), world.settle()]);
    expect(await asked(world, pid, atom("get_state"))).toEqual(STATE);
  });

  test("keeps supervisors as they are: children are listed, and not changed", async () => {
    const world = new World({ otp: { supervisors: "inspect" } });
    const [{ pid }] = await Promise.all([startServer(world.user, Supervisor.of([]), {}), world.settle()]);
    const ask = async (request: unknown) => {
      const tag = new Ref(there, 9, [1, 2, 3]);
      const message = tuple(atom("$gen_call"), tuple(asker, tag), request as object) as Term;
      world.runtime.accept({ op: "send", from: asker, to: pid, message }, there);
      await world.settle();
      const [answer] = world.take() as unknown as [{ message: Tuple }];
      return answer.message[1];
    };
    expect(await ask(atom("which_children"))).toEqual([]);
    const change = tuple(atom("delete_child"), 1);
    expect(await ask(change)).toEqual(tuple(atom("error"), tuple(atom("bad_call"), change)));
    const [own] = await Promise.all([world.process.call(pid, change), world.settle()]);
    expect(own).toEqual(tuple(atom("error"), atom("not_found")));
  });

  test("can be given to a child of a supervisor", async () => {
    const world = new World();
    const tree = Supervisor.of([child(Counter, { name: "counter", otp: { sys: "none" } })]);
    await Promise.all([startServer(world.user, tree, {}), world.settle()]);
    const { pid } = world.runtime.names.find("counter")!;
    expect(await asked(world, pid, atom("get_state"))).toEqual(unknown(atom("get_state")));
  });

  test("whatever it says, nobody asks in the name of a process of another node", async () => {
    const world = new World();
    const pid = await started(world);
    await asked(world, pid, tuple(atom("terminate"), Reason.normal), world.user.pid);
    await asked(world, pid, tuple(atom("terminate"), Reason.normal), new Pid("third@host", 1, 1, 1));
    expect(world.runtime.find(pid)?.alive).toBe(true);
  });
});

test("get_status has the shape that :sys and observer read", async () => {
  const world = new World();
  const pid = await started(world, { link: true });
  const title = (text: string) => charlist(text);
  expect(await system(world, pid, atom("get_status"))).toMatchObject([
    atom("status"),
    pid,
    [atom("module"), atom("gen_server")],
    [
      [
        [atom("$initial_call"), [atom("Counter"), atom("init"), 1]],
        [atom("$ancestors"), [world.user.pid]],
      ],
      atom("running"),
      world.user.pid,
      [],
      [
        [atom("header"), title("Status for generic server counter")],
        [atom("data"), [[title("Status"), atom("running")], [title("Parent"), world.user.pid], {}]],
        [atom("data"), [[title("State"), STATE]]],
      ],
    ],
  ]);
});
