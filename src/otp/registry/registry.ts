import { coreOf, nameText, type Process, type ProcessCore, type ProcessName } from "../../runtime/index.ts";
import { atom, type Term, tuple } from "../../term/index.ts";
import { behaviour } from "../server/behaviour.ts";
import { GenServer } from "../server/gen-server.ts";
import type { GenServerClass } from "../server/gen-server-process.ts";
import { type Reply, reply } from "../server/results.ts";
import { RegistryClient } from "./registry-client.ts";
import { RegistryProcess } from "./registry-process.ts";

/** What a registry is started with. */
export interface RegistryOptions {
  /** `unique`: one process for each key; then keys can be names of processes. `duplicate`: any number. */
  readonly keys: "unique" | "duplicate";
  /** Names of processes that get `{register, Registry, Key, Pid, Value}` and `{unregister, Registry, Key, Pid}`. */
  readonly listeners?: readonly ProcessName[];
  /** What it knows beside its entries. */
  readonly meta?: Iterable<readonly [key: Term, value: unknown]>;
}

/**
 * A table of the processes of a node by keys of their own, each with a value. An entry goes with its process, at once; and the
 * processes that are in it end with the registry, unless they trap exits. Source of truth: Elixir's Registry.
 *
 * Started under a name, mostly by a supervisor, before those that use it: `child(Registry, { name, args: { keys: "unique" } })`.
 */
export class Registry extends GenServer {
  static override [behaviour](core: ProcessCore, serverClass: GenServerClass): RegistryProcess {
    return new RegistryProcess(core, serverClass);
  }

  /** The registry of that name, to be used by that process: what it registers there is itself. */
  static at<K = Term, V = Term>(process: Process, registry: ProcessName): RegistryClient<K, V> {
    return new RegistryClient<K, V>(coreOf(process), nameText(registry));
  }

  override init(_options: RegistryOptions): void {}

  /** No request of a peer ends it, for those that are registered would end with it. */
  override handleCall(request: Term): Reply {
    return reply(tuple(atom("error"), tuple(atom("bad_call"), request as object)));
  }

  override handleCast(): void {}

  override handleInfo(): void {}
}
