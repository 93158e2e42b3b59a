import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encode } from "../../src/etf/index.ts";
import {
  type Atom,
  atom,
  type CallResult,
  type Calls,
  type CastResult,
  type Casts,
  type Destination,
  Exit,
  type ExitError,
  type From,
  GenServer,
  inspect,
  isTuple,
  type Node,
  noReply,
  type Pid,
  reply,
  type Schemas,
  type StandardSchemaV1,
  stop,
  type Term,
  tuple,
} from "../../src/index.ts";
import { startServer } from "../../src/otp/index.ts";
import { coreOf, type Process, reasonOf } from "../../src/runtime/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { nodeBeside } from "../support/our-node.ts";
import { Puppet } from "../support/puppet.ts";
import { until } from "../support/until.ts";

const SCRIPT = readFileSync(new URL("gen-server.exs", import.meta.url), "utf8");

interface TwinArgs {
  readonly observer: Pid;
  readonly trap: boolean;
}

/** Does what it is told, as `Twin` of gen-server.exs. */
class Twin extends GenServer {
  #observer!: Pid;
  #last: Term | undefined;
  #then: Term = null;

  override init({ observer, trap }: TwinArgs) {
    this.process.trapExit = trap;
    this.#observer = observer;
  }

  override handleCall(request: Term, from: From): CallResult {
    if (request === atom("ping")) return reply(atom("pong"));
    const [operation, argument] = Array.from(isTuple(request) ? request : [request]) as Term[];
    switch ((operation as Atom).tag) {
      case "stop_reply":
        return stop(argument, atom("bye"));
      case "last":
        this.#last = argument;
        return reply(atom("ok"));
      case "continue":
        return reply(atom("ok"), { continue: argument });
      case "timeout":
        this.#then = argument as Term;
        return reply(atom("ok"), { timeoutMs: 0 });
      case "hibernate":
        return reply(atom("ok"), { hibernate: true });
      case "link":
        this.process.link(argument as Pid);
        return reply(atom("ok"));
      case "later":
        from.reply(atom("early"));
        return this.#perform(argument as Term) as CallResult;
      default:
        return this.#perform(request) as CallResult;
    }
  }

  override handleCast(request: Term): CastResult {
    return this.#perform(request);
  }

  override handleContinue(argument: unknown): CastResult {
    return this.#perform(argument as Term);
  }

  override handleInfo(message: Term): CastResult {
    if (message === atom("timeout")) return this.#perform(this.#then);
    if (isTuple(message) && message.tag === "EXIT") return void this.#tell("info", message[2] as Term);
    return this.#perform(message);
  }

  override terminate(reason: unknown) {
    this.#tell("terminate", reason);
    if (this.#last !== undefined) this.#perform(this.#last);
  }

  #tell(kind: string, reason: unknown) {
    const event = tuple(atom(kind), reason as object);
    void this.process.send(this.#observer, tuple(atom("event"), this.process.pid, event));
  }

  #perform(what: Term): CastResult {
    const [operation, argument] = Array.from(isTuple(what) ? what : [what]) as Term[];
    switch ((operation as Atom).tag) {
      case "stop":
        return stop(argument);
      case "exit":
        throw new Exit(argument);
      case "bad":
        return argument as unknown as CastResult;
      case "raise":
        throw new Error("boom");
      default:
        return noReply();
    }
  }
}

/** What has started a twin. */
class Parent extends GenServer {
  #child!: Pid;

  override async init(args: TwinArgs) {
    this.#child = (await startServer(coreOf(this.process as Process), Twin, { link: true, args })).pid;
  }

