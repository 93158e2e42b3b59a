import { setTimeout as sleep } from "node:timers/promises";
import {
  Agent,
  type Atom,
  atom,
  type CallResult,
  type Calls,
  child,
  DynamicSupervisor,
  Exit,
  ExitError,
  type From,
  GenServer,
  GenStage,
  ignore,
  isTuple,
  mod,
  type Node,
  noReply,
  PartitionSupervisor,
  Pid,
  Registry,
  reply,
  Supervisor,
  stop,
  superviseDynamically,
  TaskSupervisor,
  type Term,
  type Tuple,
  tuple,
} from "../../src/index.ts";
import { Door, Manager, Turnstile } from "./exunit-behaviours.ts";

const ok = atom("ok");
const error = atom("error");

/** Signs in the name of another: replies to callers of {@link Answers}. */
class Clerk extends GenServer {
  override handleInfo(message: Term) {
    const [from, value] = message as Tuple<[Tuple, Term]>;
    this.process.reply(from, value);
  }
}

/** Answers calls in every way that a server can. Tells the pid it is given of its `terminate`. */
export class Answers extends GenServer {
  trail: Term[] = [];
  #reporter: Pid | undefined;
  #waiting: From | undefined;
  #onSilence: Term = null;
  #clerk: Pid | undefined;

  override init({ reporter, traps = false, clerk }: { reporter?: Pid; traps?: boolean; clerk?: Pid } = {}) {
    this.#reporter = reporter;
    this.#clerk = clerk;
    this.process.trapExit = traps;
  }

  override handleCall(request: Term, from: From): CallResult | Promise<CallResult> {
    const [operation, first, second] = (isTuple(request) ? [...request] : [request]) as [Atom, Term, Term];
    switch (operation.tag) {
      case "echo":
        return reply(first);
      case "trail":
        return reply(this.trail);
      case "later":
        void sleep(first as number).then(() => from.reply(second));
        return noReply();
      case "by_clerk":
        void this.process.send(this.#clerk!, tuple(from, first as object));
        return noReply();
      case "pass_on":
        void this.process.send(first as Pid, tuple(atom("from"), from));
        return noReply();
      case "go_on":
        return reply(first, { continue: first });
      case "when_silent":
        this.#waiting = from;
        this.#onSilence = second;
        this.trail.push(atom("waiting"));
        return noReply({ timeoutMs: first as number });
      case "answer":
        this.#waiting = from; // is answered again by a cast
        return reply(first);
      case "busy":
        return sleep(first as number).then(() => reply(atom("done")));
      case "silent":
        return noReply();
      case "stop":
        return stop(first);
      case "stop_with":
        return stop(first, second);
      case "exit":
        throw new Exit(first);
      case "raise":
        throw new TypeError(first as string);
      case "bad_return":
        return atom("nothing_sensible") as unknown as CallResult;
      case "link":
        this.process.link(first as Pid);
        return reply(ok);
      default:
        return super.handleCall(request, from) as Promise<CallResult>;
    }
  }

  override async handleCast(request: Term) {
    if (isTuple(request) && request.tag === "note") this.trail.push(request[1] as Term);
    else if (isTuple(request) && request.tag === "busy") await sleep(request[1] as number);
    else if (isTuple(request) && request.tag === "exit") throw new Exit(request[1]);
    else this.#waiting?.reply(atom("answered"));
  }

  override handleContinue(argument: unknown) {
    this.trail.push(argument as Term);
  }

  override handleInfo(message: Term) {
    if (message === atom("timeout")) this.#waiting?.reply(this.#onSilence);
    else if (isTuple(message) && message.tag === "note") this.trail.push(message[1] as Term);
    else this.#tell(tuple(atom("info"), message as object));
  }

  override terminate(reason: unknown) {
    this.#tell(tuple(atom("terminated"), reason as object));
  }

  #tell(message: Tuple) {
    if (this.#reporter !== undefined) void this.process.send(this.#reporter, message);
  }
}

/** Traps exits, and tells how it ended. */
class Trapping extends GenServer {
  #report: (reason: unknown) => void = () => {};

  override init({ reporter, id }: { reporter: Pid; id: Term[] }) {
    this.process.trapExit = true;
    this.#report = (reason) => void this.process.send(reporter, tuple(atom("terminated"), ...id, reason as object));
  }

  override terminate(reason: unknown) {
    this.#report(reason);
  }
}

/** A server that does not start. */
class Unstartable extends GenServer {
  override init(how: Term) {
    if (how === atom("ignore")) return ignore();
    const [kind, argument] = how as Tuple<[Atom, Term]>;
    if (kind.tag === "raise") throw new RangeError(argument as string);
    return stop(argument);
  }
}

/** Lives on when its supervisor says `shutdown`. */
class Deaf extends GenServer {
  override init() {
    this.process.trapExit = true;
  }

  override terminate() {
    return new Promise<void>(() => {});
  }
}

/** Answers `{Pid, {double, N}}`, as `rpc:server_call` asks, in the name that it was given. */
class OldServer extends GenServer {
  #name: Atom | undefined;

  override init(name: Atom) {
    this.#name = name;
  }

