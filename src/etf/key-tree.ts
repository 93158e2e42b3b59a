import type { Term, TermObject } from "../term/index.ts";
import { type CompiledShape, compileShape, type ShapeHelp } from "./compiled-shape.ts";
import type { KnownAtom } from "./known-atoms.ts";
import { plainObject } from "./map-value.ts";

/** Maps with more keys are not remembered. */
export const MAX_SHAPE_KEYS = 64;
/** Key sequences that are remembered, counted in keys; the tree starts over when they are more. */
const MAX_NODES = 4096;
/** A shape is compiled when it was met this often: that costs as much as reading many objects. */
const COMPILE_AFTER = 64;

/**
 * The key sequences of the maps that a decoder has read, as a tree. Maps of one kind come with the same keys in the
 * same order, so that the bytes of the next key are known before they are read, duplicates are found once per
 * sequence, and maps that come often are read by a function made for their keys.
 */
export class KeyTree {
  root = new KeyNode();
  /** By number of keys, what was compiled for the map that came last, if anything. */
  readonly likely: (CompiledShape | undefined)[] = new Array(MAX_SHAPE_KEYS + 1).fill(undefined);
  readonly #help: ShapeHelp;
  #nodes = 0;

  constructor(help: ShapeHelp) {
    this.#help = help;
  }

  /** The node for `atom` after `node`; `undefined` when the sequence has that key already. */
  after(node: KeyNode, atom: KnownAtom): KeyNode | undefined {
    const known = node.child(atom.text);
    if (known !== undefined) return known;
    if (node.has(atom.text)) return undefined;
    if (++this.#nodes > MAX_NODES) {
      this.root = new KeyNode();
      this.likely.fill(undefined);
      this.#nodes = 0;
    }
    return node.add(atom);
  }

  /** The object with the keys of the sequence that ends at `node`, and these values. */
  build(node: KeyNode, values: readonly Term[]): TermObject {
    if (++node.uses === COMPILE_AFTER) node.shape = compileShape(node.path(), this.#help);
    const { shape } = node;
    if (shape === undefined) return plainObject(node.keys, values);
    this.likely[values.length] = shape;
    return shape.build(values);
  }
}

/** The end of a key sequence, which is the path to it. */
export class KeyNode {
  readonly atom: KnownAtom | undefined;
  readonly parent: KeyNode | undefined;
  /** The one that was taken last. */
  likely: KeyNode | undefined;
  uses = 0;
  shape: CompiledShape | undefined;
  #children: Map<string, KeyNode> | undefined;
  #keys: readonly string[] | undefined;

  constructor(atom?: KnownAtom, parent?: KeyNode) {
    this.atom = atom;
    this.parent = parent;
  }

  get keys(): readonly string[] {
    this.#keys ??= this.path().map(({ atom }) => atom!.text);
    return this.#keys;
  }

  get isStruct(): boolean {
    return this.has("__struct__");
  }

  /** The nodes of the sequence's keys. */
  path(): KeyNode[] {
    const path: KeyNode[] = [];
    for (let node: KeyNode = this; node.parent !== undefined; node = node.parent) path.push(node);
    return path.reverse();
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
