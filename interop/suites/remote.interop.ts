import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { atom, charlist, Exit, mod, type Node, RpcError, type Term, tuple } from "../../src/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { KeptLog, nodeBeside } from "../support/our-node.ts";
import { until } from "../support/until.ts";

/** A failure as a list of what tells it from others. */
async function failure(result: Promise<unknown>): Promise<unknown[]> {
  try {
    return ["value", await result];
  } catch (error) {
    if (!(error instanceof RpcError)) return [(error as { code?: string }).code];
    return [error.code, error.class, error.reason, error.stacktrace.length > 0];
  }
}

describePeers("erpc, rpc and what they print", {}, (release) => {
  let beam: Beam;
  let node: Node;
  const log = new KeptLog();
  const printed: string[] = [];

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam, { logger: log, output: (text) => void printed.push(text) });
    node.expose(mod("Ours"), {
      sum: (a: number, b: number) => a + b,
      later: async (value: Term) => value,
      throws: (value: Term) => {
        throw value;
      },
      exits: (reason: Term) => {
        throw new Exit(reason);
      },
      raises: (text: string) => {
        throw new RangeError(text);
      },
      never: () => new Promise(() => {}),
      async greet(name: string) {
        await this.write(`hello ${name}\n`);
        return this.node;
      },
    });
    await beam.eval(`
      defmodule Theirs do
        def throws(value), do: throw(value)
        def exits(reason), do: exit(reason)
        def raises(text), do: raise(ArgumentError, text)
        def dies, do: Process.exit(self(), :kill)
        def never, do: Process.sleep(:infinity)
        def says(text), do: IO.puts(text)
        def formats, do: :io.format("~p is ~ts~n", [:it, "å"])
        def asks, do: {IO.gets("? "), :io.columns(), :io.getopts() |> Keyword.take([:binary, :encoding])}
        def logs, do: :logger.error("late by ~p", [5])
      end
      node = :"${node.name}"
      outcome = fn fun -> try do {:value, fun.()} catch kind, reason -> {kind, reason} end end
      nil
    `);
  });

  beforeEach(() => {
    printed.length = 0;
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  test("erpc.call gives the value of a function there, or how it failed", async () => {
    const call = (name: string, ...args: unknown[]) => failure(node.erpc.call(beam.name, mod("Theirs"), name, args));
    expect(await node.erpc.call<number[]>(beam.name, "lists", "seq", [1, 3])).toEqual([1, 2, 3]);
    expect(await call("throws", atom("ball"))).toEqual(["RPC_THROW", "throw", atom("ball"), false]);
    expect(await call("exits", tuple(atom("bye"), 1))).toEqual(["RPC_EXIT", "exit", tuple(atom("bye"), 1), false]);
    const raised = await call("raises", "no");
    expect(raised).toMatchObject(["RPC_ERROR", "error", { __struct__: mod("ArgumentError"), message: "no" }, true]);
    expect(await call("missing")).toEqual(["RPC_ERROR", "error", atom("undef"), true]);
    expect(await call("dies")).toEqual(["RPC_SIGNAL", "exit", atom("killed"), false]);
    const slow = node.erpc.call(beam.name, mod("Theirs"), "never", [], { timeoutMs: 100 });
    expect(await failure(slow)).toEqual(["RPC_TIMEOUT", "error", atom("timeout"), false]);
    const aborted = node.erpc.call(beam.name, mod("Theirs"), "never", [], { signal: AbortSignal.timeout(50) });
    await expect(aborted).rejects.toMatchObject({ name: "TimeoutError" });
    const nowhere = node.erpc.call("nobody@127.0.0.1", "erlang", "node");
    expect(await failure(nowhere)).toEqual(["NODEDOWN"]);
  });

  test("rpc.call gives what is thrown as the value, and blockCall runs in rex", async () => {
    const call = (name: string, ...args: unknown[]) => failure(node.rpc.call(beam.name, mod("Theirs"), name, args));
    const block = (name: string, ...args: unknown[]) =>
      failure(node.rpc.blockCall(beam.name, mod("Theirs"), name, args));
    expect(await call("throws", atom("ball"))).toEqual(["value", atom("ball")]);
    for (const way of [call, block]) {
      expect(await way("exits", atom("bye"))).toEqual(["RPC_EXIT", "exit", atom("bye"), false]);
      expect(await way("missing")).toEqual(["RPC_ERROR", "error", atom("undef"), true]);
    }
    expect(await call("dies")).toEqual(["RPC_SIGNAL", "exit", atom("killed"), false]);
    expect(await node.rpc.blockCall(beam.name, "erlang", "node")).toBe(atom(beam.name));
  });

  test("cast and multicast run the function", async () => {
    await beam.eval("Agent.start(fn -> [] end, name: :told); nil");
    const args = [atom("told"), mod("List"), atom("insert_at"), [0, "cast"]];
    await node.erpc.cast(beam.name, mod("Agent"), "update", args);
    await node.rpc.cast(beam.name, mod("Agent"), "update", args);
    node.erpc.multicast([beam.name, "nobody@127.0.0.1"], mod("Agent"), "update", args);
    expect(await beam.until(`(told = Agent.get(:told, & &1); length(told) == 3 && told)`)).toEqual([
      "cast",
      "cast",
      "cast",
    ]);
  });

  test("multicall asks several nodes, and this one too", async () => {
    const nodes = [beam.name, "nobody@127.0.0.1", node.name];
    const results = await node.erpc.multicall(nodes, mod("Ours"), "sum", [1, 2]);
    expect(results).toMatchObject([
      { node: beam.name, ok: false, error: { code: "RPC_ERROR", reason: atom("undef") } },
      { node: "nobody@127.0.0.1", ok: false, error: { code: "NODEDOWN" } },
      { node: node.name, ok: true, value: 3 },
    ]);
    expect(await node.rpc.multicall([beam.name, "nobody@127.0.0.1"], "erlang", "node")).toEqual({
      results: [atom(beam.name)],
      badNodes: ["nobody@127.0.0.1"],
    });
  });

  test("the BEAM's erpc and rpc get the value of a function of ours, or how it failed", async () => {
    const patterns = await beam.eval(`
      ours = fn f, a -> outcome.(fn -> :erpc.call(node, Ours, f, a, 5_000) end) end
      old = fn f, a -> :rpc.call(node, Ours, f, a, 5_000) end
      block = fn f, a -> :rpc.block_call(node, Ours, f, a, 5_000) end
      %{
        value: match?({:value, 3}, ours.(:sum, [1, 2])) and old.(:sum, [1, 2]) == 3 and block.(:sum, [1, 2]) == 3,
        later: match?({:value, :x}, ours.(:later, [:x])),
        thrown: match?({:throw, :ball}, ours.(:throws, [:ball])) and old.(:throws, [:ball]) == :ball,
        exit: match?({:exit, {:exception, :bye}}, ours.(:exits, [:bye])),
        old_exit: match?({:badrpc, {:EXIT, :bye}}, old.(:exits, [:bye])),
        block_exit: match?({:badrpc, {:EXIT, :bye}}, block.(:exits, [:bye])),
        error: match?({:error, {:exception, %RuntimeError{message: "RangeError: no"}, [{_, _, _, _} | _]}}, ours.(:raises, ["no"])),
        old_error: match?({:badrpc, {:EXIT, {%RuntimeError{}, [_ | _]}}}, old.(:raises, ["no"])),
        undef: match?({:error, {:exception, :undef, [{Ours, :missing, [1], []}]}}, ours.(:missing, [1])),
        old_undef: match?({:badrpc, {:EXIT, {:undef, [{Ours, :missing, [1], []}]}}}, old.(:missing, [1])),
        unexposed: match?({:error, {:exception, :undef, _}}, outcome.(fn -> :erpc.call(node, :os, :cmd, ['ls']) end)),
        timeout: match?({:error, {:erpc, :timeout}}, outcome.(fn -> :erpc.call(node, Ours, :never, [], 100) end)),
        old_timeout: :rpc.call(node, Ours, :never, [], 100) == {:badrpc, :timeout},
        nodedown: :rpc.call(:"nobody@127.0.0.1", Ours, :sum, [1, 2]) == {:badrpc, :nodedown},
        multi: match?([{:ok, 3}, {:error, {:erpc, :noconnection}}, {:error, {:exception, :undef, _}}],
          :erpc.multicall([node, :"nobody@127.0.0.1", node()], Ours, :sum, [1, 2])),
        old_multi: :rpc.multicall([node, :"nobody@127.0.0.1"], Ours, :sum, [1, 2]) == {[3], [:"nobody@127.0.0.1"]}
      }
    `);
    expect(Object.entries(patterns as object).filter(([, held]) => held !== true)).toEqual([]);
  });

  test("a node that lets nobody spawn says notsup, to the BEAM and to us", async () => {
    await using closed = await nodeBeside(beam, { rules: () => ({ operations: ["send", "monitor"] }) });
    const seen = await beam.inspect(`
      closed = :"${closed.name}"
      {outcome.(fn -> :erpc.call(closed, Ours, :sum, [1, 2]) end), :rpc.call(closed, Ours, :sum, [1, 2])}
    `);
    // rpc of OTP 23 goes to rex instead, which is a message.
    const old = Number(release.otp) < 25 ? "{:EXIT, {:undef, [{Ours, :sum, [1, 2], []}]}}" : ":notsup";
    expect(seen).toBe(`{{:error, {:erpc, :notsup}}, {:badrpc, ${old}}}`);
    const refused = ["RPC_REFUSED", "error", atom("notsup"), false];
    expect(await failure(node.erpc.call(closed.name, mod("Ours"), "sum", [1, 2]))).toEqual(refused);
    expect(await failure(node.rpc.call(closed.name, mod("Ours"), "sum", [1, 2]))).toEqual(refused);
  });

  test("a lost connection ends a call of ours", async () => {
    const call = failure(node.erpc.call(beam.name, mod("Theirs"), "never"));
    await beam.until(`Enum.member?(Node.list(:hidden), node)`);
    await beam.eval("Process.sleep(100); Node.disconnect(node)");
    expect(await call).toEqual(["NODEDOWN"]);
  });

  test("what functions there print comes out here, in order", async () => {
    for (const line of ["one", "två", "three"]) {
      expect(await node.erpc.call(beam.name, mod("Theirs"), "says", [line])).toBe(atom("ok"));
    }
    await node.rpc.call(beam.name, mod("Theirs"), "formats");
    await node.rpc.blockCall(beam.name, mod("Theirs"), "says", ["by rex"]);
    await node.spawnRemote(beam.name, mod("Theirs"), "says", ["by spawn"]);
    await until(() => printed.length === 6);
    expect(printed.join("")).toBe("one\ntvå\nthree\nit is å\nby rex\nby spawn\n");
    await expect(node.erpc.call(beam.name, "io", "format", [charlist("~p"), []])).rejects.toMatchObject({
      code: "RPC_ERROR",
      reason: atom("badarg"),
    });
    expect(await node.erpc.call(beam.name, mod("Theirs"), "asks")).toEqual([
      atom("eof"),
      tuple(atom("error"), atom("enotsup")),
      [tuple(atom("binary"), true), tuple(atom("encoding"), atom("unicode"))],
    ]);
  });

  test("what functions here print comes out at the caller", async () => {
    const seen = await beam.eval(`
      {:ok, device} = StringIO.open("")
      Process.group_leader(self(), device)
      by_erpc = :erpc.call(node, Ours, :greet, ["joe"])
      by_rpc = :rpc.call(node, Ours, :greet, ["mike"])
      by_block = :rpc.block_call(node, Ours, :greet, ["robert"])
      {pid, ref} = :erlang.spawn_opt(node, Ours, :greet, ["by spawn"], [:monitor])
      receive do {:DOWN, ^ref, _, ^pid, :normal} -> :ok end
      {Enum.all?([by_erpc, by_rpc, by_block], & &1 == Atom.to_string(node())), StringIO.flush(device)}
    `);
    expect(seen).toEqual([true, "hello joe\nhello mike\nhello robert\nhello by spawn\n"]);
    expect(printed).toEqual([]);
  });

  test("what is logged by processes of ours there is logged here too", async () => {
    await node.erpc.call(beam.name, mod("Theirs"), "logs");
    await node.spawnRemote(beam.name, mod("Theirs"), "raises", ["crash of a spawned process"]);
    await until(() => log.lines.some(({ message }) => message.includes("crash of a spawned process")));
    expect(log.lines).toContainEqual({ message: "late by 5", facts: { node: beam.name, pid: expect.any(String) } });
  });
});
