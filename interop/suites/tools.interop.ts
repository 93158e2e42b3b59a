import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { atom, mod, type Node, type Term, tuple } from "../../src/index.ts";
import { type Beam, describePeers, epmdNames, freePort, startBeam, uniqueName } from "../harness/index.ts";
import { startCommand } from "../providers/index.ts";
import { nodeBeside } from "../support/our-node.ts";
import { Puppet } from "../support/puppet.ts";

const COOKIE = "same";

/** A node of ours, with functions to call, that serves epmd on a port where nobody else does. */
async function hostWithEpmd(): Promise<{ node: Node; epmdPort: number }> {
  const epmdPort = await freePort();
  const node = await nodeBeside({ cookie: COOKIE, epmdPort }, { epmd: "auto" });
  expose(node);
  return { node, epmdPort };
}

/** `quote` may be called with one argument, `any` with any number; the rest fail in each of Erlang's three ways. */
function expose(node: Node): void {
  node.expose(mod("Billing"), {
    "quote/1": async (sku: Term) => tuple(atom("ok"), sku, 42),
    any: (...args: Term[]) => args,
    raise: () => {
      throw new RangeError("out of stock");
    },
    throw: () => {
      throw tuple(atom("ball"), 1);
    },
    not_a_term: () => new Date(0),
  });
}

