import { type AtomSink, Decoder, Encoder, type KnownAtom, Reader, type SentAtom, Writer } from "../../src/etf/index.ts";
import { plainDecode, plainEncode, Refusal } from "../etf/plain-codec.ts";
import { RELEASES, vectorsOf } from "../etf/vectors.ts";
import { must } from "./fake-stream.ts";
import type { Mutator } from "./mutator.ts";
import { randomTerm } from "./random-term.ts";

/** What a term gives, or the code by which it is refused. */
type Outcome = { readonly value: unknown } | { readonly code: unknown };

function outcome(run: () => unknown): Outcome {
  try {
    return { value: run() };
  } catch (error) {
    if (error instanceof Refusal || (error as { code?: unknown }).code !== undefined) {
      return { code: (error as { code: unknown }).code };
    }
    throw error;
  }
}

/** Refers to every second atom, as the header of a packet lists them. */
class EverySecond implements AtomSink {
  readonly texts: string[] = [];

  reference({ text }: SentAtom): number {
    if (text.length % 2 === 0 || this.texts.length >= 255) return -1;
    const known = this.texts.indexOf(text);
    return known >= 0 ? known : this.texts.push(text) - 1;
  }
}

const inputs = RELEASES.flatMap(vectorsOf)
  .map(({ bytes }) => bytes.subarray(1))
  .filter(({ length }) => length < 1_024);

/** They have met all terms of the run, so atoms and shapes are recognised, forgotten and recognised again. */
const encoder = new Encoder();
const decoder = new Decoder();
const writer = new Writer(512);
const reader = new Reader(new Uint8Array());

function written(value: unknown, sink?: AtomSink): Uint8Array {
  encoder.atomSink = sink;
  encoder.write(writer, value);
  return writer.take().slice();
}

function read(bytes: Uint8Array, references: readonly KnownAtom[] = []): unknown {
  decoder.references = references;
  return decoder.read(reader.reset(bytes));
}

/** Same classes, same parts in the same order. `isDeepStrictEqual` looks for the keys of nested Maps for minutes. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return Object.is(a, b);
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array) === 0;
  const [parts, others] = [a, b].map((each) => (each instanceof Map ? [...each] : Object.entries(each)).flat());
  return parts!.length === others!.length && parts!.every((part, i) => isSame(part, others![i]));
}

function mustBeSame(what: string, bytes: Uint8Array, fast: Outcome, plain: Outcome): void {
  const shown = (each: Outcome) => ("code" in each ? String(each.code) : "a value");
  const problem = `${what}: ${shown(fast)} the fast way, ${shown(plain)} the plain way, ${Buffer.from(bytes).toString("hex")}`;
  must(isSame(fast, plain), problem);
}

/** An encoder writes the bytes of the plain way, whatever it remembers, and refuses by the same code. */
export function fuzzEncoder(mutator: Mutator): void {
  const value = randomTerm(mutator, mutator.once(2));
  const plain = outcome(() => Uint8Array.from(plainEncode(value)));
  for (let again = 0; again < 2; again++) {
    mustBeSame(
      "encoding",
      new Uint8Array(),
      outcome(() => written(value)),
      plain,
    );
  }
}

/** A decoder reads what the plain way reads, from good bytes and from spoilt ones, and refuses by the same code. */
export function fuzzDecoder(mutator: Mutator): void {
  const good = mutator.once(3) ? mutator.pick(inputs) : Uint8Array.from(plainEncode(randomTerm(mutator)));
  const bytes = mutator.once(2) ? good : mutator.mutate(good);
  const plain = outcome(() => plainDecode(bytes));
  // As often as it takes for the shapes in it to get functions of their own, now and then.
  for (let again = mutator.once(10) ? 70 : 2; again > 0; again--) {
    mustBeSame(
      "decoding",
      bytes,
      outcome(() => read(bytes)),
      plain,
    );
  }
}

/** The same for packets whose header has the atoms. */
export function fuzzReferences(mutator: Mutator): void {
  const sink = new EverySecond();
  const good = written(randomTerm(mutator), sink);
  const bytes = mutator.once(2) ? good : mutator.mutate(good);
  const references = sink.texts.map((text) => {
    const utf8 = Buffer.from(text);
    return decoder.atom(reader.reset(utf8), utf8.length);
  });
  const plain = outcome(() => plainDecode(bytes, sink.texts));
  for (let again = 0; again < 2; again++) {
    mustBeSame(
      "decoding with references",
      bytes,
      outcome(() => read(bytes, references)),
      plain,
    );
  }
}

/** Some of the same size, with the same first or last keys, or in another order. */
const SHAPES = [
  "id",
  "id sku",
  "sku id",
  "id name sku",
  "id sku name",
  "id sku __proto__",
  "größe nil true",
  "__struct__ id",
  "a b c d e f g h i j k l",
].map((keys) => keys.split(" "));
let taught: Decoder | undefined;

/** One that has met each of the shapes so often that it reads them by what was compiled for them. */
function taughtDecoder(): Decoder {
  if (taught !== undefined) return taught;
  taught = new Decoder();
  for (const keys of SHAPES) {
    const bytes = written(Object.fromEntries(keys.map((key) => [key, 1])));
    for (let times = 0; times < 100; times++) taught.read(reader.reset(bytes));
  }
  return taught;
}

/** Maps of known shapes, with a change here and there, before bytes that do not belong to them. */
export function fuzzShapes(mutator: Mutator): void {
  const room = { parts: 60 };
  const value = (): unknown => (mutator.once(4) ? object() : randomTerm(mutator, false, 3, room));
  const object = (): object => {
    room.parts -= 4;
    const keys = room.parts < 0 ? ["id"] : mutator.pick(SHAPES);
    const fields = keys.map((key) => [key, room.parts < 0 ? 7 : value()] as const);
    return Object.fromEntries(mutator.once(8) ? [...fields, ["fresh", 1] as const] : fields);
  };
  const sink = mutator.once(2) ? new EverySecond() : undefined;
  const whole = written(mutator.once(2) ? object() : Array.from({ length: 1 + mutator.below(6) }, object), sink);
  const bytes = mutator.once(3) ? whole : mutator.mutate(whole);
  const end = mutator.once(2) ? bytes.length : mutator.below(bytes.length + 1);
  const known = taughtDecoder();
  known.references = (sink?.texts ?? []).map((text) => {
    const utf8 = Buffer.from(text);
    return known.atom(reader.reset(utf8), utf8.length);
  });
  const plain = outcome(() => plainDecode(bytes.slice(0, end), sink?.texts));
  for (let again = 0; again < 2; again++) {
    mustBeSame(
      "decoding known shapes",
      bytes.subarray(0, end),
      outcome(() => known.read(reader.reset(bytes, 0, end))),
      plain,
    );
  }
}
