import { ArgumentError } from "../../base/index.ts";
import { Exit, type NameRegistry, type ProcessCore } from "../../runtime/index.ts";
import type { Pid, Term } from "../../term/index.ts";
import { RegistryProcess } from "./registry-process.ts";
import type { RegistryEntry } from "./registry-table.ts";

/** A process that is registered under a key. */
export interface Registered<V> {
  readonly pid: Pid;
  readonly value: V;
}

/**
 * A registry as seen by the process that uses it, `K` its keys and `V` the values. All of it is done at once, without messages.
 * Keys are compared as terms; keys and values are copied, as messages are.
 *
 * @throws ArgumentError `BADARG` from everything when there is no such registry on this node.
 */
export class RegistryClient<K = Term, V = Term> {
  readonly #core: ProcessCore;
  readonly #name: string;

  /** @internal */
  constructor(core: ProcessCore, name: string) {
    this.#core = core;
    this.#name = name;
  }

  /** Registers this process under a key. @throws Exit `{already_registered, Pid}` when the keys are unique and it is taken. */
  register(key: K, value: V): void {
    if (!this.#core.alive) return;
    this.#registry().register(this.#core.pid, key, value);
  }

  /** Takes the entries of this process under a key away. */
  unregister(key: K): void {
    this.unregisterMatch(key, () => true);
  }

  /** Takes those away whose value fits. */
  unregisterMatch(key: K, fits: (value: V) => boolean): void {
    const registry = this.#registry();
    const own = registry.table.at(key).filter(({ pid }) => pid.key === this.#core.pid.key);
    for (const entry of own) if (fits(this.#copy(entry).value)) registry.unregister(entry);
  }

  /** Who is registered under a key, in the order of their registration. */
  lookup(key: K): Registered<V>[] {
    return this.match(key, () => true);
  }

  /** Who of them has a value that fits. */
  match(key: K, fits: (value: V) => boolean): Registered<V>[] {
    const all = this.#registry().table.at(key);
    return all.map((entry) => this.#copy(entry)).flatMap(({ pid, value }) => (fits(value) ? [{ pid, value }] : []));
  }

  /** The keys of a process. One under which it is registered twice stands there twice. */
  keys(pid: Pid): K[] {
    return this.#registry()
      .table.of(pid)
      .map((entry) => this.#copy(entry).key);
  }

  /** The values of a process under a key. */
  values(key: K, pid: Pid): V[] {
    return this.lookup(key)
      .filter((entry) => entry.pid.key === pid.key)
      .map(({ value }) => value);
  }

  /** What `pick` makes of the entries, in no order; those of which it makes nothing, undefined, are left out. */
  select<R = RegistryEntry<K, V>>(
    pick: (entry: RegistryEntry<K, V>) => R | undefined = (entry) => entry as unknown as R,
  ): R[] {
    const picked: R[] = [];
    for (const entry of this.#registry().table.entries()) {
      const made = pick(this.#copy(entry));
      if (made !== undefined) picked.push(made);
    }
    return picked;
  }

  /** How many entries there are. */
  count(): number {
    return this.#registry().table.size;
  }

  /**
   * Changes the value of this process under a key.
   * @returns the new value and the old one; undefined when the key is not its own. @throws ArgumentError if keys are not unique.
   */
  updateValue(key: K, change: (value: V) => V): readonly [value: V, old: V] | undefined {
    const { table } = this.#uniqueOnly("updateValue");
    const [entry] = table.at(key);
    if (entry?.pid.key !== this.#core.pid.key) return undefined;
    const old = this.#copy(entry).value;
    const changed = { ...entry, value: this.#core.runtime.copies.local(change(this.#copy(entry).value)) };
    table.replace(entry, changed);
    return [this.#copy(changed).value, old];
  }

  /** Hands the entries of a key to `run`, in this process, unless there are none. */
  dispatch(key: K, run: (entries: Registered<V>[]) => void): void {
    const entries = this.lookup(key);
    if (entries.length > 0) run(entries);
  }

  /** What the registry knows under a key of its own; undefined when nothing was put there. */
  meta<T = unknown>(key: Term): T | undefined {
    return this.#registry().meta(key) as T | undefined;
  }

  putMeta(key: Term, value: unknown): void {
    this.#registry().putMeta(key, value);
  }

  deleteMeta(key: Term): void {
    this.#registry().putMeta(key, undefined);
  }

  /**
   * A key as the name of a process: to start one under, with this value, and to send to. Same as `{:via, Registry, {name, key}}`.
   * @throws ArgumentError when it is used and keys are not unique.
   */
  via(key: K, value?: V): { readonly via: NameRegistry; readonly name: K } {
    const registry = () => this.#uniqueOnly("via");
    return {
      name: key,
      via: {
        whereis: (name) => registry().table.at(name)[0]?.pid,
        register(name, pid) {
          try {
            registry().register(pid, name, value ?? null);
            return true;
          } catch (error) {
            if (error instanceof Exit) return false;
            throw error;
          }
        },
        unregister(name) {
          for (const entry of registry().table.at(name)) registry().unregister(entry);
        },
      },
    };
  }

  #registry(): RegistryProcess {
    const process = this.#core.runtime.names.find(this.#name)?.behaviour;
    if (process instanceof RegistryProcess) return process;
    throw new ArgumentError("registry", `there is no registry ${this.#name}`);
  }

  #uniqueOnly(what: string): RegistryProcess {
    const registry = this.#registry();
    if (!registry.unique)
      throw new ArgumentError("registry", `${what} is for unique keys, which ${this.#name} has not`);
    return registry;
  }

  #copy(entry: RegistryEntry): RegistryEntry<K, V> {
    const { runtime } = this.#core;
    return { key: runtime.copies.fixed(entry.key) as K, pid: entry.pid, value: runtime.copies.local(entry.value) as V };
  }
}
