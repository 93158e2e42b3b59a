import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Atom,
  atom,
  type CallResult,
  DynamicSupervisor,
  EventHandler,
  Export,
  GenEvent,
  GenServer,
  GenStatem,
  initialState,
  isTuple,
  keepState,
  mod,
  type Node,
  noReply,
  Pid,
  reply,
  Supervisor,
  supervise,
  TaskSupervisor,
  type Term,
  type Tuple,
  tuple,
} from "../../src/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { nodeBeside } from "../support/our-node.ts";

const SCRIPT = readFileSync(new URL("sys.exs", import.meta.url), "utf8");

let terminated: string[] = [];

class Counter extends GenServer {
  count = 0;
  label = "counter";

  override handleCall(request: Term): CallResult {
    if (request instanceof Atom && request.tag === "count") return reply(++this.count);
    if (request instanceof Atom && request.tag === "later") {
      this.process.from?.reply(atom("late"));
      return noReply();
    }
    return reply(request);
  }

  override handleCast() {}

  override handleInfo() {}

  override terminate(reason: unknown) {
    terminated.push(String(reason));
  }
}

/** The other behaviours, with as little in them as there can be. */
class Handler extends EventHandler {
  override handleEvent() {}

  override handleInfo() {}
}

class Manager extends GenEvent {
  static override readonly handlers = { handler: Handler };
}

class Machine extends GenStatem {
  static override readonly callbackMode = "handle_event_function";
  count = 1;

  override init() {
    return initialState(atom("off"));
  }

  override handleEvent() {
    return keepState();
  }
}

class Tree extends Supervisor {
  override init() {
    return supervise([]);
  }
}

class Dynamic extends DynamicSupervisor {}

const BEHAVIOURS = {
  server: Counter,
  statem: Machine,
  manager: Manager,
  supervisor: Tree,
  dynamic: Dynamic,
  tasks: TaskSupervisor,
};

