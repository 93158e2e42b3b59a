import type { Term, TermObject } from "../term/index.ts";
import type { KeyNode } from "./key-tree.ts";
import type { KnownAtom } from "./known-atoms.ts";
import type { Reader } from "./reader.ts";
import { Tag } from "./tags.ts";

/** Shapes whose keys take more bytes get no function of their own: it would be made for longer than it is used. */
const MAX_KEY_BYTES = 1024;

/** What is compiled for maps with certain keys in a certain order. */
export interface CompiledShape {
  /** The object with these values. */
  build(values: readonly Term[]): TermObject;
  /**
   * Reads what follows the size of a map with so many keys, whose tag stands at `at`. A key that is not the one of the
   * shape ends it: the rest is left to {@link ShapeHelp.rest}.
   */
  read(reader: Reader, references: readonly KnownAtom[], depth: number, at: number): Term;
}

/** What compiled code calls. */
export interface ShapeHelp {
  term(reader: Reader, depth: number): Term;
  /** Reads on where a map has left its shape: ahead of `next`, after the first `count` of its keys and values. */
  rest(reader: Reader, depth: number, at: number, next: KeyNode, count: number, values: Term[]): Term;
}

/**
 * Compiles what reads maps with the keys of a path; `undefined` where the host does not compile. Keys are compared with the
 * bytes or the reference that they have to be, integers are read in place, and the object is made with all its fields at
 * once, so that V8 knows its layout in advance. What goes into the source is the texts of the keys as string literals
 * (`__proto__` as a computed one, which is an ordinary key), and their bytes as numbers.
 *
 * Only values are compared with the end of the reader's range: one follows each key, and none can lie behind the end.
 */
export function compileShape(path: readonly KeyNode[], help: ShapeHelp): CompiledShape | undefined {
  const keys = path.map(({ atom }) => atom!);
  const bytes = keys.reduce((sum, { encoded }) => sum + encoded.length, 0);
  if (bytes > MAX_KEY_BYTES) return undefined;
  const names = keys.map(({ text }) => (text === "__proto__" ? '["__proto__"]' : JSON.stringify(text)));
  const object = (value: (i: number) => string) => `{${names.map((name, i) => `${name}:${value(i)}`)}}`;
  const values = keys.map((_, i) => `v${i}`);
  const fields = keys.map(({ encoded }, i) => {
    const same = Array.from(encoded, (byte, j) => `b[o+${j}]===${byte}`).join("&&");
    return `
if(b[o]===${Tag.AtomCacheRef}&&f[b[o+1]]===k[${i}])o+=2;else if(${same})o+=${encoded.length};else{c=${i};break m}
if(b[o]===${Tag.Integer}&&o+5<=e){v${i}=b[o+1]<<24|b[o+2]<<16|b[o+3]<<8|b[o+4];o+=5}
else if(b[o]===${Tag.SmallInteger}&&o+2<=e){v${i}=b[o+1];o+=2}
else{r.offset=o;v${i}=h.term(r,d+1);o=r.offset}`;
  });
  const source = `return{build:v=>(${object((i) => `v[${i}]`)}),read(r,f,d,a){
let ${["b=r.bytes,e=r.end,o=r.offset,c=0", ...values]};
m:{${fields.join("")}
r.offset=o;return${object((i) => `v${i}`)}}
r.offset=o;return h.rest(r,d,a,n[c],c,[${values}])}}`;
  try {
    return new Function("n", "k", "h", source)(path, keys, help) as CompiledShape;
  } catch {
    return undefined;
  }
}
