import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Atom,
  atom,
  EventHandler,
  type EventManager,
  type EventResult,
  Exit,
  GenEvent,
  GenServer,
  type HandlerInitResult,
  isTuple,
  mod,
  type Node,
  removeHandler,
  reply,
  stop,
  swapHandler,
  type Term,
  type Tuple,
  tuple,
} from "../../src/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { nodeBeside } from "../support/our-node.ts";
import { until } from "../support/until.ts";

const SCRIPT = readFileSync(new URL("gen-event.exs", import.meta.url), "utf8");
const REQUESTS = 400;

/** The same handler as in the script. */
class Recorder extends EventHandler {
  events: unknown;

  override init(argument: Term): HandlerInitResult {
    if (isTuple(argument) && argument.tag === "refuse") return stop(argument[1]);
    if (argument === atom("raise")) throw new Error("refused");
    this.events = argument;
  }

  override handleEvent(event: Term): EventResult {
    const swap = this.#asked(event);
    if (swap !== undefined) return swap;
    if (event === atom("remove")) return removeHandler();
    if (event === atom("odd")) return atom("odd") as never;
    this.#keep(event);
  }

  override handleCall(request: Term) {
    const swap = this.#asked(request, atom("swapped"));
    if (swap !== undefined) return swap;
    if (request === atom("remove")) return removeHandler(atom("removed"));
    if (request === atom("odd")) return atom("odd") as never;
    return reply(this.events);
  }

  override handleInfo(message: Term) {
    this.#keep(tuple(atom("info"), message as object));
  }

  override terminate(reason: Term) {
    if (reason === atom("exit")) throw new Exit(atom("failed"));
    return tuple(atom("bye"), reason as object, this.events as object);
  }

  #asked(term: Term, answer?: Atom) {
    if (term === atom("raise")) throw new RangeError("out of range");
    if (term === atom("exit")) throw new Exit(atom("out"));
    if (isTuple(term) && term.tag === "swap") return swapHandler(term[1], term[2] as Tuple, term[3], answer);
    return undefined;
  }

  #keep(term: unknown) {
    this.events = [term, ...(Array.isArray(this.events) && !isTuple(this.events) ? this.events : [this.events])];
  }
}

class Quiet extends EventHandler {
  events: Term = null;

  override init(argument: Term) {
    this.events = argument;
  }

  override handleEvent() {}

  override handleInfo() {}

  override handleCall() {
    return reply(atom("quiet"));
  }
}

/** Keeps what it is told, and uses a manager from within a callback. */
class Adder extends GenServer {
  readonly told: Term[] = [];

  override async handleCast(manager: Term) {
    const events = GenEvent.at(this.process, manager as never);
    this.told.push(await events.addSupHandler(mod("Recorder"), []));
  }

  override handleInfo(message: Term) {
    this.told.push(message);
  }
}

