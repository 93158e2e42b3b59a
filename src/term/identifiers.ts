/** What `nodejs.util.inspect` prints for the value classes: their {@link Object.toString}. */
const inspectSymbol = Symbol.for("nodejs.util.inspect.custom");

/**
 * A process identifier. Two are the same process when all four fields are equal: compare with `equals` or by `key`.
 * Sources of the fields' limits: erl_ext_dist, NEW_PID_EXT.
 */
export class Pid {
  readonly node: string;
  readonly id: number;
  readonly serial: number;
  readonly creation: number;
  #key: string | undefined;

  constructor(node: string, id: number, serial: number, creation: number) {
    this.node = node;
    this.id = id;
    this.serial = serial;
    this.creation = creation;
  }

  /** Equal for equal pids, different for different ones: for use as a key of a Map. */
  get key(): string {
    this.#key ??= `${this.id}.${this.serial}.${this.creation}@${this.node}`;
    return this.#key;
  }

  toString(): string {
    return `#PID<${this.node}.${this.id}.${this.serial}>`;
  }

  [inspectSymbol](): string {
    return this.toString();
  }
}

/** A reference: of a call, a monitor, an alias or made for its own sake. `words` are opaque, 1 to 5 of 32 bits. */
export class Ref {
  readonly node: string;
  readonly creation: number;
  readonly words: readonly number[];
  #key: string | undefined;

  constructor(node: string, creation: number, words: readonly number[]) {
    this.node = node;
    this.creation = creation;
    this.words = words;
  }

  /**
   * Equal for equal references. Trailing zero words do not count, as on the BEAM: three words and the same three
   * followed by two zeros are one reference.
   */
  get key(): string {
    if (this.#key === undefined) {
      let length = this.words.length;
      while (length > 0 && this.words[length - 1] === 0) length--;
      this.#key = `${this.words.slice(0, length).join(".")}.${this.creation}@${this.node}`;
    }
    return this.#key;
  }

  toString(): string {
    return `#Reference<${this.node}.${[...this.words].reverse().join(".")}>`;
  }

  [inspectSymbol](): string {
    return this.toString();
  }
}

/** A port of the BEAM. `id` has up to 64 bits. */
export class Port {
  readonly node: string;
  readonly id: bigint;
  readonly creation: number;

  constructor(node: string, id: bigint, creation: number) {
    this.node = node;
    this.id = id;
    this.creation = creation;
  }

  /** Equal for equal ports. */
  get key(): string {
    return `${this.id}.${this.creation}@${this.node}`;
  }

  toString(): string {
    return `#Port<${this.node}.${this.id}>`;
  }

  [inspectSymbol](): string {
    return this.toString();
  }
}
