import type { Export } from "./funs.ts";
import { Mixer, Salt } from "./phash2-mix.ts";
import { utf8Bytes } from "./utf8.ts";
import type { BitString } from "./values.ts";

/** Smaller integers, and this one negated, are mixed in in a way of their own, all others by their words. */
const SMALL_LIMIT = 2 ** 27;
const WORD = 2 ** 32;
/** Hexadecimal digits of a word. */
const WORD_DIGITS = 8;

/** The hash of `[]` where nothing was mixed in before, and the word that stands for it elsewhere. */
const NIL_ALONE = 3468870702 | 0;
const NIL_WORD = 2;

/** Bytes for texts that are short and ASCII: as many as V8 keeps in its own heap, where making them is quick. */
const SCRATCH_BYTES = 64;

/** Mixes in what has no parts. */
export class ScalarMixer extends Mixer {
  #scratch: Uint8Array | undefined;
  #floatView: DataView | undefined;

  /** An integral number, however large. */
  integer(value: number): void {
    if (value < SMALL_LIMIT && value >= -SMALL_LIMIT) {
      if (value < 0) this.words(-value, 0, Salt.Small);
      this.words(value, 0, Salt.Small);
    } else if (Number.isSafeInteger(value)) {
      const size = Math.abs(value);
      // Cut to its lowest word, as a sum with all of it would be rounded.
      this.words(size | 0, Math.floor(size / WORD), value < 0 ? Salt.NegativeBig : Salt.PositiveBig);
    } else {
      this.#digits(BigInt(value));
    }
  }

  bigint(value: bigint): void {
    const isSafe = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
    if (isSafe) this.integer(Number(value));
    else this.#digits(value);
  }

  /** Two words at a time, the lowest first. They are cut from a text, since cutting them from a bigint takes quadratic time. */
  #digits(value: bigint): void {
    const isNegative = value < 0n;
    const salt = isNegative ? Salt.NegativeBig : Salt.PositiveBig;
    const digits = (isNegative ? -value : value).toString(16);
    const wordBefore = (end: number) =>
      end > 0 ? Number.parseInt(digits.slice(Math.max(end - WORD_DIGITS, 0), end), 16) : 0;
    for (let end = digits.length; end > 0; end -= 2 * WORD_DIGITS) {
      this.words(wordBefore(end), wordBefore(end - WORD_DIGITS), salt);
    }
  }

  /** A float; both zeros are the same one here. */
  float(value: number): void {
    this.#floatView ??= new DataView(new ArrayBuffer(8));
    const view = this.#floatView;
    view.setFloat64(0, value === 0 ? 0 : value);
    this.words(view.getInt32(0), view.getInt32(4), Salt.Float);
  }

  nil(): void {
    if (this.hash === 0) this.hash = NIL_ALONE;
    else this.words(NIL_WORD, 0, Salt.Nil);
  }

  atom(text: string): void {
    const hash = atomHash(text);
    if (this.hash === 0) this.hash = hash;
    else this.words(hash, 0, Salt.Atom);
  }

  export(value: Export): void {
    this.words(value.arity, atomHash(value.module), Salt.Small);
    this.words(atomHash(value.function), 0, Salt.ExportName);
  }

  binary(bytes: Uint8Array, length: number = bytes.length): void {
    this.hash = (this.hash + Salt.Binary) | 0;
    if (length > 0) this.bytes(bytes, length);
  }

  text(text: string): void {
    const ascii = this.#shortAscii(text);
    if (ascii === undefined) this.binary(utf8Bytes(text));
    else this.binary(ascii, text.length);
  }

  /** Bytes that begin with those of the text if it is short and ASCII, for which TextEncoder takes twice as long. */
  #shortAscii(text: string): Uint8Array | undefined {
    if (text.length > SCRATCH_BYTES) return undefined;
    this.#scratch ??= new Uint8Array(SCRATCH_BYTES);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return undefined;
      this.#scratch[i] = unit;
    }
    return this.#scratch;
  }

  bits({ bytes, bitsInLastByte }: BitString): void {
    const whole = bytes.length - 1;
    this.hash = (this.hash + Salt.Binary) | 0;
    this.bytes(bytes, whole);
    this.words(bitsInLastByte, bytes[whole]! >> (8 - bitsInLastByte), Salt.BitsInLastByte);
  }
}

/**
 * The hash by P. J. Weinberger of an atom's text: of its UTF-8 bytes, but of one byte for each character up to U+00FF,
 * since all atoms were Latin-1 once.
 */
export function atomHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit <= 0xff) {
      hash = weinberger(hash, unit);
    } else {
      const character = String.fromCodePoint(text.codePointAt(i)!);
      for (const byte of utf8Bytes(character)) hash = weinberger(hash, byte);
      i += character.length - 1;
    }
  }
  return hash;
}

/** The highest four of 32 bits are folded back after each byte. */
function weinberger(hash: number, byte: number): number {
  const next = (hash << 4) + byte;
  const high = next & 0xf0000000;
  return next ^ high ^ (high >>> 24);
}
