import { Atom } from "./atom.ts";
import { erlangFloat } from "./float-text.ts";
import { Export, Fun } from "./funs.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import type { InspectSettings, Piece, Printed } from "./inspect.ts";
import { container, cut, type Entry, foreign, plainItem, sortedEntries } from "./inspect-parts.ts";
import { isMapTerm } from "./objects.ts";
import { erlangAtom, escapeErlang, isErlangString } from "./quoting.ts";
import { isTuple } from "./tuple.ts";
import { utf8Bytes, utf8Text } from "./utf8.ts";
import { BitString, Float, ImproperList, NativeRecord } from "./values.ts";

/** A term as Erlang's `~tp` prints it with the default range of printable characters, Latin-1. */
export function erlangPieces(term: unknown, limit: number, settings: InspectSettings): Printed {
  switch (typeof term) {
    case "string":
      return binaryText(utf8Bytes(term), term, limit, settings);
    case "number":
      if (!Number.isFinite(term)) return foreign(term);
      return Number.isInteger(term) && !Object.is(term, -0) ? String(BigInt(term)) : erlangFloat(term);
    case "bigint":
      return String(term);
    case "boolean":
      return String(term);
    case "undefined":
      return "nil";
    case "object":
      return term === null ? "nil" : objectPieces(term, limit, settings);
    default:
      return foreign(term);
  }
}

function objectPieces(term: object, limit: number, settings: InspectSettings): Printed {
  if (term instanceof Atom) return erlangAtom(term.tag);
  if (isTuple(term)) return container("{", "}", term, limit, plainItem, ",");
  if (Array.isArray(term)) {
    return settings.texts && isErlangString(term)
      ? stringText(term, settings)
      : container("[", "]", term, limit, plainItem, ",", "|...");
  }
  if (term instanceof Uint8Array) return binaryText(term, utf8Text(term), limit, settings);
  if (term instanceof Float) return erlangFloat(term.value);
  if (term instanceof Pid) return `<${term.node}.${term.id}.${term.serial}>`;
  if (term instanceof Ref) return `#Ref<${term.node}.${[...term.words].reverse().join(".")}>`;
  if (term instanceof Port) return term.toString();
  if (term instanceof BitString) return bitsText(term.bytes, limit, term.bitsInLastByte);
  if (term instanceof ImproperList) return improperPieces(term, limit);
  if (term instanceof Export) return `fun ${erlangAtom(term.module)}:${erlangAtom(term.function)}/${term.arity}`;
  if (term instanceof Fun) return `#Fun<${term.module}.${term.index}.${term.oldUniq}>`;
  if (term instanceof NativeRecord) return recordPieces(term, limit);
  if (isMapTerm(term, settings.structs)) {
    return container("#{", "}", sortedEntries(term, settings.structs), limit, arrowItem, ",");
  }
  return foreign(term);
}

function arrowItem(pieces: Piece[], [key, value]: Entry, limit: number): void {
  pieces.push({ term: key, limit }, " => ", { term: value, limit });
}

const latin1 = (codes: ArrayLike<number>) => Array.from(codes, (code) => String.fromCharCode(code)).join("");

function stringText(codes: readonly number[], settings: InspectSettings): string {
  const shown = cut(latin1(codes), settings.printableLimit);
  return `"${escapeErlang(shown.text, '"')}"${shown.isCut ? "..." : ""}`;
}

/** As text where every character is printable, else as numbers. */
function binaryText(bytes: Uint8Array, text: string | undefined, limit: number, settings: InspectSettings): string {
  if (!settings.texts) return bitsText(bytes, limit, 8);
  const codes = text === undefined ? bytes : Array.from(text, (character) => character.codePointAt(0)!);
  if (!isErlangString(codes)) return bitsText(bytes, limit, 8);
  const shown = cut(latin1(codes), settings.printableLimit);
  const type = codes.length === bytes.length ? "" : "/utf8";
  return `<<"${escapeErlang(shown.text, '"')}"${type}${shown.isCut ? "..." : ""}>>`;
}

function bitsText(bytes: Uint8Array, limit: number, bitsInLastByte: number): string {
  const shown = Array.from(bytes.length > limit ? bytes.subarray(0, limit) : bytes, String);
  if (bytes.length > limit) shown.push("...");
  else if (bitsInLastByte < 8) {
    shown[bytes.length - 1] = `${bytes[bytes.length - 1]! >> (8 - bitsInLastByte)}:${bitsInLastByte}`;
  }
  return `<<${shown.join(",")}>>`;
}

function improperPieces(list: ImproperList, limit: number): Printed {
  const pieces = container("[", "]", list.items, limit, plainItem, ",", "|...") as Piece[];
  if (limit >= list.items.length) pieces.splice(-1, 0, "|", { term: list.tail, limit: limit - list.items.length });
  return pieces;
}

function recordPieces(record: NativeRecord, limit: number): Printed {
  const write = (pieces: Piece[], [name, value]: Entry, left: number) => {
    pieces.push(`${erlangAtom(String(name))} = `, { term: value, limit: left });
  };
  return container(`#${erlangAtom(record.module)}:${erlangAtom(record.name)}{`, "}", record.fields, limit, write, ",");
}
