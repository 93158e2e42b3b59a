import { DistVersion, type NodeEntry } from "./wire.ts";

/** A registered name. */
export interface LiveName {
  readonly entry: NodeEntry;
  /** The connection whose end is the name's end. */
  readonly connection: number;
}

interface Counted extends LiveName {
  readonly counter: number;
}

/** Names that are remembered after their release, so that their creations go on. The stock daemon's number. */
const MAX_REMEMBERED = 1_000;

/** Creations 0 to 3 are what old nodes have. */
const FIRST_CREATION = 4;
const LAST_CREATION = 0xffff_ffff;

/**
 * The names of an epmd.
 *
 * A name that was not seen before starts its creations at the time in seconds, so that they differ from those
 * before a restart of the epmd; each registration of the same name after that counts one up.
 */
export class NameTable {
  readonly #wallTime: () => number;
  readonly #live = new Map<string, Counted>();
  /** In the order of their release. */
  readonly #released = new Map<string, Counted>();
  #version = 0;

  /** `wallTime` gives milliseconds since 1970. */
  constructor(wallTime: () => number) {
    this.#wallTime = wallTime;
  }

  /** Changes with every registration and release. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#live.size;
  }

  /** Registers a name for a connection. Gives its creation, or undefined when a live node has the name. */
  register(entry: NodeEntry, connection: number): number | undefined {
    if (this.#live.has(entry.name)) return undefined;
    const before = this.#released.get(entry.name);
    this.#released.delete(entry.name);
    const counter = before === undefined ? this.#firstCounter() : nextCounter(before.counter);
    this.#live.set(entry.name, { entry, connection, counter });
    this.#version++;
    return entry.highest >= DistVersion.Current ? counter : (counter % 3) + 1;
  }

  /**
   * Ends a registration; the name is remembered. Gives the connection that held it.
   *
   * With `connection`, only that one's: the name may have been taken away from it and registered by another since.
   */
  release(name: string, connection?: number): number | undefined {
    const live = this.#live.get(name);
    if (live === undefined || (connection !== undefined && connection !== live.connection)) return undefined;
    this.#live.delete(name);
    this.#released.set(name, live);
    this.#version++;
    if (this.#released.size > MAX_REMEMBERED) this.#released.delete(this.#released.keys().next().value!);
    return live.connection;
  }

  find(name: string): NodeEntry | undefined {
    return this.#live.get(name)?.entry;
  }

  /** Live names, the newest first. */
  live(): LiveName[] {
    return [...this.#live.values()].reverse();
  }

  /** Remembered names, the first released first. */
  released(): LiveName[] {
    return [...this.#released.values()];
  }

  #firstCounter(): number {
    return Math.max(Math.floor(this.#wallTime() / 1_000) >>> 0, FIRST_CREATION);
  }
}

function nextCounter(counter: number): number {
  return counter >= LAST_CREATION ? FIRST_CREATION : counter + 1;
}
