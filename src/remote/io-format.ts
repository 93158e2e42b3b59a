import { ArgumentError } from "../base/index.ts";
import { atomText, Float, inspect } from "../term/index.ts";
import { chardataText } from "./chardata.ts";

/** One control sequence, `~F.P.PadModC`. */
interface Control {
  readonly width: number | undefined;
  readonly left: boolean;
  readonly precision: number | undefined;
  readonly pad: string;
  /** Modifier `t`: texts are Unicode, not Latin-1. */
  readonly unicode: boolean;
  readonly type: string;
}

/** Longer fields than this are refused: what is to be printed comes from peers. */
const MAX_FIELD = 100_000;

/**
 * Formats as `io_lib:format/2` does, which BEAM nodes leave to whoever prints. Terms are printed on one line: `~p` breaks none,
 * as `~0p`, and the depth of `~P` and `~W` is not kept. Source: io_lib's documentation, "fwrite/1,2,3" of `io`.
 *
 * @throws ArgumentError `BADARG` for a wrong sequence, and for arguments that are too few, too many or of the wrong kind.
 */
export function ioFormat(format: string, args: readonly unknown[]): string {
  const characters = Array.from(format);
  const left = [...args];
  let text = "";
  for (let at = 0; at < characters.length; at++) {
    if (characters[at] !== "~") {
      text += characters[at];
      continue;
    }
    const sequence = readControl(characters, at + 1, () => next(left));
    text += formatOne(sequence.control, () => next(left));
    at = sequence.end;
  }
  if (left.length > 0) throw new ArgumentError("args", `${left.length} arguments too many`);
  return text;
}

function next(args: unknown[]): unknown {
  if (args.length === 0) throw new ArgumentError("args", "there are too few arguments");
  return args.shift();
}

/** Reads what follows the `~`; `end` is the place of the last character. */
function readControl(
  characters: readonly string[],
  at: number,
  argument: () => unknown,
): { control: Control; end: number } {
  const number = (): number | undefined => {
    if (characters[at] === "*") {
      at++;
      return integer(argument());
    }
    let digits = characters[at] === "-" ? characters[at++]! : "";
    while (/^\d$/.test(characters[at] ?? "")) digits += characters[at++];
    return digits === "" ? undefined : Number(digits);
  };
  const field = number();
  const hasPrecision = characters[at] === ".";
  if (hasPrecision) at++;
  const precision = hasPrecision ? number() : undefined;
  let pad = " ";
  if (hasPrecision && characters[at] === ".") {
    at++;
    pad = characters[at] === "*" ? String.fromCodePoint(integer(argument())) : (characters[at] ?? "");
    at++;
  }
  let unicode = false;
  for (; /^[tlkK]$/.test(characters[at] ?? ""); at++) {
    if (characters[at] === "t") unicode = true;
    else if (characters[at] === "K") argument(); // an order of keys, which is a function of the BEAM
  }
  const type = characters[at];
  if (type === undefined) throw new ArgumentError("format", "ends within a control sequence");
  const tooLong = Math.max(Math.abs(field ?? 0), Math.abs(precision ?? 0)) > MAX_FIELD;
  if (tooLong) throw new ArgumentError("format", `a field is longer than ${MAX_FIELD}`);
  const isLeft = field !== undefined && field < 0;
  const width = field === undefined ? undefined : Math.abs(field);
  return { control: { width, left: isLeft, precision, pad, unicode, type }, end: at };
}

function formatOne(control: Control, argument: () => unknown): string {
  const { width, precision, pad, unicode } = control;
  switch (control.type) {
    case "~":
    case "n":
      return (control.type === "n" ? "\n" : "~").repeat(width ?? 1);
    case "i":
      argument();
      return "";
    case "c":
      return characters(control, integer(argument()));
    case "s":
      return stringField(control, stringOf(argument(), unicode));
    case "w":
      return termField(control, printed(argument(), unicode, false));
    case "W":
      return termField(control, printed(withDepth(argument), unicode, false));
    case "p":
      return printed(argument(), unicode, true);
    case "P":
      return printed(withDepth(argument), unicode, true);
    case "B":
    case "b":
      return termField({ ...control, precision: undefined }, digits(argument(), precision, control.type === "B", ""));
    case "#":
    case "+": {
      const prefix = `${precision ?? 10}#`;
      const text = digits(argument(), precision, control.type === "#", prefix);
      return termField({ ...control, precision: undefined }, text);
    }
    case "X":
    case "x": {
      const value = argument();
      const prefix = stringOf(argument(), true);
      return termField({ ...control, precision: undefined }, digits(value, precision, control.type === "X", prefix));
    }
    case "f":
    case "e":
    case "g":
      return termField({ width, left: control.left, pad, precision: width }, float(control, argument()));
    default:
      throw new ArgumentError("format", `there is no control sequence ~${control.type}`);
  }
}