  override handleCall() {
    return reply(this.#child);
  }

  override handleCast(request: Term) {
    return stop((request as Term[])[1]);
  }
}

class OutOfStock extends Error {}

/** One argument, a text. */
const text: StandardSchemaV1<unknown, [string]> = {
  "~standard": {
    version: 1,
    vendor: "test",
    async validate(args) {
      const [sku, ...more] = args as unknown[];
      if (typeof sku === "string" && more.length === 0) return { value: [sku] };
      return { issues: [{ message: "expected a text", path: [0] }] };
    },
  },
};

interface CartApi {
  add(sku: string): number;
  note(sku: string): void;
}

class Cart extends GenServer<CartApi> {
  skus: string[] = [];
  static readonly schemas: Schemas<CartApi> = { add: text, note: text };
  static readonly calls: Calls<Cart, CartApi> = {
    add(sku) {
      if (sku === "") throw new OutOfStock("no sku", { cause: new TypeError("it is empty") });
      return reply(this.skus.push(sku));
    },
  };
  static readonly casts: Casts<Cart, CartApi> = {
    note(sku) {
      this.skus.push(sku);
    },
  };
}

describePeers("GenServer", {}, (release) => {
  let beam: Beam;
  let node: Node;
  const onBeam = (name: string): Destination => ({ name: atom(name), node: beam.name });

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam);
    node.expose("twins", {
      start: async (observer: Pid, trap: boolean) => {
        const parent = await node.start(Parent, { args: { observer, trap } });
        return tuple(await parent.call(atom("child")), parent.pid);
      },
    });
    node.expose("carts", { start: async () => (await node.start(Cart)).pid });
    await node.start(Puppet, { name: "puppet" });
    await beam.eval(SCRIPT);
    await beam.eval(`node = :"${node.name}"; Fixtures.Echo.start(name: :echo); nil`);
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  test("ends as Elixir's does whatever ends it, and terminate runs exactly when it runs there", async () => {
    const [differing, done, terminated] = await beam.eval<[unknown[], number, number]>(
      `
      {differing, done, terminated} = Ends.compare(fn observer, trap -> :erpc.call(node, :twins, :start, [observer, trap]) end)
      {Enum.map(differing, &inspect/1), done, terminated}
    `,
      { timeoutMs: 50_000 },
    );
    expect(differing).toEqual([]);
    expect(done).toBe(146);
    expect(terminated).toBe(113);
  }, 60_000);

  test("of ours that fails is told of by the BEAM's Logger with class, message, cause, file and line", async () => {
    await beam.eval(`
      cart = :erpc.call(node, :carts, :start, [])
      Task.start(fn -> GenServer.call(cart, {:add, ""}) end)
      other = :erpc.call(node, :carts, :start, [])
      {:ok, asker} = GenServer.start(Asker, other)
      GenServer.cast(asker, {:add, ""})
      nil
    `);
    const exited = String.raw` terminating\s+\*\* \(stop\) exited in: GenServer\.call\([^\n]*\s+\*\* \(EXIT\) an exception was raised:`;
    const line = String.raw`\s+\*\* \(RuntimeError\) OutOfStock: no sku, caused by TypeError: it is empty`;
    const place = String.raw`\s+gen-server\.interop\.ts:\d+: :\w+\.add/0\n`;
    const printed = (who: string) => new RegExp(`${who}${exited}${line}${place}`).test(beam.output());
    await until(() => printed("Task #PID<[\\d.]+> started from [^\n]*") && printed("GenServer #PID<[\\d.]+>"));
  });

  test("an exit reason of ours is printed as an exception, whatever was thrown", async () => {
    const formats = (thrown: unknown) => {
      const reason = encode(reasonOf(thrown));
      return beam.eval<string>("Exception.format_exit(:erlang.binary_to_term(input))", { input: reason });
    };
    const head = "an exception was raised:\n    ** ";
    expect(await formats(new TypeError("bang"))).toContain(`${head}(RuntimeError) TypeError: bang\n        `);
    expect(await formats("text")).toContain(`${head}(ErlangError) Erlang error: {:nocatch, "text"}`);
    const both = new AggregateError([new Error("a"), new RangeError("b")], "both");
    expect(await formats(both)).toContain(`${head}(RuntimeError) AggregateError: both (Error: a; RangeError: b)\n`);
    expect(await formats(Object.assign(new Error("bare"), { stack: undefined }))).toContain(
      "(RuntimeError) Error: bare",
    );
  });

  test("that has no callback for a request ends as Elixir's GenServer does", async () => {
    const exits = await beam.eval<string[]>(`
      {:ok, theirs} = GenServer.start(Asker, nil)
      ours = :erpc.call(node, :carts, :start, [])
      for pid <- [theirs, ours] do
        exit = try do GenServer.call(pid, :what) catch :exit, {reason, _} -> reason end
        {%RuntimeError{message: message}, [{_, _, _, _} | _]} = exit
        Regex.replace(~r/#PID<[^>]*>/, message, "PID")
      end
    `);
    expect(exits[0]).toBe("attempted to call GenServer PID but no handle_call/3 clause was provided");
    expect(exits[1]).toBe("attempted to call GenServer PID but no handleCall was provided");
  });

  test("answers what a schema refuses, and goes on", async () => {
    const seen = await beam.inspect(`
      cart = :erpc.call(node, :carts, :start, [])
      GenServer.cast(cart, {:note, 1})
      GenServer.cast(cart, {:note, "b"})
      {GenServer.call(cart, {:add, 1}), GenServer.call(cart, {:add, "a"}), GenServer.call(cart, :add)}
    `);
    expect(seen).toBe(
      '{{:error, {:bad_request, "0: expected a text"}}, 2, {:error, {:bad_request, "0: expected a text"}}}',
    );
  });

  // OTP 23 knows no aliases: late replies reach its callers, from servers of its own too.
  test.skipIf(release.otp === "23")("late replies leave nothing in a caller's mailbox", async () => {
    const seen = await beam.inspect(`
      puppet = {:puppet, node}
      timed_out = for timeout <- [1, 5, 20] do
        try do GenServer.call(puppet, {:deferred, 60, :late}, timeout) catch :exit, {reason, _} -> reason end
      end
      {[], [^node]} = GenServer.multi_call([node], :puppet, {:deferred, 60, :late}, 20)
      abandoned = :gen_server.receive_response(:gen_server.send_request(puppet, {:deferred, 60, :late}), 10)
      {timed_out, abandoned, GenServer.call(puppet, {:deferred, 120, :all_came}), Process.info(self(), :messages)}
    `);
    expect(seen).toBe("{[:timeout, :timeout, :timeout], :timeout, :all_came, {:messages, []}}");
  });

  test("multi_call and abcast of the BEAM reach ours", async () => {
    const seen = await beam.inspect(`
      {replies, bad} = GenServer.multi_call([node, :"nobody@127.0.0.1"], :puppet, {:echo, [1]}, 2_000)
      :abcast = GenServer.abcast([node], :puppet, {:noted, 1})
      {replies == [{node, [1]}], bad, GenServer.multi_call([node], :no_such_name, 1) == {[], [node]},
       {:cast, {:noted, 1}} in GenServer.call({:puppet, node}, :seen)}
    `);
    expect(seen).toBe('{true, [:"nobody@127.0.0.1"], true, true}');
  });

  test("multiCall and abcast of ours reach the BEAM", async () => {
    const nodes = [beam.name, node.name, "nobody@127.0.0.1"];
    await node.start(Puppet, { name: "echo" });
    const { replies, badNodes } = await node.multiCall(nodes, "echo", tuple(atom("echo"), [1]), { timeoutMs: 4_000 });
    expect(replies).toEqual([
      { node: beam.name, reply: [1] },
      { node: node.name, reply: [1] },
    ]);
    expect(badNodes).toEqual(["nobody@127.0.0.1"]);

    await node.abcast([beam.name, node.name], "echo", tuple(atom("noted"), 2));
    expect(await node.call("echo", atom("seen"))).toEqual([tuple(atom("cast"), tuple(atom("noted"), 2))]);
    expect(await node.call<Term[]>(onBeam("echo"), atom("seen"))).toContainEqual(
      tuple(atom("cast"), tuple(atom("noted"), 2)),
    );
    expect(node.whereis(onBeam("echo"))).toEqual({ name: "echo", node: beam.name });
    await node.server("echo").stop();
    expect(node.whereis("echo")).toBeUndefined();
  });

  test("stop ends a GenServer of the BEAM, and fails as GenServer.stop there exits", async () => {
    const cases: [start: string, reason: string, timeout: number][] = [
      ["Twin.start(self(), false)", ":normal", 1_000],
      ["Twin.start(self(), false)", "{:shutdown, [1]}", 1_000],
      ["{pid, _} = Twin.start(self(), true); GenServer.call(pid, {:last, {:exit, :bar}}); {pid, nil}", ":foo", 1_000],
      ["{pid, _} = Twin.start(self(), true); GenServer.call(pid, {:last, {:bad, 1}}); {pid, nil}", ":foo", 1_000],
      ["{spawn(fn -> Process.sleep(:infinity) end), nil}", ":normal", 50],
      ["{spawn(fn -> exit(:early) end), nil}", ":normal", 1_000],
      ["{spawn(fn -> receive do _ -> exit(:asked) end end), nil}", ":normal", 1_000],
    ];
    for (const [start, reason, timeoutMs] of cases) {
      const started = `${start} |> elem(0) |> Process.register(:stopped)`;
      const gone = "Process.whereis(:stopped) && Process.exit(Process.whereis(:stopped), :kill); nil";
      await beam.eval(`${started}; nil`).catch(() => {}); // one that has ended already has no name
      const theirs = await beam.inspect(`
        try do GenServer.stop({:stopped, node()}, ${reason}, ${timeoutMs}) catch :exit, {why, {GenServer, :stop, _}} -> why end
      `);
      await beam.eval(gone);
      await beam.until("Process.whereis(:stopped) == nil");
      await beam.eval(`${started}; nil`).catch(() => {});
      const wanted =
        reason === ":normal" ? atom("normal") : reason === ":foo" ? atom("foo") : tuple(atom("shutdown"), [1]);
      const ours = await node
        .server(onBeam("stopped"))
        .stop(wanted, { timeoutMs })
        .then(
          () => ":ok",
          (error: unknown) => inspect(((error as ExitError).reason as Term[])[0]),
        );
      // There the name is of the same node, so that its pid stands in its place; and OTP 23 asks without a limit of time.
      const plain = (why: string) =>
        why.replace(/terminate, \[(#PID<[\d.]+>|\{:stopped, [^}]*\})/, "terminate, [PID").replace(":infinity", "1000");
      expect(plain(ours), `${start} stopped with ${reason}`).toBe(plain(theirs));
      await beam.eval(gone);
      await beam.until("Process.whereis(:stopped) == nil");
    }
  });
});
