import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  Agent,
  type Atom,
  asList,
  atom,
  type Destination,
  type Down,
  type ExitError,
  Export,
  GenEvent,
  inspect,
  isTuple,
  mod,
  type Node,
  type Pid,
  RpcError,
  TaskSupervisor,
  type Term,
  type Tuple,
  tuple,
} from "../../src/index.ts";
import { type Beam, describePeers, startBeam, uniqueName } from "../harness/index.ts";
import { nodeBeside } from "../support/our-node.ts";
import { Puppet } from "../support/puppet.ts";
import { until } from "../support/until.ts";

const SCRIPT = readFileSync(new URL("mirror.exs", import.meta.url), "utf8");
const MIRROR = mod("Mirror");
const RECORDER = mod("Mirror.Recorder");
const NOBODY = "nobody@127.0.0.1";

const ok = atom("ok");
const normal = atom("normal");
const shutdown = atom("shutdown");
const boom = atom("boom");
const trail = atom("trail");
const note = (value: unknown) => tuple(atom("note"), value as object);
const echo = (value: unknown) => tuple(atom("echo"), value as object);

describePeers("everything that is on a BEAM, used from here", {}, (release) => {
  let beam: Beam;
  let node: Node;
  /** What the node's own process was sent. */
  const received: Term[] = [];

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam, { onMessage: (message) => received.push(message) });
    await beam.eval(SCRIPT);
    await beam.eval(`node = :"${node.name}"; nil`);
  });

  beforeEach(() => {
    received.length = 0;
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  /** Starts a process of that kind on the BEAM, linked to nobody. */
  const start = (kind: string, args: unknown = null) =>
    node.erpc.call<Pid>(beam.name, MIRROR, "start", [atom(kind), args]);
  const server = (traps = false, reporter: Pid | null = null) => start("server", tuple(traps, reporter));
  const startNamed = async (kind: string, args: unknown) => {
    const name = atom(uniqueName("mirror"));
    await node.erpc.call(beam.name, MIRROR, "start", [atom(kind), args, name]);
    return { name, node: beam.name };
  };
  const supervisor = () => start("supervisor", [atom("one_for_one"), 3]);
  const odd = async () => (await node.erpc.call<Tuple<[Atom, Pid]>>(beam.name, mod("Fixtures.Odd"), "start"))[1];
  const down = (to: Destination) => new Promise<Down>((resolve) => void node.monitor(to, resolve));
  /** A failure by what tells it from others: its code, and where there is one its reason. */
  const failure = async (result: Promise<unknown>): Promise<unknown> => {
    try {
      return { value: await result };
    } catch (error) {
      const { code, reason } = error as ExitError;
      return reason === undefined ? { code } : { code, reason: inspect(reason) };
    }
  };
  /** Nothing of a call is left: no monitor, no alias, no message. */
  const leftNothing = () => {
    expect(node.processInfo(node.pid)).toMatchObject({ monitors: [], messageQueueLength: 0 });
    expect(node.stats().aliases).toBe(0);
    expect(received).toEqual([]);
  };

  describe("GenServer", () => {
    test("replies of every form", async () => {
      const pid = await server();
      const named = await startNamed("server", tuple(false, null));
      expect(await node.call(pid, echo([1, "two", { three: 3.5 }]))).toEqual([1, "two", { three: 3.5 }]);
      expect(await node.call(named, echo(named.name))).toBe(named.name);
      expect(await node.call(pid, tuple(atom("go_on"), 1))).toBe(1);
      expect(await node.call(pid, trail)).toEqual([tuple(atom("continued"), 1)]);
      expect(await node.call(pid, tuple(atom("when_silent"), 20, atom("silence")))).toBe(atom("silence"));
      const other = await odd();
      expect(await node.call(other, tuple(atom("deferred"), 20, "late"))).toBe("late");
      expect(await node.call(other, tuple(atom("reply_twice"), 2))).toBe(2);
      expect(await node.call(other, tuple(atom("stop_with_reply"), shutdown, "bye"))).toBe("bye");
      leftNothing();
    });

    test("a From that was handed to a process of ours is answered by it", async () => {
      const pid = await server();
      const asked = node.call(pid, tuple(atom("pass_on"), node.pid));
      await until(() => received.length === 1);
      const [, from] = received.splice(0)[0] as unknown as Tuple<[Atom, Tuple]>;
      node.reply(from, "from here");
      expect(await asked).toBe("from here");
      leftNothing();
    });

    test("every way in which a call fails", async () => {
      const call = async (request: unknown, options?: object) => failure(node.call(await odd(), request, options));
      const why = (reason: string) => ({ code: "EXIT_OTHER", reason: expect.stringMatching(reason) });
      expect(await call(tuple(atom("stop"), tuple(shutdown, 1)))).toEqual(why("^{{:shutdown, 1}, {GenServer, :call, "));
      expect(await call(tuple(atom("stop"), normal))).toEqual(why("^{:normal, "));
      expect(await call(tuple(atom("exit"), "text"))).toEqual(why('^{"text", '));
      expect(await call(tuple(atom("throw"), 3))).toEqual(why("^{{:bad_return_value, 3}, "));
      expect(await call(atom("raise"))).toEqual(why("RuntimeError"));
      expect(await call(atom("unknown"))).toEqual(why("function_clause"));
      expect(await call(atom("silent"), { timeoutMs: 30 })).toMatchObject({ code: "EXIT_TIMEOUT" });
      const aborted = node.call(await odd(), atom("silent"), { signal: AbortSignal.timeout(20) });
      await expect(aborted).rejects.toMatchObject({ name: "TimeoutError" });
      expect(await failure(node.call({ name: "nobody", node: beam.name }, 1))).toMatchObject({ code: "EXIT_NOPROC" });
      const gone = await server();
      await node.server(gone).stop();
      expect(await failure(node.call(gone, trail))).toMatchObject({ code: "EXIT_NOPROC" });
      expect(await failure(node.call({ name: "any", node: NOBODY }, 1))).toEqual({
        code: "NODEDOWN",
        reason: expect.any(String),
      });
      expect(await failure(node.call(node.pid, 1))).toMatchObject({ code: "EXIT_CALLING_SELF" });
      leftNothing();
    });

    test("late replies are dropped, a busy server answers those who still wait", async () => {
      const pid = await odd();
      const late = await failure(node.call(pid, tuple(atom("deferred"), 300, "late"), { timeoutMs: 20 }));
      expect(late).toMatchObject({ code: "EXIT_TIMEOUT" });
      const busy = node.call(pid, tuple(atom("sleep"), 400));
      expect(await failure(node.call(pid, tuple(atom("reply_twice"), 1), { timeoutMs: 20 }))).toMatchObject({
        code: "EXIT_TIMEOUT",
      });
      expect(await busy).toBe(atom("slept"));
      expect(await node.call(pid, tuple(atom("reply_twice"), 2))).toBe(2);
      await sleep(50);
      leftNothing();
    });

    test("five hundred calls at once, each with its own reply", async () => {
      const pid = await server();
      const replies = await Promise.all(Array.from({ length: 500 }, (_, i) => node.call(pid, echo(i))));
      expect(replies).toEqual(Array.from({ length: 500 }, (_, i) => i));
      leftNothing();
    });

    test("casts and messages arrive in order, by pid, name and abcast", async () => {
      const named = await startNamed("server", tuple(false, null));
      for (let i = 0; i < 50; i++) await (i % 2 === 0 ? node.cast(named, note(i)) : node.send(named, i));
      expect(await node.call(named, trail)).toEqual(Array.from({ length: 50 }, (_, i) => i));
      await node.abcast([beam.name, NOBODY, node.name], named.name, note(atom("all")));
      await until(async () => (await node.call<Term[]>(named, trail)).length === 51);
      leftNothing();
    });

    test("multiCall has the replies, and names the nodes that are bad", async () => {
      const named = await startNamed("server", tuple(false, null));
      const nodes = [beam.name, NOBODY, node.name];
      expect(await node.multiCall(nodes, named.name, echo(7), { timeoutMs: 2_000 })).toEqual({
        replies: [{ node: beam.name, reply: 7 }],
        badNodes: [NOBODY, node.name],
      });
      const silent = tuple(atom("when_silent"), 300, "late");
      expect(await node.multiCall([beam.name], named.name, silent, { timeoutMs: 20 })).toEqual({
        replies: [],
        badNodes: [beam.name],
      });
      await sleep(350);
      leftNothing();
    });

    test("whereis knows pids and names of nodes, and nothing of what others have registered", async () => {
      const pid = await server();
      expect(node.whereis(pid)).toBe(pid);
      expect(node.whereis({ name: "rex", node: beam.name })).toEqual({ name: "rex", node: beam.name });
      expect(node.whereis("nobody")).toBeUndefined();
      expect(await node.rpc.call(beam.name, "erlang", "whereis", [atom("rex")])).toMatchObject({ node: beam.name });
    });

    test.each([normal, shutdown, tuple(shutdown, 1), boom])(
      "stop with %s: terminate runs, and it has ended",
      async (reason) => {
        const pid = await server(false, node.pid);
        const ended = down(pid);
        await node.server(pid).stop(reason);
        expect((await ended).reason).toEqual(reason);
        await until(() => received.length === 1);
        expect(received.splice(0)).toEqual([tuple(atom("terminated"), reason)]);
        leftNothing();
      },
    );

    test("stop of nobody, of a busy server, and of one that ends otherwise", async () => {
      const gone = { name: "nobody", node: beam.name };
      expect(await failure(node.server(gone).stop())).toMatchObject({ code: "EXIT_NOPROC" });
      const busy = await odd();
      void node.call(busy, tuple(atom("sleep"), 500)).catch(() => {});
      expect(await failure(node.server(busy).stop(normal, { timeoutMs: 20 }))).toMatchObject({ code: "EXIT_TIMEOUT" });
      expect((await down(busy)).reason).toSatisfy((reason) => reason === normal || reason === atom("noproc"));
      leftNothing();
    });
  });

  describe("sys", () => {
    /** Every kind of process that speaks it, a request, and what its state looks like. */
    const KINDS: readonly [kind: string, args: () => unknown, module: string, state: unknown][] = [
      ["server", () => tuple(false, null), "gen_server", { trail: [], waiting: null, reporter: null }],
      ["supervisor", () => [atom("one_for_one"), 3], "gen_server", expect.objectContaining({ tag: "state" })],
      ["dynamic", () => null, "gen_server", expect.objectContaining({ __struct__: mod("DynamicSupervisor") })],
      ["tasks", () => null, "gen_server", expect.objectContaining({ __struct__: mod("DynamicSupervisor") })],
      ["agent", () => 5, "gen_server", 5],
      ["manager", () => null, "gen_event", []],
      ["machine", () => null, "gen_statem", tuple(atom("off"), [tuple(atom("entered"), atom("off"), atom("off"))])],
    ];

    test.each(KINDS)("of a %s", async (kind, args, module, state) => {
      const { sys } = node;
      const pid = await start(kind, args());
      expect(await sys.getState(pid)).toEqual(state);
      expect(await sys.getStatus(pid)).toMatchObject({ pid, module, state: "running", debug: [] });
      await sys.suspend(pid);
      expect(await sys.getStatus(pid)).toMatchObject({ state: "suspended" });
      await sys.changeCode(pid, { module: "lists", oldVersion: 1, extra: [] }).catch(() => {});
      await sys.resume(pid);
      expect(await sys.getStatus(pid)).toMatchObject({ state: "running" });

      expect(await sys.getStatistics(pid)).toBeUndefined();
      await sys.statistics(pid, true);
      expect(await sys.getStatistics(pid)).toMatchObject({
        messagesIn: 0,
        messagesOut: 0,
        reductions: expect.any(Number),
      });
      await sys.log(pid, 5);
      await sys.trace(pid, true);
      await sys.trace(pid, false);
      await node.send(pid, atom("flip"));
      await until(async () => (await sys.getLog(pid)).length > 0);
      expect((await sys.getLog(pid))[0]).toMatchObject({ tag: "in" });
      await sys.log(pid, "print");
      await sys.noDebug(pid);
      expect(await sys.getStatistics(pid)).toBeUndefined();

      expect(await failure(sys.changeCode(pid, { module: "m", oldVersion: 1, extra: [] }))).toMatchObject({
        code: "SYS_REFUSED",
      });
      const ended = down(pid);
      await sys.terminate(pid, shutdown);
      expect((await ended).reason).toBe(shutdown);
      leftNothing();
    });

    test("replaceState and install run functions of the BEAM, and say how those fail", async () => {
      const { sys } = node;
      const pid = await server();
      const state = await sys.replaceState(pid, new Export("Elixir.Mirror", "cleared", 1));
      expect(state).toMatchObject({ trail: [atom("cleared")] });
      expect(await failure(sys.replaceState(pid, new Export("Elixir.Mirror", "fails", 1)))).toMatchObject({
        code: "SYS_FAILED",
      });
      await sys.install(pid, { fun: new Export("Elixir.Mirror", "keeps", 3), state: node.pid, id: atom("mine") });
      await node.call(pid, trail);
      await until(() => received.length === 2);
      await sys.remove(pid, atom("mine"));
      await node.call(pid, trail);
      expect(received.splice(0)).toEqual(["in", "out"].map((what) => tuple(atom("event"), atom(what))));
      leftNothing();
    });

    test("of nobody, and of a process that does not speak it", async () => {
      expect(await failure(node.sys.getState({ name: "nobody", node: beam.name }))).toMatchObject({
        code: "EXIT_NOPROC",
      });
      const plain = await start("plain", false);
      expect(await failure(node.sys.getState(plain, { timeoutMs: 30 }))).toMatchObject({ code: "EXIT_TIMEOUT" });
      leftNothing();
    });
  });

  describe("supervisors", () => {
    const worker = (id: string, more: object = {}) => ({
      id: atom(id),
      start: tuple(MIRROR, atom("worker"), []),
      ...more,
    });
    const ask = (sup: Pid, name: string, ...args: unknown[]) =>
      node.call<Term>(sup, args.length === 0 ? atom(name) : tuple(atom(name), ...(args as object[])));
    const startChild = async (sup: Pid, spec: object) => (await ask(sup, "start_child", spec)) as Tuple<[Atom, Pid]>;
    const children = async (sup: Pid) => (await ask(sup, "which_children")) as Tuple<[Atom, Pid | Atom, Atom, Term]>[];

    test("children are started, listed, counted, ended, started again and deleted", async () => {
      const sup = await supervisor();
      const [, a] = await startChild(sup, worker("a"));
      expect(await startChild(sup, worker("a"))).toEqual(tuple(atom("error"), tuple(atom("already_started"), a)));
      const [, b] = await startChild(sup, worker("b", { restart: atom("transient"), type: atom("supervisor") }));
      expect(await children(sup)).toEqual([
        tuple(atom("b"), b, atom("supervisor"), [MIRROR]),
        tuple(atom("a"), a, atom("worker"), [MIRROR]),
      ]);
      const counts = Object.fromEntries(
        ((await ask(sup, "count_children")) as Tuple<[Atom, number]>[]).map(([{ tag }, n]) => [tag, n]),
      );
      expect(counts).toEqual({ specs: 2, active: 2, supervisors: 1, workers: 1 });
      expect(await ask(sup, "get_childspec", atom("a"))).toMatchObject([
        ok,
        { id: atom("a"), restart: atom("permanent") },
      ]);

      const ended = down(a);
      expect(await ask(sup, "terminate_child", atom("a"))).toBe(ok);
      expect((await ended).reason).toBe(shutdown);
      expect(await startChild(sup, worker("a"))).toEqual(tuple(atom("error"), atom("already_present")));
      const [, again] = (await ask(sup, "restart_child", atom("a"))) as Tuple<[Atom, Pid]>;
      expect(again).not.toEqual(a);
      expect(await ask(sup, "restart_child", atom("a"))).toEqual(tuple(atom("error"), atom("running")));
      expect(await ask(sup, "delete_child", atom("a"))).toEqual(tuple(atom("error"), atom("running")));
      await ask(sup, "terminate_child", atom("a"));
      expect(await ask(sup, "delete_child", atom("a"))).toBe(ok);
      expect(await ask(sup, "terminate_child", atom("a"))).toEqual(tuple(atom("error"), atom("not_found")));
      await node.server(sup).stop(shutdown);
      leftNothing();
    });

    test("starts that fail say why", async () => {
      const sup = await supervisor();
      const broken = { id: atom("x"), start: tuple(MIRROR, atom("broken"), [atom("full")]) };
      expect(await startChild(sup, broken)).toMatchObject([atom("error"), [atom("full"), expect.anything()]]);
      const missing = { id: atom("x"), start: tuple(atom("no_such"), atom("thing"), []) };
      expect(inspect(await startChild(sup, missing))).toMatch(/^{:error, {{:EXIT, {:undef, /);
      expect(inspect(await startChild(sup, { id: atom("x") }))).toMatch(/^{:error, /);
    });

    test("a child that we kill comes back, and the supervisor ends after too many", async () => {
      const sup = await supervisor();
      let [, pid] = await startChild(sup, worker("a"));
      for (let kills = 0; kills < 3; kills++) {
        const before = pid;
        node.exit(pid, atom("kill"));
        await until(async () => {
          const now = (await children(sup))[0]![1];
          if (now instanceof Object && "key" in now && now.key !== before.key) pid = now;
          return pid !== before;
        });
      }
      const ended = down(sup);
      node.exit(pid, boom);
      expect((await ended).reason).toBe(shutdown);
      leftNothing();
    });

    test("a DynamicSupervisor", async () => {
      const sup = await start("dynamic");
      const spec = tuple(tuple(MIRROR, atom("worker"), []), atom("temporary"), 5000, atom("worker"), [MIRROR]);
      const [, pid] = await startChild(sup, spec);
      expect(await children(sup)).toEqual([tuple(atom("undefined"), pid, atom("worker"), [MIRROR])]);
      expect(await ask(sup, "count_children")).toBeDefined();
      expect(await ask(sup, "terminate_child", pid)).toBe(ok);
      expect(await ask(sup, "terminate_child", pid)).toEqual(tuple(atom("error"), atom("not_found")));
      await node.server(sup).stop();
      leftNothing();
    });

    test("a Task.Supervisor runs functions of the BEAM as our tasks", async () => {
      const tasks = TaskSupervisor.at(node, await start("tasks"));
      const task = await tasks.asyncNolink({ module: MIRROR, name: "later", args: [10, "done"] });
      expect(await task.await()).toBe("done");
      const failing = await tasks.asyncNolink({ module: MIRROR, name: "exits", args: [boom] });
      await expect(failing.await()).rejects.toMatchObject({ code: "EXIT_OTHER" });
      await until(async () => (await tasks.children()).length === 0);
      leftNothing();
    });
  });

  describe("Agent, gen_event and gen_statem", () => {
    test("an agent does with its state what named functions say", async () => {
      const agent = Agent.at(node, await start("agent", 5));
      expect(await agent.get({ module: "erlang", name: "+", args: [1] })).toBe(6);
      await agent.update({ module: "erlang", name: "*", args: [10] });
      await agent.cast({ module: "erlang", name: "-", args: [1] });
      expect(await agent.get({ module: "erlang", name: "abs" })).toBe(49);
      await agent.stop();
      leftNothing();
    });

    test("an event manager: handlers come, get events, are called, swapped and go", async () => {
      const events = GenEvent.at(node, await start("manager"));
      expect(await events.addHandler(RECORDER, 1)).toBe(ok);
      expect(await events.addHandler(tuple(RECORDER, 2), 2)).toBe(ok);
      expect(await events.whichHandlers()).toEqual([tuple(RECORDER, 2), RECORDER]);
      expect(await events.deleteHandler(tuple(RECORDER, 2), "early")).toEqual(tuple(atom("ended"), "early", 1));
      await events.notify(atom("a"));
      await events.syncNotify(atom("b"));
      expect(await events.call(RECORDER, atom("all"))).toEqual([1, atom("a"), atom("b")]);
      expect(await events.call("nobody", atom("all"))).toEqual(tuple(atom("error"), atom("bad_module")));
      expect(await events.addHandler("no_such", 1)).toMatchObject({ tag: "EXIT" });
      expect(await events.swapHandler(RECORDER, "out", RECORDER, "in")).toBe(ok);
      expect(await events.deleteHandler(RECORDER, "done")).toEqual(tuple(atom("ended"), "done", 1));
      expect(await events.addSupHandler(RECORDER, 1)).toBe(ok);
      await events.syncNotify(atom("remove"));
      await until(() => received.some((message) => isTuple(message) && message.tag === "gen_event_EXIT"));
      received.length = 0;
      await events.stop();
    });

    test("a state machine: calls, casts and messages, postponed calls, timeouts and ends", async () => {
      const pid = await start("machine");
      const call = (request: unknown) => node.call(pid, request);
      const waiting = call(atom("wait"));
      expect(await call(atom("state"))).toBe(atom("off"));
      expect(await call(atom("flip"))).toBe(atom("on"));
      expect(await waiting).toBe(atom("on_at_last"));
      expect(await call(tuple(atom("for"), 20))).toBe(ok);
      await until(async () => (await call(atom("state"))) === atom("off"));
      await node.cast(pid, atom("flip"));
      expect(await call(atom("state"))).toBe(atom("on"));
      await node.send(pid, atom("flip"));
      expect(await call(atom("state"))).toBe(atom("off"));
      expect(await call(tuple(atom("stop_with"), shutdown, "bye"))).toBe("bye");
      expect(await failure(call(atom("state")))).toMatchObject({ code: "EXIT_NOPROC" });
      const other = await start("machine");
      expect(await failure(node.call(other, tuple(atom("raise"), "no")))).toMatchObject({ code: "EXIT_OTHER" });
      leftNothing();
    });
  });

  describe("rpc and erpc", () => {
    const rpcFailure = async (result: Promise<unknown>) => {
      try {
        return ["value", await result];
      } catch (error) {
        return error instanceof RpcError
          ? [error.code, error.class, inspect(error.reason)]
          : [(error as { code: string }).code];
      }
    };

    test.each<[name: string, args: unknown[], erpc: unknown[], rpc?: unknown[]]>([
      ["later", [0, 7], ["value", 7]],
      ["later", [0, tuple(atom("badrpc"), 1)], ["value", tuple(atom("badrpc"), 1)], ["RPC_REFUSED", "error", "1"]],
      ["throws", [1], ["RPC_THROW", "throw", "1"], ["value", 1]],
      ["exits", [tuple(atom("bye"), 1)], ["RPC_EXIT", "exit", "{:bye, 1}"]],
      ["raises", ["no"], ["RPC_ERROR", "error", expect.stringContaining("ArgumentError")]],
      ["missing", [], ["RPC_ERROR", "error", ":undef"]],
      ["dies", [], ["RPC_SIGNAL", "exit", ":killed"]],
    ])("%s%j, by call, multicall and blockCall", async (name, args, erpc, rpc = erpc) => {
      expect(await rpcFailure(node.erpc.call(beam.name, MIRROR, name, args))).toEqual(erpc);
      expect(await rpcFailure(node.rpc.call(beam.name, MIRROR, name, args))).toEqual(rpc);
      if (name !== "dies") expect(await rpcFailure(node.rpc.blockCall(beam.name, MIRROR, name, args))).toEqual(rpc);
      const [of] = await node.erpc.multicall([beam.name], MIRROR, name, args);
      expect(await rpcFailure(of!.ok ? Promise.resolve(of!.value) : Promise.reject(of!.error))).toEqual(erpc);
      leftNothing();
    });

    test("timeouts, aborts and nodes that are not there", async () => {
      for (const call of [node.erpc.call.bind(node.erpc), node.rpc.call.bind(node.rpc)]) {
        const timedOut = call(beam.name, MIRROR, "later", [400, 1], { timeoutMs: 20 });
        expect(await rpcFailure(timedOut)).toEqual(["RPC_TIMEOUT", "error", ":timeout"]);
        const aborted = call(beam.name, MIRROR, "later", [400, 1], { signal: AbortSignal.timeout(20) });
        await expect(aborted).rejects.toMatchObject({ name: "TimeoutError" });
        expect(await rpcFailure(call(NOBODY, MIRROR, "later", [0, 1]))).toEqual(["NODEDOWN"]);
      }
      expect(await node.rpc.multicall([beam.name, NOBODY], MIRROR, "later", [0, 1])).toEqual({
        results: [1],
        badNodes: [NOBODY],
      });
      await sleep(450);
      leftNothing();
    });

    test("casts and multicasts run it, and say nothing of what becomes of it", async () => {
      const named = await startNamed("server", tuple(false, null));
      await node.erpc.cast(beam.name, MIRROR, "told", [named.name, 1]);
      await node.rpc.cast(beam.name, MIRROR, "told", [named.name, 2]);
      node.erpc.multicast([beam.name, NOBODY], MIRROR, "told", [named.name, 3]);
      await node.erpc.cast(beam.name, MIRROR, "raises", ["nobody hears"]);
      await until(async () => (await node.call<Term[]>(named, trail)).length === 3);
      leftNothing();
    });

    test("spawnRemote with monitor and link", async () => {
      const ended = new Promise<Down>((resolve) => {
        void node.spawnRemote(beam.name, MIRROR, "exits", [boom], { monitor: resolve });
      });
      expect((await ended).reason).toBe(boom);
      const { pid } = await node.spawnRemote(beam.name, MIRROR, "exits", [atom("linked")], { link: true });
      await until(() => received.length === 1);
      expect(received.splice(0)).toEqual([tuple(atom("EXIT"), pid, atom("linked"))]);
    });
  });

  describe("monitors, links and exits", () => {
    test.each<[what: string, act: (pid: Pid) => unknown, reason: unknown]>([
      ["a crash", (pid) => node.cast(pid, tuple(atom("exit"), boom)), boom],
      ["a normal end", (pid) => node.cast(pid, tuple(atom("exit"), normal)), normal],
      ["stop", (pid) => node.server(pid).stop(tuple(shutdown, 1)), tuple(shutdown, 1)],
      ["kill", (pid) => node.exit(pid, atom("kill")), atom("killed")],
    ])("a monitor tells of %s once, by pid and by name", async (_what, act, reason) => {
      const named = await startNamed("server", tuple(false, null));
      const pid = (await node.rpc.call(beam.name, "erlang", "whereis", [named.name])) as Pid;
      const downs = [down(pid), down(pid), down(named)];
      await act(pid);
      expect((await Promise.all(downs)).map((each) => each.reason)).toEqual([reason, reason, reason]);
      expect((await down(pid)).reason).toBe(atom("noproc"));
      expect((await down(named)).reason).toBe(atom("noproc"));
      leftNothing();
    });

    test("a monitor that was taken back tells nothing", async () => {
      const pid = await server();
      const monitor = node.monitor(pid);
      expect(monitor.demonitor()).toBe(true);
      await node.server(pid).stop();
      expect(monitor.demonitor()).toBe(false);
      leftNothing();
    });

    test("links, both ways: who dies takes the other with it, unless that traps exits or the link is gone", async () => {
      const puppet = () => node.start(Puppet);
      const link = async (traps: boolean) => {
        const [ours, theirs] = [await puppet(), await server(traps)];
        await ours.call(tuple(atom("link"), theirs));
        expect(await ours.call(atom("seen"))).toEqual([]);
        return { ours, theirs };
      };
      const first = await link(false);
      const ended = down(first.ours.pid);
      node.exit(first.theirs, boom);
      expect((await ended).reason).toBe(boom);

      const second = await link(false);
      const endedThere = down(second.theirs);
      node.exit(second.ours.pid, atom("kill"));
      expect((await endedThere).reason).toBe(atom("killed"));

      const third = await link(true);
      node.exit(third.ours.pid, boom);
      await until(async () => (await node.call<Term[]>(third.theirs, trail)).length === 1);
      expect(await node.call(third.theirs, trail)).toEqual([tuple(atom("exit"), boom)]);

      const fourth = await link(false);
      await fourth.ours.call(tuple(atom("trap"), true));
      node.exit(fourth.theirs, boom);
      await until(async () => asList(await fourth.ours.call(atom("seen"))).length === 1);
      expect(await fourth.ours.call(atom("seen"))).toEqual([tuple(atom("EXIT"), fourth.theirs, boom)]);
      await fourth.ours.call(tuple(atom("link"), fourth.theirs));
      await until(async () => asList(await fourth.ours.call(atom("seen"))).length === 2);
      expect(asList(await fourth.ours.call(atom("seen")))[1]).toEqual(
        tuple(atom("EXIT"), fourth.theirs, atom("noproc")),
      );

      const fifth = await link(false);
      await fifth.ours.call(tuple(atom("unlink"), fifth.theirs));
      const gone = down(fifth.theirs);
      node.exit(fifth.theirs, boom);
      await gone;
      expect(await fifth.ours.call(tuple(atom("echo"), 1))).toBe(1);
    });

    test("exit signals do to a process there what those of a BEAM do, trapping exits or not", async () => {
      const reasons = [normal, shutdown, tuple(shutdown, 1), atom("kill"), atom("killed"), boom];
      for (const traps of [false, true]) {
        for (const reason of reasons) {
          const theirs = await node.erpc.call(beam.name, MIRROR, "exit_here", [reason, traps]);
          const pid = await start("plain", traps);
          const ended = down(pid);
          node.exit(pid, reason);
          // The signal and what asks for its effect go different ways; only what is alive is asked.
          const first = await Promise.race([ended, sleep(250)]);
          const ours =
            first === undefined
              ? await node.erpc.call(beam.name, MIRROR, "seen", [pid])
              : tuple(atom("down"), first.reason as object);
          expect({ reason, traps, seen: ours }).toEqual({ reason, traps, seen: theirs });
        }
      }
    });

    test("the loss of the connection ends what was across it, once", async () => {
      const ours = await node.start(Puppet);
      await ours.call(tuple(atom("trap"), true));
      const theirs = await server(true);
      await ours.call(tuple(atom("link"), theirs));
      const ended = down(theirs);
      await node.call(theirs, trail);
      const call = failure(node.call(theirs, tuple(atom("when_silent"), 10_000, 1)));
      node.disconnect(beam.name);
      expect((await ended).reason).toBe(atom("noconnection"));
      expect(await call).toMatchObject({ code: "NODEDOWN" });
      expect(await ours.call(atom("seen"))).toEqual([tuple(atom("EXIT"), theirs, atom("noconnection"))]);
      expect(asList(await node.call(theirs, trail))).toContainEqual(tuple(atom("exit"), atom("noconnection")));
      leftNothing();
    });
  });
});
