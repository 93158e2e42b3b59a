import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Action,
  type Atom,
  atom,
  type CallbackMode,
  Exit,
  eventTimeout,
  GenStatem,
  genericTimeout,
  hibernate,
  type InsertedEvent,
  initialState,
  isTuple,
  keepState,
  type Node,
  nextEvent,
  nextState,
  postpone,
  repeatState,
  replyTo,
  type StatemEvent,
  type StateResult,
  stateTimeout,
  stop,
  stopAndReply,
  type Term,
  type TimeoutTime,
  type Tuple,
  tuple,
} from "../../src/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { nodeBeside } from "../support/our-node.ts";

const SCRIPT = readFileSync(new URL("gen-statem.exs", import.meta.url), "utf8");
const MODES = [
  ["state_functions"],
  ["state_functions", "state_enter"],
  ["handle_event_function"],
  ["handle_event_function", "state_enter"],
] as const;
const OPERATIONS = 150;

/** The BEAM that is told of `terminate`. */
let watcher: string;

type Content = readonly [id: Term, plans: Record<string, readonly [result: Term, actions: Tuple[]]>];

/** The twin of `Machine` in gen-statem.exs: does what the content of an event says. */
abstract class Machine extends GenStatem {
  /** Newest first. */
  seen: Tuple[] = [];
  /** What the enter call of the state b is to do wrong. */
  trap: Term = null;

  init() {
    const first = nextEvent("internal", tuple(atom("first"), {}));
    return initialState(this.stateOf(atom("a")), first);
  }

  /** A state as its callback mode has it. */
  abstract stateOf(state: Atom): unknown;