function withDepth(argument: () => unknown): unknown {
  const term = argument();
  integer(argument());
  return term;
}

/** A term in Erlang's syntax; without `unicode`, what Latin-1 does not have is escaped. */
function printed(term: unknown, unicode: boolean, texts: boolean): string {
  const all = Number.POSITIVE_INFINITY;
  const text = inspect(term, { syntax: "erlang", limit: all, printableLimit: all, texts });
  if (unicode) return text;
  return text.replace(/[^\0-\xff]/gu, (one) => `\\x{${one.codePointAt(0)!.toString(16).toUpperCase()}}`);
}

/** A field that is too small for its text is filled with stars. */
function termField(
  { width, left, precision, pad }: Pick<Control, "width" | "left" | "precision" | "pad">,
  text: string,
) {
  const field = width ?? precision;
  if (field === undefined) return text;
  const length = Array.from(text).length;
  const room = Math.min(length, precision ?? field, field);
  return adjust(length > room ? "*".repeat(room) : text, field - room, pad, left);
}

/** A field that is too small for its text cuts it; the precision is how much of the text is shown. */
function stringField({ width, left, precision, pad }: Control, text: string): string {
  const field = width ?? precision;
  if (field === undefined) return text;
  const toLeft = left || width === undefined;
  const letters = Array.from(text);
  const shown = precision ?? field;
  if (shown > field) throw new ArgumentError("format", "the precision is larger than the field");
  if (precision === undefined || shown === field) {
    return adjust(letters.slice(0, field).join(""), field - letters.length, pad, toLeft);
  }
  const cut = adjust(letters.slice(0, shown).join(""), shown - letters.length, pad, true);
  return adjust(cut, field - shown, pad, toLeft);
}

function characters({ width, left, precision, pad, unicode }: Control, code: number): string {
  const one = String.fromCodePoint(unicode ? code : code & 0xff);
  const times = precision ?? width ?? 1;
  return adjust(one.repeat(times), (width ?? times) - times, pad, left);
}

function adjust(text: string, missing: number, pad: string, left: boolean): string {
  const padding = pad.repeat(Math.max(0, missing));
  return left ? text + padding : padding + text;
}

/** Texts of `~s`: chardata or an atom. What is no Unicode is read as Latin-1. */
function stringOf(value: unknown, unicode: boolean): string {
  const text = atomText(value) ?? (unicode ? chardataText(value) : undefined) ?? chardataText(value, "latin1");
  if (text === undefined) throw new ArgumentError("args", `${inspect(value)} is no text`);
  return text;
}

function integer(value: unknown): number {
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw new ArgumentError("args", `${inspect(value)} is no integer`);
  }
  return value;
}

function digits(value: unknown, base = 10, upper: boolean, prefix: string): string {
  if (typeof value !== "bigint" && !Number.isInteger(value)) {
    throw new ArgumentError("args", `${inspect(value)} is no integer`);
  }
  if (!(base >= 2 && base <= 36)) throw new ArgumentError("format", `there is no base ${base}`);
  const text = BigInt(value as bigint).toString(base);
  const sign = text.startsWith("-") ? "-" : "";
  const size = text.slice(sign.length);
  return `${sign}${prefix}${upper ? size.toUpperCase() : size}`;
}

function float({ type, precision }: Control, value: unknown): string {
  const number = value instanceof Float ? value.value : typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number") throw new ArgumentError("args", `${inspect(value)} is no number`);
  const places = precision ?? 6;
  if (places < 1 || places > 100) throw new ArgumentError("format", `${places} places cannot be printed`);
  const size = Math.abs(number);
  const inWhole = size < 1 ? 0 : Math.floor(Math.log10(size)) + 1;
  const short = type === "g" && size >= 0.1 && size < 10_000 && places > inWhole;
  if (short) return number.toFixed(places - inWhole);
  if (type === "f") return number.toFixed(places);
  if (places < 2) throw new ArgumentError("format", `${places} places are too few`);
  return number.toExponential(places - 1);
}
