import { SPAWN_LINKED, SPAWN_MONITORED, type SpawnRequestSignal } from "../dist/index.ts";
import type { Behaviour, InitialCall, Origin, ProcessCore, QueuedMessage, Runtime } from "../runtime/index.ts";
import { Atom, atom, atomTerm, isList, isTuple, type Term, tuple } from "../term/index.ts";
import { type Caller, CallerWithConsole } from "./caller.ts";
import type { Exposed } from "./exposed.ts";

/** A function of the node's own that others may spawn. Its result is the exit reason of its process. */
export type Spawnable = (args: readonly Term[], caller: Caller) => Promise<unknown>;

const BADARG = atom("badarg");
const BADOPT = atom("badopt");
const NORMAL = atom("normal");

/** Options that change nothing here, and are taken. */
const WITHOUT_MEANING = new Set([
  "priority", "fullsweep_after", "min_heap_size", "min_bin_vheap_size", "max_heap_size", "message_queue_data", "async_dist", "scheduler",
]); // biome-ignore format: a list

/**
 * Serves SPAWN_REQUEST: starts a process that runs an exposed function, with link and monitor set up at once. A function that
 * is not exposed ends it with `{undef, ...}`, as on the BEAM. Source: erl_dist_protocol, "SPAWN_REQUEST".
 */
export class Spawner {
  readonly #runtime: Runtime;
  readonly #exposed: Exposed;
  readonly #own = new Map<string, Spawnable>();

  constructor(runtime: Runtime, exposed: Exposed) {
    this.#runtime = runtime;
    this.#exposed = exposed;
    runtime.spawnRequested = (signal, origin) => this.request(signal, origin);
  }

  /** Adds a function of the node's own, by `module:name/arity`. */
  add(key: string, run: Spawnable): void {
    this.#own.set(key, run);
  }

  /** Answers a request of a peer. The answer leaves before anything else that concerns the new process. */
  request(signal: SpawnRequestSignal, { peer, bytes }: Origin): void {
    const { ref, from } = signal;
    const wanted = readOptions(signal.options);
    if (wanted === undefined) {
      if (peer !== undefined) this.#runtime.refused++;
      return void this.#runtime.route(from.node, { op: "spawnReply", ref, to: from, flags: 0, result: BADOPT }, false);
    }
    const spawned = new Spawned(signal);
    const core = this.#runtime.spawn(() => spawned, { groupLeader: signal.groupLeader });
    const flags = (wanted.link ? SPAWN_LINKED : 0) | (wanted.monitor ? SPAWN_MONITORED : 0);
    void this.#runtime.route(from.node, { op: "spawnReply", ref, to: from, flags, result: core.pid }, false);
    if (wanted.link) this.#runtime.tiedBy(from.node, core, core.links.onLink(from));
    if (wanted.monitor) this.#runtime.accept({ op: "monitor", from, to: core.pid, ref });
    if (peer !== undefined) spawned.waiting = this.#runtime.peerQueues.add(signal, peer, bytes);
    core.occupy(async () => {
      const caller = new CallerWithConsole(this.#runtime, from.node, signal.groupLeader, core);
      try {
        await this.#run(signal, core, caller);
      } finally {
        caller.close();
      }
    });
  }

  async #run(signal: SpawnRequestSignal, core: ProcessCore, caller: Caller): Promise<void> {
    const { module, function: name, arity, args } = signal;
    if (!isList(args) || args.length !== arity) return core.exit(tuple(BADARG, []));
    const own = this.#own.get(`${module}:${name}/${arity}`);
    if (own !== undefined) return core.exit(await own(args, caller));
    const outcome = await this.#exposed.call(caller, atomTerm(module), atomTerm(name), args);
    switch (outcome.kind) {
      case "return":
        return core.exit(NORMAL);
      case "throw":
        return core.fail(outcome.value);
      case "exit":
        return core.exit(outcome.reason);
      case "error":
        return core.exit(tuple(outcome.reason as object, outcome.stack));
    }
  }
}

/** A spawned process has no behaviour of its own: what is sent to it is dropped. */
class Spawned implements Behaviour {
  readonly label: string;
  readonly initialCall: InitialCall;
  /** Its arguments count against its peer as long as it runs. */
  waiting: QueuedMessage | undefined;

  constructor({ module, function: name, arity }: SpawnRequestSignal) {
    this.label = `spawned ${module}:${name}/${arity}`;
    this.initialCall = [module, name, arity];
  }

  receive(): void {}

  ended(): void {
    this.waiting?.release();
  }
}

/** The options of a request, undefined when one is unknown. */
function readOptions(options: readonly Term[]): { link: boolean; monitor: boolean } | undefined {
  const wanted = { link: false, monitor: false };
  for (const option of options) {
    if (option instanceof Atom && option.tag === "link") wanted.link = true;
    else if (option instanceof Atom && option.tag === "monitor") wanted.monitor = true;
    else if (!(isTuple(option) && option.length === 2 && WITHOUT_MEANING.has(option.tag ?? ""))) return undefined;
  }
  return wanted;
}