  does(event: StatemEvent, state: Atom): StateResult {
    if (event.type === "enter") return this.#enter(event.content, state);
    if (event.content === atom("trap_exit")) {
      this.process.trapExit = true;
      return keepState();
    }
    const [id, plans] = event.content as unknown as Content;
    switch ((id as Atom).tag) {
      case "raise":
        throw new Exit(plans);
      case "return":
        return this.#given(plans as unknown as Term);
      case "trap":
        this.trap = plans as unknown as Term;
        return nextState(this.stateOf(atom("b")));
      case "EXIT":
        return stop(tuple(atom("was_linked"), (event.content as unknown as Tuple)[2] as object));
    }
    this.seen.unshift(tuple(typeOf(event), id as object, state));
    const [result, actions] = plans[state.tag] ?? [atom("keep"), []];
    const answer = (value: object) =>
      event.type === "call" && !actions.includes(atom("postpone") as never) ? [replyTo(event.from, value)] : [];
    if ((result as Tuple)[0] === atom("stop")) return stopAndReply((result as Tuple)[1], answer(atom("stopping")));
    const asked = [...answer(tuple(id as object, state)), ...actions.map((action) => this.#action(action))];
    if (result === atom("keep")) return keepState(asked);
    return result === atom("repeat") ? repeatState(asked) : nextState(this.stateOf(result as Atom), asked);
  }

  override terminate(reason: unknown, state: unknown) {
    const shown = typeof state === "string" ? atom(state) : state;
    void this.process.send(
      { name: "watcher", node: watcher },
      tuple(atom("terminated"), reason as object, shown as object),
    );
  }

  #enter(content: unknown, state: Atom): StateResult {
    if (state === atom("b") && this.trap !== null) {
      if (this.trap === atom("raise")) throw new Exit(atom("trapped"));
      if (this.trap === atom("other_state")) return nextState(this.stateOf(atom("c")));
      return keepState(this.#action(this.trap as Atom));
    }
    const from = typeof content === "string" ? atom(content) : (content as Atom);
    this.seen.unshift(tuple(atom("enter"), from, state));
    return keepState();
  }

  /** A result as the BEAM would have been given it, where there is something like it here, else that term. */
  #given(result: Term): StateResult {
    if (!isTuple(result)) return result as never;
    const given = (actions: unknown) => (actions as Tuple[]).map((action) => this.#action(action));
    if (result.tag === "keep_state_and_data") return keepState(given(result[1]));
    if (result.tag === "stop_and_reply") return stopAndReply(result[1], given(result[2]) as never);
    return result as never;
  }

  #action(action: Tuple | Atom): Action {
    if (action === atom("postpone")) return postpone();
    if (action === atom("hibernate")) return hibernate();
    if (!isTuple(action)) return action as never;
    const [what, first, second, third] = action as unknown as Term[];
    if (what === atom("postpone")) return postpone(first as boolean);
    if (what === atom("hibernate")) return hibernate();
    if (what === atom("insert")) return nextEvent({ ...eventType(first as Term), content: second } as InsertedEvent);
    if (what === atom("next_event"))
      return nextEvent({ ...eventType(first as Term), content: second } as InsertedEvent);
    if (what === atom("reply")) return replyTo(first as never, second);
    if (what === atom("odd")) return action as never;
    if (what === atom("cancel")) return timeout(first as Term, "cancel");
    if (what === atom("absolute"))
      return timeout(first as Term, Math.round(performance.now()) + (second as number), third, true);
    return timeout(what as Term, timeOf(first as Term), second);
  }
}

function eventType(type: Term): { type: string; name?: Term } {
  if (Array.isArray(type)) return { type: "generic_timeout", name: type[1] as Term };
  return { type: (type as Atom).tag };
}

function typeOf(event: StatemEvent): object {
  return event.type === "generic_timeout" ? tuple(atom("timeout"), event.name as object) : atom(event.type);
}

function timeOf(time: Term): TimeoutTime {
  if (typeof time === "number") return time;
  return time === atom("infinity") ? Number.POSITIVE_INFINITY : "update";
}

function timeout(type: Term, time: TimeoutTime, content?: unknown, abs = false): Action {
  const { type: kind, name } = eventType(type);
  if (kind === "timeout") return eventTimeout(time, content, { abs });
  return kind === "state_timeout" ? stateTimeout(time, content, { abs }) : genericTimeout(name, time, content, { abs });
}

function machineOf(mode: CallbackMode) {
  const byName = mode.includes("state_functions");
  return class extends Machine {
    static override readonly callbackMode = mode;

    stateOf(state: Atom) {
      return byName ? state.tag : state;
    }
    a(event: StatemEvent) {
      return this.does(event, atom("a"));
    }
    b(event: StatemEvent) {
      return this.does(event, atom("b"));
    }
    c(event: StatemEvent) {
      return this.does(event, atom("c"));
    }
    override handleEvent(event: StatemEvent, state: unknown) {
      return this.does(event, state as Atom);
    }
  };
}

describePeers("a GenStatem beside a gen_statem", { otp: ["25", "27", "29"] }, (release) => {
  let beam: Beam;
  let node: Node;

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam);
    watcher = beam.name;
    node.expose("machines", {
      start: async (mode: Atom[]) => (await node.start(machineOf(mode.map(({ tag }) => tag) as never))).pid,
      named: async () => (await node.start(machineOf("state_functions"), { name: "machine" })).pid,
      "replaced/1": ([, data]: [Atom, object]) => tuple(atom("c"), { ...data, seen: [] }),
    });
    await beam.eval(SCRIPT);
    await beam.eval(`
      node = :"${node.name}"
      both = fn mode -> {Machine.start(mode), :erpc.call(node, :machines, :start, [mode])} end
      nil
    `);
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  test.each(MODES.map((mode) => [mode.join(", "), mode]))(
    `%s: ${OPERATIONS} random calls, casts and infos with timeouts and postponements, as a machine of Elixir`,
    async (_name, mode) => {
      const seed = Date.now() % 1_000_000;
      const [difference, counts] = await beam.eval<[unknown, string]>(
        `
        :rand.seed(:exsss, ${seed})
        machines = both.(${erlang(mode)})
        difference = Compare.run(machines, ${OPERATIONS})
        {difference && inspect(difference, limit: :infinity, printable_limit: :infinity),
          machines |> elem(1) |> Compare.counts() |> inspect(limit: :infinity)}
      `,
        { timeoutMs: 60_000 },
      );
      expect(difference, `seed ${seed}`).toBeNull();
      for (const type of [":call", ":cast", ":info", ":internal", "{:timeout, :soon}", "{:timeout, :zero}"]) {
        expect(counts).toContain(`${type} =>`);
      }
    },
    90_000,
  );

  test.each(MODES.map((mode) => [mode.join(", "), mode]))(
    "%s: all ends have the reasons of OTP's",
    async (_name, mode) => {
      const differing = await beam.inspect(
        `
      mode = ${erlang(mode)}
      call = fn content -> &:gen_statem.call(&1, content, 5_000) end
      plan = fn result -> call.({1, %{a: {result, []}}}) end
      keep = fn action -> call.({:return, {:keep_state_and_data, [action]}}) end
      endings = [
        plan.({:stop, :normal}), plan.({:stop, {:shutdown, 1}}), plan.({:stop, :boom}), call.({:raise, {:some, "reason"}}),
        call.({:return, :odd}), call.({:return, {:odd, 1}}), call.({:return, nil}), keep.(:odd), keep.({:odd, 1}),
        keep.({:state_timeout, -1, :x}), keep.({:timeout, 1.5, :x}), keep.({{:timeout, :n}, -7, :x}),
        keep.({:reply, {:nobody, 1}, 2}), keep.({:next_event, :odd, 1}), keep.({:next_event, :enter, 1}),
        call.({:return, {:stop_and_reply, :normal, [:odd]}}), call.({:return, {:stop_and_reply, :normal, [{:reply, 1, 2}]}}),
        &:gen_statem.stop/1, &:gen_statem.stop(&1, :shutdown, 5_000), &:gen_statem.stop(&1, {:shutdown, "x"}, :infinity),
        &:gen_statem.stop(&1, :boom, 5_000), &:sys.terminate(&1, :asked), &Process.exit(&1, :shutdown), &Process.exit(&1, :kill),
        &{:gen_statem.cast(&1, :trap_exit), :sys.get_state(&1) |> elem(0), Process.exit(&1, :boom)}
      ]
      entering = [
        call.({:trap, :other_state}), call.({:trap, :postpone}), call.({:trap, {:next_event, :internal, 1}}),
        call.({:trap, :raise}), call.({:trap, {:timeout, -1, 1}})
      ]
      endings = if :state_enter in mode, do: endings ++ entering, else: endings
      endings = if mode == [:state_functions, :state_enter], do: [plan.(:nowhere) | endings], else: endings
      for {what, i} <- Enum.with_index(endings), {a, b} = Compare.ending(both.(mode), what), a != b or elem(a, 1) == :alive, do: {i, a, b}
    `,
      );
      expect(differing).toBe("[]");
    },
  );

  test("gen_statem:call with every form of timeout, and late replies", async () => {
    const seen = await beam.inspect(`
      later = {1, %{a: {:keep, [:postpone]}}}
      forms = [50, {:clean_timeout, 50}, {:dirty_timeout, 50}]
      for pid <- Tuple.to_list(both.([:state_functions])) do
        timeouts = for form <- forms do
          try do :gen_statem.call(pid, later, form) catch :exit, {reason, {:gen_statem, :call, [^pid, ^later, ^form]}} -> reason end
        end
        answered = for form <- [:infinity, 5_000, {:clean_timeout, 5_000}, {:dirty_timeout, 5_000}],
          do: :gen_statem.call(pid, {2, %{a: {:keep, []}}}, form)
        :gen_statem.cast(pid, {3, %{a: {:b, []}}})
        retried = :sys.get_state(pid) |> elem(1) |> Map.fetch!(:seen) |> Enum.take(4) |> Enum.map(&elem(&1, 2))
        late = receive do late -> late after 100 -> :none end
        {timeouts, answered, retried, late}
      end
    `);
    const each = "{[:timeout, :timeout, :timeout], [{2, :a}, {2, :a}, {2, :a}, {2, :a}], [:b, :b, :b, :a], :none}";
    expect(seen).toBe(`[${each}, ${each}]`);
  });

  test("calls of what is not there fail as in OTP, and a name is as good as a pid", async () => {
    const seen = await beam.inspect(`
      pid = :erpc.call(node, :machines, :named, [])
      reason = fn call -> try do call.() catch :exit, {reason, _} -> reason; :exit, reason -> reason end end
      {:gen_statem.call({:machine, node}, {1, %{}}), :gen_statem.cast({:machine, node}, {2, %{}}),
       pid |> :sys.get_state() |> elem(1) |> Map.fetch!(:seen) |> Enum.map(&elem(&1, 1)),
       :gen_statem.stop({:machine, node}), reason.(fn -> :gen_statem.call({:machine, node}, 1, 5_000) end),
       reason.(fn -> :gen_statem.call(pid, 1) end), reason.(fn -> :gen_statem.stop(pid) end)}
    `);
    expect(seen).toBe("{{1, :a}, :ok, [2, 1, :first], :ok, :noproc, :noproc, :noproc}");
  });

  test("links tell both sides, and EXIT is an info to who traps exits", async () => {
    const seen = await beam.inspect(`
      Process.flag(:trap_exit, true)
      told = fn pid -> receive do {:EXIT, ^pid, reason} -> reason after 5_000 -> :alive end end
      died = for pid <- Tuple.to_list(both.([:handle_event_function])) do
        Process.link(pid)
        :gen_statem.stop(pid, {:shutdown, :linked}, 5_000)
        told.(pid)
      end
      killed = for pid <- Tuple.to_list(both.([:state_functions])) do
        ref = Process.monitor(pid)
        spawn(fn -> Process.link(pid); exit(:boom) end)
        receive do {:DOWN, ^ref, _, _, reason} -> reason end
      end
      trapped = for pid <- Tuple.to_list(both.([:state_functions])) do
        :gen_statem.cast(pid, :trap_exit)
        ref = Process.monitor(pid)
        :sys.get_state(pid)
        spawn(fn -> Process.link(pid); exit(:boom) end)
        receive do {:DOWN, ^ref, _, _, reason} -> reason end
      end
      {died, killed, trapped}
    `);
    expect(seen).toBe(
      "{[shutdown: :linked, shutdown: :linked], [:boom, :boom], [was_linked: :boom, was_linked: :boom]}",
    );
  });

  test("sys: suspend, resume, replace_state and the log are as gen_statem's", async () => {
    const seen = await beam.inspect(`
      {theirs, ours} = machines = both.([:state_functions])
      suspended = Compare.on_both(machines, fn pid ->
        :ok = :sys.suspend(pid)
        :gen_statem.cast(pid, {1, %{a: {:b, []}}})
        status = pid |> :sys.get_status() |> elem(3) |> Enum.at(1)
        before = pid |> :sys.get_state() |> elem(0)
        {status, before, :sys.resume(pid), pid |> :sys.get_state() |> elem(0)}
      end)
      :gen_statem.cast(theirs, {2, %{b: {:keep, [:postpone]}}})
      :gen_statem.cast(ours, {2, %{b: {:keep, [:postpone]}}})
      replaced = {
        :sys.replace_state(theirs, fn {:b, data} -> {:c, %{data | seen: []}} end),
        :sys.replace_state(ours, &:machines.replaced/1)
      }
      logs = Compare.on_both(machines, fn pid ->
        :ok = :sys.log(pid, {true, 50})
        :gen_statem.call(pid, {3, %{c: {:keep, [{:insert, :internal, {4, %{}}}, {:state_timeout, 9_000_000, {7, %{}}}, {{:timeout, :x}, 0, {8, %{}}}]}}})
        :gen_statem.cast(pid, {5, %{c: {:keep, [:postpone]}}})
        :gen_statem.cast(pid, {6, %{c: {:a, []}}})
        _ = :sys.get_state(pid)
        Compare.log(pid)
      end)
      {elem(suspended, 0), Compare.same?(suspended), elem(replaced, 0), Compare.same?(replaced), length(elem(logs, 0)), Compare.same?(logs) || logs}
    `);
    expect(seen).toBe("{{:suspended, :a, :ok, :b}, true, {:c, %{seen: [], trap: nil}}, true, 15, true}");
  });
});

/** A list of atoms. */
function erlang(mode: readonly string[]): string {
  return `[${mode.map((part) => `:${part}`).join(", ")}]`;
}
