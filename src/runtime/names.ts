import { ArgumentError } from "../base/index.ts";
import type { ProcessCore } from "./process-core.ts";

/** The names that processes of this node are registered under. A name goes with its process. */
export class Names {
  readonly #names = new Map<string, ProcessCore>();

  /** @throws ArgumentError `BADARG` when the name is taken or not allowed, or the process has one or has ended. */
  register(name: string, core: ProcessCore): void {
    if (name === "undefined" || name === "") throw new ArgumentError("name", `${name || "''"} is not a name`);
    if (this.#names.has(name)) throw new ArgumentError("name", `${name} is registered already`);
    if (core.name !== undefined) throw new ArgumentError("name", `the process is registered as ${core.name}`);
    if (!core.alive) throw new ArgumentError("name", `the process to be called ${name} has ended`);
    this.#names.set(name, core);
    core.name = name;
  }

  /** @throws ArgumentError `BADARG` when there is no such name. */
  unregister(name: string): void {
    const core = this.#names.get(name);
    if (core === undefined) throw new ArgumentError("name", `${name} is not registered`);
    this.release(core);
  }

  /** Takes a process's name away, if it has one. */
  release(core: ProcessCore): void {
    if (core.name === undefined) return;
    this.#names.delete(core.name);
    core.name = undefined;
  }

  find(name: string): ProcessCore | undefined {
    return this.#names.get(name);
  }

  /** All registered names. */
  list(): string[] {
    return [...this.#names.keys()];
  }
}
