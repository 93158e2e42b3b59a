import { ArgumentError } from "../../base/index.ts";
import { Exit, nameText, type ProcessCore } from "../../runtime/index.ts";
import { atom, type Pid, type Ref, type Term, termKey, tuple } from "../../term/index.ts";
import type { GenServerClass } from "../server/gen-server-process.ts";
import { GenServerProcess } from "../server/gen-server-process.ts";
import type { RegistryOptions } from "./registry.ts";
import { type RegistryEntry, RegistryTable } from "./registry-table.ts";

/** Keeps the entries of a registry, and is linked to the processes in them: if it ends, so do they, as with Elixir's. */
export class RegistryProcess extends GenServerProcess {
  readonly table = new RegistryTable();
  readonly #meta = new Map<unknown, unknown>();
  /** By the key of the pid. */
  readonly #monitors = new Map<string, Ref>();
  #options: RegistryOptions = { keys: "unique" };
  #listeners: readonly string[] = [];

  constructor(core: ProcessCore, serverClass: GenServerClass) {
    super(core, serverClass);
    core.trapExit = true;
  }

  /** Whether a key has one entry at most. */
  get unique(): boolean {
    return this.#options.keys === "unique";
  }

  override init(options: RegistryOptions, started: () => void): void {
    this.#options = options;
    super.init(options, started);
  }

  protected override begin(result: unknown, started: () => void): void | Promise<void> {
    const { keys, listeners = [], meta = [] } = this.#options;
    if (keys !== "unique" && keys !== "duplicate") {
      throw new ArgumentError("keys", `must be unique or duplicate, got ${keys}`);
    }
    if (this.core.name === undefined) throw new ArgumentError("name", "a registry needs one");
    this.#listeners = listeners.map(nameText);
    for (const [key, value] of meta) this.putMeta(key, value);
    return super.begin(result, started);
  }

  /** @throws Exit `{already_registered, Pid}`; ArgumentError for a process that is not of this node, or has ended. */
  register(pid: Pid, givenKey: unknown, givenValue: unknown): void {
    // Keys are exact, as those of maps: 1 and 1.0 are two, whatever the profile.
    const key = this.core.runtime.copies.fixed(givenKey);
    const [holder] = this.unique ? this.table.at(key) : [];
    if (holder !== undefined) throw new Exit(tuple(atom("already_registered"), holder.pid));
    const { runtime } = this.core;
    if (pid.node !== runtime.identity.node || runtime.find(pid) === undefined) {
      throw new ArgumentError("pid", "must be a living process of this node");
    }
    const value = runtime.copies.local(givenValue);
    this.table.add({ key, pid, value });
    if (!this.#monitors.has(pid.key)) {
      this.#monitors.set(
        pid.key,
        this.core.monitor(pid, () => this.#ended(pid)),
      );
      this.core.link(pid);
    }
    this.#tell("register", key, pid, value);
  }

  unregister(entry: RegistryEntry): void {
    const { key, pid } = entry;
    this.table.remove(entry);
    this.#tell("unregister", key, pid);
    const monitor = this.#monitors.get(pid.key);
    if (monitor === undefined || this.table.of(pid).length > 0) return;
    this.#monitors.delete(pid.key);
    this.core.demonitor(monitor);
    this.core.unlink(pid);
  }

  meta(key: Term): unknown {
    const value = this.#meta.get(termKey(key));
    return value === undefined ? undefined : this.core.runtime.copies.local(value);
  }

  /** A value that is undefined is none. */
  putMeta(key: Term, value: unknown): void {
    if (value === undefined) this.#meta.delete(termKey(key));
    else this.#meta.set(termKey(key), this.core.runtime.copies.local(value));
  }

  protected override state(): Term {
    return { keys: atom(this.#options.keys), entries: this.table.size };
  }

  #ended(pid: Pid): void {
    this.#monitors.delete(pid.key);
    for (const entry of [...this.table.of(pid)]) {
      this.table.remove(entry);
      this.#tell("unregister", entry.key, pid);
    }
  }

  /** `{register, Registry, Key, Pid, Value}` and `{unregister, Registry, Key, Pid}` */
  #tell(what: string, ...facts: unknown[]): void {
    const { core } = this;
    const { node } = core.runtime.identity;
    for (const name of this.#listeners) {
      void core.send({ name, node }, tuple(atom(what), atom(core.name ?? ""), ...(facts as object[])), false);
    }
  }
}
