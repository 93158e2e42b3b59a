import type { Pid, Ref } from "../term/index.ts";
import type { Tie, TieCount } from "./peer-ties.ts";
import type { ProcessCore } from "./process-core.ts";
import { sameRef } from "./same.ts";

/** A monitor that another process holds on one of ours. */
export class Watch implements Tie {
  readonly core: ProcessCore;
  readonly watcher: Pid;
  readonly ref: Ref;
  /** What the watcher asked for: the DOWN carries it. */
  readonly target: Pid | string;
  countedBy: TieCount | undefined;
  /** The ones before and after it among those of the same process. */
  previous: Watch | undefined;
  next: Watch | undefined;

  constructor(core: ProcessCore, watcher: Pid, ref: Ref, target: Pid | string) {
    this.core = core;
    this.watcher = watcher;
    this.ref = ref;
    this.target = target;
  }
}

/**
 * The monitors on one process, the oldest first. They are chained to each other: every call makes one and takes it away, and
 * most processes have none.
 */
export class Watches implements Iterable<Watch> {
  #first: Watch | undefined;
  #last: Watch | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(watch: Watch): void {
    watch.previous = this.#last;
    if (this.#last === undefined) this.#first = watch;
    else this.#last.next = watch;
    this.#last = watch;
    this.#size++;
  }

  /** Takes away one that is there. */
  remove(watch: Watch): void {
    const { previous, next } = watch;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    this.#size--;
  }

  /** Those that are there at this moment, whatever becomes of them meanwhile. */
  [Symbol.iterator](): IterableIterator<Watch> {
    const all: Watch[] = [];
    for (let watch = this.#first; watch !== undefined; watch = watch.next) all.push(watch);
    return all.values();
  }
}

/**
 * The monitors on all processes of a node, by their references. Nearly always the number in a reference tells it from all
 * others, which spares making its key; those that share their number, as a peer could make them, are found by key.
 */
export class WatchTable {
  readonly #byNumber = new Map<number, Watch>();
  readonly #byKey = new Map<string, Watch>();

  get size(): number {
    return this.#byNumber.size + this.#byKey.size;
  }

  /** Adds one whose reference is not in the table. */
  add(watch: Watch): void {
    const number = numberOf(watch.ref);
    if (this.#byNumber.has(number)) this.#byKey.set(watch.ref.key, watch);
    else this.#byNumber.set(number, watch);
  }

  find(ref: Ref): Watch | undefined {
    const watch = this.#byNumber.get(numberOf(ref));
    if (watch !== undefined && sameRef(watch.ref, ref)) return watch;
    return this.#byKey.size === 0 ? undefined : this.#byKey.get(ref.key);
  }

  /** Takes away one that is in the table. */
  remove(watch: Watch): void {
    const number = numberOf(watch.ref);
    if (this.#byNumber.get(number) === watch) this.#byNumber.delete(number);
    else this.#byKey.delete(watch.ref.key);
  }
}

/** The words that count up: 18 bits of the first and 32 of the second. */
function numberOf({ words }: Ref): number {
  return (words[1] ?? 0) * 2 ** 18 + (words[0] ?? 0);
}