describePeers("sys, asked by Elixir", {}, (release) => {
  let beam: Beam;
  let node: Node;

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam);
    node.expose("counters", {
      start: async (name: Atom) => {
        terminated = [];
        const { pid } = await node.start(Counter, { name });
        return pid;
      },
      "hundred/1": (state: object) => ({ ...state, count: 100 }),
      watch: ([pid, left]: [Pid, number], event: Tuple, name: unknown) => {
        void node.send(pid, tuple(atom("event"), event[0] as object, name as object));
        return left === 1 ? atom("done") : [pid, left - 1];
      },
      behaviour: async (kind: keyof typeof BEHAVIOURS) => {
        const { pid } = await node.start(BEHAVIOURS[kind] as new () => GenServer);
        if (kind === "manager") await GenEvent.at(node, pid).addHandler("handler", 1);
        return pid;
      },
      guarded: async (sys: "none" | "inspect") => {
        const { pid } = await node.start(Counter, { otp: { sys } });
        return pid;
      },
    });
    await beam.eval(`Logger.configure(level: :none); ${SCRIPT}`);
    await beam.eval(`
      node = :"${node.name}"
      start = fn name -> :erpc.call(node, :counters, :start, [name]) end
      nil
    `);
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  test("get_state and replace_state give the state, in the form that this release understands", async () => {
    await beam.eval("pid = start.(:state); nil");
    expect(await beam.eval("GenServer.call(pid, :count); :sys.get_state({:state, node})")).toEqual({
      count: 1,
      label: "counter",
    });
    const replaced =
      "state = :sys.replace_state(pid, &:counters.hundred/1); {state.count, GenServer.call(pid, :count)}";
    expect(await beam.eval(replaced)).toEqual([100, 101]);
    const refused = "try do :sys.replace_state(pid, fn s -> s end) catch kind, _ -> kind end";
    expect(await beam.eval(`{${refused}, :sys.get_state(pid).count}`)).toEqual(["error", 101]);
  });

  test("get_status is in the shape of a gen_server's", async () => {
    const status = await beam.eval(`
      pid = start.(:status)
      {:status, ^pid, {:module, module}, [dictionary, state, parent, debug, misc]} = :sys.get_status({:status, node})
      header = misc |> Keyword.fetch!(:header) |> to_string()
      {module, state, parent == pid, debug, header, is_list(dictionary)}
    `);
    expect(status).toEqual(["gen_server", "running", true, [], "Status for generic server status", true]);
  });

  test("a suspended server lets callers wait, and goes on with what has waited", async () => {
    const seen = await beam.eval(`
      pid = start.(:suspended)
      :ok = :sys.suspend(pid)
      timed_out = try do GenServer.call(pid, :count, 100) catch :exit, {reason, _} -> reason end
      :ok = :sys.resume(pid)
      {timed_out, GenServer.call(pid, :count)}
    `);
    expect(seen).toEqual(["timeout", 2]);
  });

  test("log and statistics tell of messages", async () => {
    const seen = await beam.eval(`
      pid = start.(:debugged)
      :ok = :sys.statistics(pid, true)
      :ok = :sys.log(pid, true)
      GenServer.call(pid, :count)
      {:ok, figures} = :sys.statistics(pid, :get)
      {:ok, log} = :sys.log(pid, :get)
      :ok = :sys.no_debug(pid)
      {figures[:messages_in], figures[:messages_out], Enum.map(log, &elem(&1, 0)), :sys.statistics(pid, :get)}
    `);
    expect(seen).toEqual([1, 1, ["in", "out"], ["ok", "no_statistics"]]);
  });

  test("GenServer.stop ends it with the reason asked for, and terminate runs", async () => {
    const seen = await beam.eval(`
      pid = start.(:stopped)
      ref = Process.monitor(pid)
      stopped = GenServer.stop({:stopped, node}, :shutdown)
      receive do {:DOWN, ^ref, _, _, reason} -> {stopped, reason} end
    `);
    expect(seen).toEqual(["ok", "shutdown"]);
    expect(terminated).toEqual(["shutdown"]);
    expect(await beam.eval("try do GenServer.stop({:stopped, node}) catch :exit, reason -> elem(reason, 0) end")).toBe(
      "noproc",
    );
  });

  test("unknown requests are answered as OTP does", async () => {
    expect(
      await beam.inspect(
        "pid = start.(:odd); {:sys.change_code(pid, :m, 1, []), :sys.suspend(pid), :sys.change_code(pid, :m, 1, [])}",
      ),
    ).toBe("{{:error, {:unknown_system_msg, {:change_code, :m, 1, []}}}, :ok, :ok}");
  });

  test.each(Object.keys(BEHAVIOURS))("all of sys does the same to a %s here and to one of OTP", async (kind) => {
    const differing = await beam.inspect(`
      Process.flag(:trap_exit, true)
      theirs = Tour.of(elem(Tour.start("${kind}"), 1))
      ours = Tour.of(:erpc.call(node, :counters, :behaviour, ["${kind}"]))
      for {{key, a}, {key, b}} <- Enum.zip(theirs, ours), a != b, do: {key, a, b}
    `);
    expect(differing).toBe("[]");
  });

  test("the callback module of a supervisor is found, whatever this release takes for its state", async () => {
    const found = ':supervisor.get_callback_module(:erpc.call(node, :counters, :behaviour, ["supervisor"]))';
    expect(await beam.inspect(found)).toBe(":Tree");
  });

  test("an exposed function that is installed hears of the events that OTP tells of, until it is done", async () => {
    const [theirs, ours] = await beam.eval<[string, string]>(`
      heard = fn pid, name, fun ->
        :ok = :sys.install(name, {fun, [self(), 7]})
        GenServer.call(pid, :count)
        GenServer.call(pid, :later)
        GenServer.cast(pid, :any)
        send(pid, :any)
        GenServer.call(pid, :count)
        for _ <- 1..7 do
          receive do event when elem(event, 0) == :event -> elem(event, 1) after 1000 -> :none end
        end
      end
      {:ok, pid} = GenServer.start(Target, 1)
      ours = start.(:watched)
      both = {heard.(pid, pid, &Target.watch/3), heard.(ours, {:watched, node}, &:counters.watch/3)}
      {:status, _, _, [_, _, _, [], _]} = :sys.get_status(ours)
      both |> Tuple.to_list() |> Enum.map(&inspect/1) |> List.to_tuple()
    `);
    expect(ours).toBe(theirs);
  });

  test("one with an id is removed by it; a closure, and what is not exposed, is not installed", async () => {
    const seen = await beam.inspect(`
      pid = start.(:installed)
      kept = fn -> :sys.get_status(pid) |> elem(3) |> Enum.at(3) |> length() end
      installed = {:sys.install(pid, {:id, &:counters.watch/3, [self(), 9]}), kept.()}
      removed = {:sys.remove(pid, :id), kept.()}
      refused = for fun <- [fn _, _, _ -> :done end, &:counters.nothing/3, &:os.cmd/1], do: :sys.install(pid, {fun, 1})
      {installed, removed, Enum.uniq(refused)}
    `);
    expect(seen).toBe("{{:ok, 1}, {:ok, 0}, [error: {:callback_failed, {:sys, :install}, {:error, :undef}}]}");
  });

  test("what the otp option does not grant is answered as a request that is not known", async () => {
    const seen = await beam.inspect(`
      caught = fn fun -> try do fun.() catch kind, reason -> {kind, reason} end end
      for sys <- ["none", "inspect"] do
        pid = :erpc.call(node, :counters, :guarded, [sys])
        {
          caught.(fn -> :sys.get_state(pid).count end),
          caught.(fn -> :sys.replace_state(pid, &:counters.hundred/1) end),
          for(request <- [:suspend, {:debug, {:trace, true}}], do: Tour.ask(pid, request)),
          :sys.terminate(pid, :shutdown),
          Tour.ask(pid, {:debug, {:statistics, :get}}),
          GenServer.call(pid, :count)
        }
      end
    `);
    const unknown = (request: string) => `{:error, {:unknown_system_msg, ${request}}}`;
    const changes = (replace: string, get: string, figures: string) =>
      `{${get}, ${replace}, [error: {:unknown_system_msg, :suspend}, error: {:unknown_system_msg, {:debug, {:trace, true}}}], ` +
      `${unknown("{:terminate, :shutdown}")}, ${figures}, 1}`;
    const replaced = unknown("{:replace_state, &:counters.hundred/1}");
    expect(seen).toBe(
      `[${changes(replaced, unknown(":get_state"), unknown("{:debug, {:statistics, :get}}"))}, ` +
        `${changes(replaced, "0", "{:ok, :no_statistics}")}]`,
    );
  });

  describe("node.sys", () => {
    const started = async (state: string) => {
      const [id, serial, creation] = await beam.eval<number[]>(`
        {:ok, pid} = GenServer.start(Target, ${state})
        <<_, 88, _::binary>> = bytes = :erlang.term_to_binary(pid)
        tail = binary_part(bytes, byte_size(bytes) - 12, 12)
        <<id::32, serial::32, creation::32>> = tail
        [id, serial, creation]
      `);
      return new Pid(beam.name, id!, serial!, creation!);
    };

    test("sees the state of a server of this release, also one that looks like an answer", async () => {
      for (const [state, term] of [
        ["1", 1],
        ["{:ok, 7}", tuple(atom("ok"), 7)],
        ["{:ok, {:ok, 7}}", tuple(atom("ok"), tuple(atom("ok"), 7))],
      ] as const) {
        expect(await node.sys.getState(await started(state))).toEqual(term);
      }
    });

    test("replaces it by a function of that node", async () => {
      const pid = await started("1");
      expect(await node.sys.replaceState(pid, new Export("Elixir.Target", "hundred", 1))).toBe(100);
      expect(await node.call(pid, atom("count"))).toBe(101);
      expect(await node.sys.replaceState(pid, new Export("Elixir.Target", "ok", 1))).toEqual(tuple(atom("ok"), 7));
      const failed = node.sys.replaceState(pid, new Export("Elixir.Target", "nothing", 1));
      await expect(failed).rejects.toMatchObject({ code: "SYS_FAILED", reason: [atom("callback_failed"), {}, {}] });
    });

    test("suspends, resumes, counts, keeps events, watches and ends", async () => {
      const pid = await started("1");
      await node.sys.suspend(pid);
      expect(await node.sys.getStatus(pid)).toMatchObject({ module: "gen_server", state: "suspended", pid });
      const answer = node.call(pid, atom("count"));
      await node.sys.resume(pid);
      expect(await answer).toBe(2);
      expect(await node.sys.getStatistics(pid)).toBeUndefined();
      await node.sys.statistics(pid, true);
      await node.sys.log(pid, 20);
      await node.sys.trace(pid, true);
      const told: Term[] = [];
      class Watcher extends GenServer {
        override handleInfo(message: Term) {
          told.push(message);
        }
      }
      const watcher = await node.start(Watcher);
      const fun = new Export("Elixir.Target", "watch", 3);
      await node.sys.install(pid, { id: atom("w"), fun, state: [watcher.pid, 9] });
      await node.call(pid, atom("count"));
      await node.sys.remove(pid, atom("w"));
      await node.call(pid, atom("later"));
      expect(await node.sys.getStatistics(pid)).toMatchObject({ messagesIn: 2, messagesOut: 1 });
      expect((await node.sys.getLog(pid)).map((event) => isTuple(event) && event.tag)).toEqual([
        "in",
        "out",
        "in",
        "noreply",
      ]);
      expect(told).toEqual([tuple(atom("event"), atom("in")), tuple(atom("event"), atom("out"))]);
      await node.sys.noDebug(pid);
      expect((await node.sys.getStatus(pid)).debug).toEqual([]);
      await node.sys.terminate(pid, atom("shutdown"));
      await expect(node.sys.getState(pid)).rejects.toMatchObject({ code: "EXIT_NOPROC" });
    });

    test("says what a process does not know, and of one that does not speak sys that it is silent", async () => {
      const pid = await started("1");
      const change = { module: mod("Target"), oldVersion: 1, extra: [] };
      await expect(node.sys.changeCode(pid, change)).rejects.toMatchObject({ code: "SYS_REFUSED" });
      await node.sys.suspend(pid);
      expect(await node.sys.changeCode(pid, change)).toBeUndefined();
      await beam.eval("Process.register(spawn(fn -> Process.sleep(:infinity) end), :mute); nil");
      const mute = { name: "mute", node: beam.name };
      await expect(node.sys.getState(mute, { timeoutMs: 100 })).rejects.toMatchObject({
        code: "EXIT_TIMEOUT",
        reason: [atom("timeout"), [atom("sys"), atom("get_state"), {}]],
      });
    });

    test("sees processes of this library on another node", async () => {
      await using other = await nodeBeside(beam);
      const { pid } = await other.start(Counter);
      expect(await node.sys.getState(pid)).toEqual({ count: 0, label: "counter" });
      const manager = await other.start(Manager);
      await GenEvent.at(node, manager.pid).addHandler("handler", 1);
      expect(await node.sys.getState(manager.pid)).toEqual([tuple(atom("handler"), false, {})]);
    });
  });
});
