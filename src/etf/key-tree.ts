import type { Term, TermObject } from "../term/index.ts";
import type { KnownAtom } from "./known-atoms.ts";
import { plainObject } from "./map-value.ts";

/** Maps with more keys are not remembered. */
export const MAX_SHAPE_KEYS = 64;
/** Key sequences that are remembered, counted in keys; the tree starts over when they are more. */
const MAX_NODES = 4096;
/** A shape gets a function of its own when it was met this often: making one costs as much as building many objects. */
const COMPILE_AFTER = 16;

/**
 * The key sequences of the maps that a decoder has read, as a tree. Maps of one kind come with the same keys in the
 * same order, so that the bytes of the next key are known before they are read, duplicates are found once per
 * sequence, and the object is built by a function made for its keys.
 */
export class KeyTree {
  root = new KeyNode(undefined, undefined);
  #nodes = 0;
  /** False once the host has refused to compile, as browsers with a content security policy do. */
  #compiles = true;

  /** The node for `atom` after `node`; `undefined` when the sequence has that key already. */
  after(node: KeyNode, atom: KnownAtom): KeyNode | undefined {
    const known = node.child(atom.text);
    if (known !== undefined) return known;
    if (node.has(atom.text)) return undefined;
    if (++this.#nodes > MAX_NODES) {
      this.root = new KeyNode(undefined, undefined);
      this.#nodes = 0;
    }
    return node.add(atom);
  }

  /** The object with the keys of the sequence that ends at `node`, and these values. */
  build(node: KeyNode, values: readonly Term[]): TermObject {
    if (node.build !== undefined) return node.build(values);
    if (this.#compiles && ++node.uses > COMPILE_AFTER) {
      node.build = compile(node.keys);
      this.#compiles = node.build !== undefined;
    }
    return plainObject(node.keys, values);
  }
}

/** The end of a key sequence, which is the path to it. */
export class KeyNode {
  readonly atom: KnownAtom | undefined;
  readonly parent: KeyNode | undefined;
  /** The one that was taken last. */
  likely: KeyNode | undefined;
  uses = 0;
  build: ((values: readonly Term[]) => TermObject) | undefined;
  #children: Map<string, KeyNode> | undefined;
  #keys: readonly string[] | undefined;

  constructor(atom: KnownAtom | undefined, parent: KeyNode | undefined) {
    this.atom = atom;
    this.parent = parent;
  }

  get keys(): readonly string[] {
    this.#keys ??= this.atoms().map(({ text }) => text);
    return this.#keys;
  }

  get isStruct(): boolean {
    return this.has("__struct__");
  }

  atoms(): KnownAtom[] {
    const atoms: KnownAtom[] = [];
    for (let node: KeyNode = this; node.parent !== undefined; node = node.parent) atoms.push(node.atom!);
    return atoms.reverse();
  }

  has(text: string): boolean {
    for (let node: KeyNode = this; node.parent !== undefined; node = node.parent) {
      if (node.atom!.text === text) return true;
    }
    return false;
  }

  child(text: string): KeyNode | undefined {
    return this.#children?.get(text);
  }

  add(atom: KnownAtom): KeyNode {
    const child = new KeyNode(atom, this);
    this.#children ??= new Map();
    this.#children.set(atom.text, child);
    return child;
  }
}

/**
 * A function with an object literal of these keys: 15 times as fast as assigning ten of them one by one, since V8
 * knows the object's layout in advance. `undefined` where the host does not compile. The keys are all that goes into
 * the source, as string literals; `__proto__` as a computed one, which is an ordinary key.
 */
function compile(keys: readonly string[]): ((values: readonly Term[]) => TermObject) | undefined {
  const fields = keys.map((key, i) => `${key === "__proto__" ? '["__proto__"]' : JSON.stringify(key)}:v[${i}]`);
  try {
    return new Function("v", `return{${fields.join()}}`) as (values: readonly Term[]) => TermObject;
  } catch {
    return undefined;
  }
}