describePeers("event managers", {}, (release) => {
  let beam: Beam;
  let node: Node;
  let theirs: EventManager;

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam);
    const manager = GenEvent.of({ [mod("Recorder").tag]: Recorder, [mod("Quiet").tag]: Quiet });
    node.expose("managers", {
      start: async () => {
        const { pid } = await node.start(manager);
        return pid;
      },
      "clear/1": ([module, id]: Tuple) => tuple(module as Atom, id as object, { events: ["cleared"] }),
    });
    await node.start(manager, { name: "alarms" });
    await beam.eval(`Logger.configure(level: :none); ${SCRIPT}`);
    await beam.eval(`
      node = :"${node.name}"
      {:ok, pid} = :gen_event.start({:local, :alarms})
      nil
    `);
    theirs = GenEvent.at(node, { name: "alarms", node: beam.name });
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  test(`ours and OTP's do the same at ${REQUESTS} random requests`, async () => {
    const seed = Date.now() % 1_000_000;
    const [done, difference] = await beam.eval<[number, string | null]>(
      `
      :rand.seed(:exsss, ${seed})
      Process.flag(:trap_exit, true)
      {:ok, theirs} = :gen_event.start_link()
      {done, difference} = Managers.compare(theirs, :erpc.call(node, :managers, :start, []), ${REQUESTS})
      {done, difference && inspect(difference, limit: :infinity, printable_limit: :infinity)}
    `,
      { timeoutMs: 50_000 },
    );
    expect(difference, `seed ${seed}`).toBeNull();
    expect(done).toBe(REQUESTS);
  });

  test("ours shows its handlers and their state by sys, and replaces it by an exposed function", async () => {
    const seen = await beam.inspect(`
      ours = :erpc.call(node, :managers, :start, [])
      :ok = :gen_event.add_handler(ours, Recorder, [])
      :ok = :gen_event.add_sup_handler(ours, {Quiet, 1}, [])
      {:status, ^ours, {:module, :gen_event}, [dictionary, :running, _, [], misc]} = :sys.get_status(ours)
      [header: header, data: data, items: {_, handlers}] = misc
      replaced = :sys.replace_state(ours, &:managers.clear/1)
      parts = for {name, _} <- data, do: to_string(name)
      {dictionary[:"$initial_call"], to_string(header) =~ "Status for event handler", parts, Managers.plain(handlers),
        Managers.plain(replaced), :gen_event.stop(ours)}
    `);
    const handlers = "[{:handler, Quiet, 1, [], :pid}, {:handler, Recorder, false, [], false}]";
    expect(seen).toBe(
      `{{:gen_event, :init_it, 6}, true, ["Status", "Logged Events", "Parent"], ${handlers}, ` +
        `[{Quiet, 1, ["cleared"]}, {Recorder, false, ["cleared"]}], :ok}`,
    );
  });

  test("ours ends as OTP's does, with what its handlers and their adders see of it", async () => {
    const [theirEnd, ourEnd] = await beam.eval<[string, string]>(`
      Process.flag(:trap_exit, true)
      ending = fn manager, reason ->
        :ok = :gen_event.add_sup_handler(manager, Recorder, [])
        ref = Process.monitor(manager)
        stopped = try do :gen_event.stop(manager, reason, 2000) catch :exit, why -> Managers.plain(why) end
        down = receive do {:DOWN, ^ref, _, _, why} -> why end
        told = receive do {:gen_event_EXIT, _, _} = told -> told end
        linked = receive do {:EXIT, ^manager, why} -> why after 50 -> :none end
        {stopped, down, told, linked}
      end
      both = for start <- [fn -> :gen_event.start() |> elem(1) end, fn -> :erpc.call(node, :managers, :start, []) end] do
        inspect(for reason <- [:normal, :shutdown, {:odd, 1}], do: ending.(start.(), reason))
      end
      List.to_tuple(both)
    `);
    expect(ourEnd).toBe(theirEnd);
    expect(
      await beam.inspect("try do :gen_event.call({:nobody, node}, Recorder, 1) catch :exit, {why, _} -> why end"),
    ).toBe(":noproc");
  });

  test("one of a BEAM is used from here, handler by handler", async () => {
    const H = mod("Recorder");
    expect(await theirs.addHandler(H, [])).toBe(atom("ok"));
    expect(await theirs.addHandler(tuple(H, 2), ["b"])).toBe(atom("ok"));
    void theirs.notify(1);
    await theirs.syncNotify("two");
    expect(await theirs.call(H, atom("get"))).toEqual(["two", 1]);
    expect(await theirs.whichHandlers()).toEqual([tuple(H, 2), H]);
    expect(await theirs.swapHandler(tuple(H, 2), 1, tuple(H, 3), "new")).toBe(atom("ok"));
    expect(await theirs.deleteHandler(tuple(H, 3), "end")).toMatchObject([atom("bye"), "end", ["new", {}]]);
    expect(await theirs.deleteHandler(tuple(H, 3), "end")).toEqual(tuple(atom("error"), atom("module_not_found")));
    expect(await theirs.call("nobody", 1)).toEqual(tuple(atom("error"), atom("bad_module")));
    expect(await theirs.addHandler(mod("NoSuch"), 1)).toMatchObject([atom("EXIT"), [atom("undef"), {}]]);
    await expect(GenEvent.at(node, { name: "nobody", node: beam.name }).call(H, 1)).rejects.toMatchObject({
      code: "EXIT_NOPROC",
      reason: [atom("noproc"), [atom("gen_event"), atom("call"), {}]],
    });
  });

  test("one of a BEAM tells a server here of the end of the handler that it added, and removes it when the server ends", async () => {
    const manager = tuple(atom("alarms"), atom(beam.name));
    let adder!: Adder;
    class Seen extends Adder {
      override init() {
        adder = this;
        this.process.trapExit = true;
      }
    }
    const { pid } = await node.start(Seen);
    void node.cast(pid, manager);
    await until(() => adder.told.length === 1);
    await theirs.deleteHandler(mod("Recorder"), 1);
    await theirs.syncNotify(atom("exit"));
    await until(() => adder.told.length === 2);
    expect(adder.told[1]).toMatchObject([atom("gen_event_EXIT"), mod("Recorder"), {}]);
    void node.cast(pid, manager);
    await until(() => adder.told.length === 3);
    node.exit(pid, atom("kill"));
    await until(async () => (await theirs.whichHandlers()).length === 0);
  });

  test("one of a BEAM is stopped from here", async () => {
    await beam.eval("{:ok, _} = :gen_event.start({:local, :stopped}); nil");
    await GenEvent.at(node, { name: "stopped", node: beam.name }).stop();
    expect(await beam.eval("Process.whereis(:stopped)")).toBeNull();
  });
});
