import { type Pid, termKey } from "../../term/index.ts";

/** A process under a key, with a value. */
export interface RegistryEntry<K = unknown, V = unknown> {
  readonly key: K;
  readonly pid: Pid;
  readonly value: V;
}

/** The entries of a registry, by key and by process. Those of a key stand in the order in which they came. */
export class RegistryTable {
  readonly #byKey = new Map<unknown, RegistryEntry[]>();
  readonly #byPid = new Map<string, RegistryEntry[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  at(key: unknown): readonly RegistryEntry[] {
    return this.#byKey.get(termKey(key)) ?? [];
  }

  of(pid: Pid): readonly RegistryEntry[] {
    return this.#byPid.get(pid.key) ?? [];
  }

  *entries(): IterableIterator<RegistryEntry> {
    for (const entries of this.#byKey.values()) yield* entries;
  }

  add(entry: RegistryEntry): void {
    put(this.#byKey, termKey(entry.key), entry);
    put(this.#byPid, entry.pid.key, entry);
    this.#size++;
  }

  /** In the place of an entry of the same key and process. */
  replace(old: RegistryEntry, entry: RegistryEntry): void {
    swap(this.#byKey.get(termKey(old.key)), old, entry);
    swap(this.#byPid.get(old.pid.key), old, entry);
  }

  remove(entry: RegistryEntry): void {
    take(this.#byKey, termKey(entry.key), entry);
    take(this.#byPid, entry.pid.key, entry);
    this.#size--;
  }
}

function put<I>(index: Map<I, RegistryEntry[]>, at: I, entry: RegistryEntry): void {
  const entries = index.get(at);
  if (entries === undefined) index.set(at, [entry]);
  else entries.push(entry);
}

function swap(entries: RegistryEntry[] | undefined, old: RegistryEntry, entry: RegistryEntry): void {
  const at = entries?.indexOf(old) ?? -1;
  if (at !== -1) entries![at] = entry;
}

function take<I>(index: Map<I, RegistryEntry[]>, at: I, entry: RegistryEntry): void {
  const left = index.get(at)?.filter((other) => other !== entry) ?? [];
  if (left.length > 0) index.set(at, left);
  else index.delete(at);
}