  override handleInfo(message: Term) {
    const [pid, [, n]] = message as Tuple<[Pid, Tuple<[Atom, number]>]>;
    void this.process.send(pid, tuple(this.#name!, atom(this.process.pid.node), n * 2));
  }
}

interface TableApi {
  ping(): Atom<"pong">;
}

/** A server whose operations are a table. */
class Table extends GenServer<TableApi> {
  static readonly calls: Calls<Table, TableApi> = { ping: () => reply(atom("pong")) };
}

/** A supervisor of children that come later, with a bound on them. */
class Dynamic extends DynamicSupervisor {
  override init(maxChildren: number) {
    return superviseDynamically({ maxChildren });
  }
}

/** Processes of every kind, by the name under which the scripts start them. */
type Start = (name: { name?: Atom }, args: Term[]) => Promise<{ pid: Pid }>;

/** Exposes as `Ours` what the scripts of `suites/exunit` use: functions that start processes, and such that just run. */
export function exposeOurs(node: Node, printed: readonly string[]): void {
  const server = async (name: { name?: Atom }, [reporter, traps]: Term[], options = {}) => {
    const { pid: clerk } = await node.start(Clerk);
    const args = { clerk, traps: traps === true, ...(reporter instanceof Pid && { reporter }) };
    return node.start(Answers, { ...name, ...options, args });
  };
  const kinds: Record<string, Start> = {
    server,
    limited: (name, args) => server(name, args, { otp: { sys: "inspect" } }),
    closed: (name, args) => server(name, args, { otp: { sys: "none" } }),
    table: (name) => node.start(Table, name),
    watched: (name) =>
      node.start(Supervisor.of([child(Deaf, { id: "a", shutdown: "brutal_kill" })]), {
        ...name,
        otp: { supervisors: "inspect" },
      }),
    old_server: ({ name = atom("nameless") }) => node.start(OldServer, { name, args: name }),
    supervisor: (name, [strategy = atom("one_for_one"), maxRestarts = 3]) => {
      const options = { strategy: (strategy as Atom).tag as "one_for_one", maxRestarts: maxRestarts as number };
      return node.start(Supervisor.of([], options), name);
    },
    dynamic: (name, [maxChildren = 1_000]) => node.start(Dynamic, { ...name, args: maxChildren as number }),
    tasks: (name) => node.start(TaskSupervisor, name),
    partitions: ({ name = atom("partitions") }) => {
      const partition = () => child(Table, { id: "any" });
      return node.start(PartitionSupervisor, { name, args: { child: partition, partitions: 2 } });
    },
    registry: ({ name = atom("registry") }) => node.start(Registry, { name, args: { keys: "unique" } }),
    agent: (name) =>
      node.start(
        Agent.of(() => 0),
        name,
      ),
    manager: (name) => node.start(Manager, name),
    door: (name, [reporter]) => node.start(Door, { ...name, args: reporter as Pid | undefined }),
    turnstile: (name) => node.start(Turnstile, name),
    lines: (name) => node.start(GenStage.from([1, 2, 3]), name),
  };
  const started = async (promise: Promise<{ pid: Pid }>, ...more: Term[]) => tuple(ok, (await promise).pid, ...more);
  const named = (name: Atom) => node.server({ name, node: node.name });

  node.expose(mod("Ours"), {
    start: async (kind: Atom, ...args: Term[]) => (await kinds[kind.tag]!({}, args)).pid,
    start_named: async (kind: Atom, name: Atom, ...args: Term[]) => (await kinds[kind.tag]!({ name }, args)).pid,
    try_start: async (how: Term) => {
      try {
        return await started(node.start(Unstartable, { args: how }));
      } catch (failure) {
        if (!(failure instanceof ExitError)) throw failure;
        return failure.reason === atom("ignore") ? failure.reason : tuple(error, failure.reason as object);
      }
    },
    start_worker: () => started(server({}, [])),
    start_worker_with: (more: Term) => started(server({}, []), more),
    start_server: (reporter: Pid, traps: boolean) => started(server({}, [reporter, traps])),
    start_trapping: (reporter: Pid, ...id: Term[]) => started(node.start(Trapping, { args: { reporter, id } })),
    start_deaf: () => started(node.start(Deaf)),
    fail_to_start: (reason: Term) => tuple(error, reason as object),
    ignore_start: () => atom("ignore"),

    sum: (a: number, b: number) => a + b,
    "one/1": (value: Term) => value,
    later: (ms: number, value: Term) => sleep(ms, value),
    never: () => new Promise(() => {}),
    throws: (value: Term) => {
      throw value;
    },
    exits: (reason: Term) => {
      throw new Exit(reason);
    },
    raises: (text: string) => {
      throw new RangeError(text);
    },
    async says(text: string) {
      await this.write(`${text}\n`);
    },
    note: (name: Atom, value: Term) => named(name).cast(tuple(atom("note"), value as object)),
    note_slowly: async (name: Atom, value: Term) => {
      for (const what of ["began", "ended"]) {
        void named(name).cast(tuple(atom("note"), tuple(atom(what), value as object)));
        await sleep(20);
      }
    },
    note_and_exit: (name: Atom, value: Term, reason: Term) => {
      void named(name).cast(tuple(atom("note"), value as object));
      throw new Exit(reason);
    },
    whereis: (name: Atom) => node.whereis(name),
    links: (pid: Pid) => node.processInfo(pid)?.links,
    printed: () => printed,
    "mark/1": (state: object) => ({ ...state, trail: [atom("replaced")] }),
    "exits_state/1": () => {
      throw new Exit(atom("no"));
    },
    "on_event/3": (name: Atom, [kind]: Tuple) => {
      void named(name).cast(tuple(atom("note"), kind as object));
      return name;
    },
  });
}
