import { Atom, atomTerm, atomText } from "./atom.ts";
import { Export, Fun } from "./funs.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import { objectFields } from "./objects.ts";
import type { Structs } from "./structs.ts";
import { isTuple } from "./tuple.ts";
import { utf8Text } from "./utf8.ts";
import { BitString, Float, ImproperList, NativeRecord } from "./values.ts";

/**
 * Starts the keys of everything that a JavaScript Map cannot find by value. No term is a string with a lone
 * surrogate, so no term's own text starts like that.
 */
const STRUCTURAL = "\udc00";

/**
 * A value that is the same, as a key of a JavaScript Map, for exactly the terms that are the same key of an Erlang map
 * (`=:=` of OTP 27 and later): `1` and `1n` are, `1` and `float(1)` are not, `0.0` and `-0.0` are not; tuples, lists,
 * maps, bytes and identifiers by what they hold. A text, an integer and an atom are their own keys.
 *
 * A value that is no term (a Date, an instance of a class that is not in `structs`) is told apart by identity.
 */
export function termKey(term: unknown, structs?: Structs): unknown {
  if (typeof term === "number") return numberKey(term);
  if (typeof term === "bigint") return Number.isSafeInteger(Number(term)) ? Number(term) : term;
  if (term === undefined) return null;
  return typeof term === "object" && term !== null && !(term instanceof Atom) ? objectKey(term, structs) : term;
}

function numberKey(value: number): number | bigint | string {
  if (Object.is(value, -0)) return STRUCTURAL + floatText(value);
  return Number.isSafeInteger(value) || !Number.isInteger(value) ? value : BigInt(value);
}

function objectKey(term: object, structs: Structs | undefined): unknown {
  if (term instanceof Float) {
    return Number.isInteger(term.value) ? STRUCTURAL + floatText(term.value) : term.value;
  }
  if (term instanceof Uint8Array) return utf8Text(term) ?? STRUCTURAL + bytesText(term);
  const text = textOf(term, structs);
  // What holds something that is no term equals only itself.
  return text === undefined ? term : STRUCTURAL + text;
}

/** A map or sequence whose parts are being written. Without native recursion: keys come from peers, however deep. */
interface Frame {
  text: string;
  readonly parts: readonly unknown[];
  next: number;
  /** Of a map: texts of key, value, key, value, to be sorted by key. */
  readonly pairs: string[] | undefined;
}

/**
 * Self-delimiting text of a term, the same for the same terms; `undefined` when something in it is no term.
 * Strings are only appended to, so V8 keeps them as ropes.
 */
function textOf(root: unknown, structs: Structs | undefined): string | undefined {
  const stack: Frame[] = [];
  let pending: unknown = root;
  for (;;) {
    const opened = open(pending, structs);
    if (opened === undefined) return undefined;
    let text: string | undefined;
    if (typeof opened === "string") text = opened;
    else stack.push(opened);

    for (;;) {
      const frame = stack.at(-1);
      if (frame === undefined) return text!;
      if (text !== undefined) {
        if (frame.pairs === undefined) frame.text += text;
        else frame.pairs.push(text);
        text = undefined;
      }
      if (frame.next < frame.parts.length) {
        pending = frame.parts[frame.next++];
        break;
      }
      stack.pop();
      text = frame.pairs === undefined ? frame.text : frame.text + sortedPairs(frame.pairs);
    }
  }
}

function sortedPairs(texts: readonly string[]): string {
  if (texts.length === 2) return texts[0]! + texts[1]!;
  const pairs: [string, string][] = [];
  for (let i = 0; i < texts.length; i += 2) pairs.push([texts[i]!, texts[i + 1]!]);
  pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.map(([key, value]) => key + value).join("");
}

/** The whole text of a term without parts, or the frame that collects those of its parts. */
function open(term: unknown, structs: Structs | undefined): string | Frame | undefined {
  const atom = atomText(term ?? null);
  if (atom !== undefined) return sized("a", atom);
  if (typeof term === "string") return sized("s", term);
  if (typeof term === "bigint") return `i${term},`;
  if (typeof term === "number") {
    return Number.isInteger(term) && !Object.is(term, -0) ? `i${BigInt(term)},` : floatText(term);
  }
  return typeof term === "object" ? openObject(term as object, structs) : undefined;
}

function openObject(term: object, structs: Structs | undefined): string | Frame | undefined {
  if (Array.isArray(term)) return sequence(isTuple(term) ? "t" : "l", term);
  if (term instanceof Pid) return sized("p", term.key);
  if (term instanceof Ref) return sized("r", term.key);
  if (term instanceof Port) return sized("o", term.key);
  if (term instanceof Map) return mapFrame([...term].flat(1));
  if (term instanceof Float) return floatText(term.value);
  if (term instanceof Uint8Array) {
    const text = utf8Text(term);
    return text === undefined ? bytesText(term) : sized("s", text);
  }
  if (term instanceof BitString) return sequence("B", [term.bitsInLastByte, term.bytes]);
  if (term instanceof ImproperList) return sequence("j", [...term.items, term.tail]);
  if (term instanceof Export) return sequence("x", [term.module, term.function, term.arity]);
  if (term instanceof Fun) {
    return sequence("f", [term.module, term.index, term.uniq, term.oldUniq, ...term.freeVariables]);
  }
  if (term instanceof NativeRecord) {
    return sequence("n", [term.module, term.name, term.exported, ...term.fields.flat()]);
  }
  const fields = objectFields(term, structs);
  if (fields === undefined) return undefined;
  const parts = fields.keys.flatMap((key) => [atomTerm(key), (term as Record<string, unknown>)[key]]);
  if (fields.module !== undefined) parts.push(atomTerm("__struct__"), atomTerm(fields.module));
  return mapFrame(parts);
}

const sequence = (head: string, parts: readonly unknown[], pairs?: string[]): Frame => ({
  text: `${head}${parts.length}:`,
  parts,
  next: 0,
  pairs,
});

const mapFrame = (keysAndValues: readonly unknown[]) => sequence("m", keysAndValues, []);

const sized = (head: string, text: string) => `${head}${text.length}:${text}`;

const floatText = (value: number) => `d${Object.is(value, -0) ? "-0" : value},`;

function bytesText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return sized("b", text);
}