describePeers("the stock tools", {}, (release) => {
  test("erl_call reaches our node through our epmd, calls what is exposed, and ends with badrpc for what is not", async () => {
    const { node, epmdPort } = await hostWithEpmd();
    await using _ = node;
    const erlCall = async (...args: string[]) => {
      const argv = ["erl_call", "-name", node.name, ...args] as [string, ...string[]];
      const command = await startCommand(release, { argv, env: { ERL_EPMD_PORT: String(epmdPort) } });
      const ended = await command.exited;
      return { ended, output: command.output() };
    };

    expect(await erlCall("-c", COOKIE, "-a", "Elixir.Billing quote [{sku,1}]")).toEqual({
      ended: 0,
      output: "{ok, {sku, 1}, 42}",
    });
    expect(await erlCall("-c", COOKIE, "-r", "-a", "Elixir.Billing any [a,b]")).toEqual({
      ended: 0,
      output: "[a, b]",
    });
    for (const call of ["erlang node []", "os cmd [ls]", "Elixir.Billing quote []"]) {
      const { ended, output } = await erlCall("-c", COOKIE, "-a", call);
      expect({ call, ended, output }).toMatchObject({ ended: 0, output: expect.stringMatching(/^\{badrpc,.*undef/) });
    }
    expect(await erlCall("-c", "another", "-a", "erlang node []")).toMatchObject({ ended: 1 });
    expect(await epmdNames(epmdPort)).toEqual([node.name.split("@")[0]]);
    expect(node.stats()).toMatchObject({ peers: [], connecting: 0, monitored: 0 });
  });

  test("an iex shell pings, calls, monitors and asks functions of our node, through our epmd", async () => {
    const { node, epmdPort } = await hostWithEpmd();
    await using _ = node;
    await node.start(Puppet, { name: "puppet" });
    const script = readFileSync(new URL("../support/shell.exs", import.meta.url), "utf8");

    const shell = await startCommand(release, {
      argv: [
        "sh",
        "-c",
        'printf "%s" "$SCRIPT" | exec iex --name "$NAME" --cookie "$COOKIE" --erl "-start_epmd false"',
      ],
      env: {
        SCRIPT: script,
        NAME: `${uniqueName("shell")}@127.0.0.1`,
        COOKIE,
        TARGET: node.name,
        ERL_EPMD_PORT: String(epmdPort),
        TERM: "dumb",
      },
    });
    await shell.exited;

    const results = [...shell.output().matchAll(/^result: (.*)$/gm)].map(([, result]) => result);
    expect(results, shell.output()).toEqual([
      ":pong",
      `[:"${node.name}"]`,
      "{:echoed, [1, 2.5]}",
      '{:ok, "sku-1", 42}',
      "{:badrpc, :undef}",
      ":noproc",
    ]);
  });
});

describePeers("rpc and erpc", {}, (release) => {
  test("run what is exposed, and answer in every other case as a BEAM does", async () => {
    await using beam = await startBeam(release);
    await using node = await nodeBeside(beam);
    expose(node);
    const call = (expression: string) => callOn(beam, node, expression);

    expect(await call(`:erpc.call(node, Billing, :quote, ["sku"])`)).toBe('{:ok, "sku", 42}');
    expect(await call(`:rpc.call(node, Billing, :quote, ["sku"], 5_000)`)).toBe('{:ok, "sku", 42}');
    expect(await call(`:rpc.block_call(node, Billing, :quote, ["sku"])`)).toBe('{:ok, "sku", 42}');
    expect(await call(`:erpc.call(node, Billing, :any, [1, :b, [3]])`)).toBe("[1, :b, [3]]");
    expect(await call(`:erpc.multicall([node], Billing, :quote, ["sku"])`)).toBe('[ok: {:ok, "sku", 42}]');
    expect(await call(`:rpc.multicall([node], Billing, :quote, ["sku"])`)).toBe('{[{:ok, "sku", 42}], []}');
    expect(await call(`:rpc.async_call(node, Billing, :quote, ["sku"]) |> :rpc.yield()`)).toBe('{:ok, "sku", 42}');
    expect(await call(`:erpc.call(node, Billing, :throw, [])`)).toBe("{:caught, :throw, {:ball, 1}}");
    expect(await call(`:rpc.call(node, Billing, :throw, [])`)).toBe("{:ball, 1}");
    expect(await call(`:erpc.call(node, Billing, :raise, [])`)).toMatch(
      /^\{:caught, :error, \{:exception, %RuntimeError\{message: "RangeError: out of stock"\}, \[/,
    );
    expect(await call(`:rpc.call(node, Billing, :raise, [])`)).toMatch(
      /^\{:badrpc, \{:EXIT, \{%RuntimeError\{message: "RangeError: out of stock"\}, \[/,
    );
    expect(await call(`:erpc.call(node, Billing, :not_a_term, [])`)).toMatch(
      /^\{:caught, :error, \{:exception, %RuntimeError/,
    );
  });

  test("what is not exposed is undef, as where there is no such function on a BEAM", async () => {
    await using beam = await startBeam(release);
    await using other = await startBeam(release, { cookie: beam.cookie });
    await using node = await nodeBeside(beam);
    expose(node);

    for (const expression of [
      ":erpc.call(node, :no_module, :f, [1])",
      ":erpc.call(node, :lists, :no_function, [])",
      ":rpc.call(node, :no_module, :f, [1])",
      ":rpc.block_call(node, :no_module, :f, [1])",
      ":erpc.multicall([node], :no_module, :f, [])",
    ]) {
      expect(await callOn(beam, node, expression), expression).toBe(await callOn(beam, other, expression));
    }
    for (const [module, name, args] of [
      [":os", ":cmd", "['ls']"],
      [":erlang", ":halt", "[]"],
      ["Billing", ":quote", "[1, 2]"],
      ["Billing", ":constructor", "[]"],
      [":net_kernel", ":stop", "[]"],
    ]) {
      expect(await callOn(beam, node, `:rpc.call(node, ${module}, ${name}, ${args})`)).toMatch(
        /^\{:badrpc, \{:EXIT, \{:undef, \[\{/,
      );
    }
  });

  test("Node.spawn with link and monitor tells the end of what it ran", async () => {
    await using beam = await startBeam(release);
    await using node = await nodeBeside(beam);
    expose(node);

    const ends = await beam.inspect(`
      node = :"${node.name}"
      Process.flag(:trap_exit, true)
      linked = Node.spawn_link(node, Billing, :quote, ["sku"])
      undef = Node.spawn_link(node, :os, :cmd, [~c"ls"])
      {watched, ref} = :erlang.spawn_opt(node, Billing, :throw, [], [:monitor])
      for {pid, label} <- [{linked, :linked}, {undef, :undef}, {watched, :watched}] do
        receive do
          {:EXIT, ^pid, {reason, [{module, name, _, _} | _]}} -> {label, reason, module, name}
          {:EXIT, ^pid, reason} -> {label, reason}
          {:DOWN, ^ref, :process, ^pid, reason} -> {label, reason}
        after
          2_000 -> {label, :nothing}
        end
      end
    `);

    expect(ends).toBe(
      "[{:linked, :normal}, {:undef, :undef, :os, :cmd}, {:watched, {{:nocatch, {:ball, 1}}, [{:javascript, :throw, 1, []}]}}]",
    );
    expect(node.stats()).toMatchObject({ monitored: 0 });
  });
});

/** The value of an expression in which `node` is a node, or what it failed with; without the names that differ. */
async function callOn(beam: Beam, target: { readonly name: string }, expression: string): Promise<string> {
  const text = await beam.inspect(`
    node = :"${target.name}"
    try do
      ${expression}
    catch
      kind, reason -> {:caught, kind, reason}
    end
  `);
  return text.replaceAll(target.name, "node@host");
}
