import { afterAll, beforeAll, expect, test } from "vitest";
import { Atom, type CallResult, GenServer, type Node, reply, type Term } from "../../src/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { nodeBeside } from "../support/our-node.ts";

let terminated: string[] = [];

class Counter extends GenServer {
  count = 0;
  label = "counter";

  override handleCall(request: Term): CallResult {
    if (request instanceof Atom && request.tag === "count") return reply(++this.count);
    return reply(request);
  }

  override terminate(reason: unknown) {
    terminated.push(String(reason));
  }
}

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
    });
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
});
