import { Atom, atomText, isAtom } from "./atom.ts";
import { elixirFloat } from "./float-text.ts";
import { Export, Fun } from "./funs.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import type { InspectSettings, Piece, Printed } from "./inspect.ts";
import { container, cut, type Entry, foreign, plainItem, sortedEntries } from "./inspect-parts.ts";
import { isMapTerm } from "./objects.ts";
import {
  elixirAlias,
  elixirAtom,
  elixirFunction,
  elixirKey,
  escapeElixir,
  isElixirCharlist,
  isElixirPrintable,
} from "./quoting.ts";
import { isTuple } from "./tuple.ts";
import { utf8Bytes, utf8Text } from "./utf8.ts";
import { BitString, Float, ImproperList, NativeRecord } from "./values.ts";

/** A term as Elixir's `inspect/2` prints it. */
export function elixirPieces(term: unknown, limit: number, settings: InspectSettings): Printed {
  switch (typeof term) {
    case "string":
      return isElixirPrintable(term) ? textPieces(term, settings) : bytesPieces(utf8Bytes(term), limit);
    case "number":
      return elixirNumber(term);
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

function elixirNumber(value: number): string {
  if (!Number.isFinite(value)) return foreign(value);
  return Number.isInteger(value) && !Object.is(value, -0) ? String(BigInt(value)) : elixirFloat(value);
}

function objectPieces(term: object, limit: number, settings: InspectSettings): Printed {
  if (term instanceof Atom) return elixirAtom(term.tag);
  if (isTuple(term)) return container("{", "}", term, limit, plainItem, ", ");
  if (Array.isArray(term)) return listPieces(term, limit, settings);
  if (term instanceof Uint8Array) {
    const text = utf8Text(term);
    return text !== undefined && isElixirPrintable(text) ? textPieces(text, settings) : bytesPieces(term, limit);
  }
  if (term instanceof Float) return elixirFloat(term.value);
  if (term instanceof Pid || term instanceof Ref || term instanceof Port) return term.toString();
  if (term instanceof BitString) return bytesPieces(term.bytes, limit, term.bitsInLastByte);
  if (term instanceof ImproperList) return improperPieces(term, limit);
  if (term instanceof Export) return `&${elixirAtom(term.module)}.${elixirFunction(term.function)}/${term.arity}`;
  if (term instanceof Fun) return `#Function<${term.index}.${term.oldUniq} in ${elixirAtom(term.module)}>`;
  if (term instanceof NativeRecord) return recordPieces(term, limit);
  if (isMapTerm(term, settings.structs)) {
    return mapPieces(term, limit, settings);
  }
  return foreign(term);
}

function textPieces(text: string, settings: InspectSettings): string {
  const shown = cut(text, settings.printableLimit);
  return `"${escapeElixir(shown.text)}"${shown.isCut ? " <> ..." : ""}`;
}

function bytesPieces(bytes: Uint8Array, limit: number, bitsInLastByte = 8): string {
  const shown = Array.from(bytes.length > limit ? bytes.subarray(0, limit) : bytes, String);
  if (bytes.length > limit) shown.push("...");
  else if (bitsInLastByte < 8) {
    shown[bytes.length - 1] = `${bytes[bytes.length - 1]! >> (8 - bitsInLastByte)}::size(${bitsInLastByte})`;
  }
  return `<<${shown.join(", ")}>>`;
}

function listPieces(items: readonly unknown[], limit: number, settings: InspectSettings): Printed {
  if (isElixirCharlist(items)) {
    const shown = items.length > settings.printableLimit ? items.slice(0, settings.printableLimit) : items;
    const text = (shown as number[]).map((code) => String.fromCharCode(code)).join("");
    return `~c"${escapeElixir(text)}"${shown === items ? "" : " ++ ..."}`;
  }
  return isKeyword(items)
    ? container("[", "]", items as readonly Entry[], limit, keywordItem, ", ")
    : container("[", "]", items, limit, plainItem, ", ");
}

function isKeyword(items: readonly unknown[]): boolean {
  return items.every((item) => isTuple(item) && item.length === 2 && isKeywordKey(item[0]));
}

/** Module names are atoms, but nobody means them as keywords. */
const isKeywordKey = (key: unknown) => isAtom(key) && !atomText(key)!.startsWith("Elixir.");

function keywordItem(pieces: Piece[], [key, value]: Entry, limit: number): void {
  pieces.push(`${elixirKey(atomText(key)!)} `, { term: value, limit });
}

function arrowItem(pieces: Piece[], [key, value]: Entry, limit: number): void {
  pieces.push({ term: key, limit }, " => ", { term: value, limit });
}

function improperPieces(list: ImproperList, limit: number): Printed {
  const pieces = container("[", "]", list.items, limit, plainItem, ", ") as Piece[];
  if (limit >= list.items.length) pieces.splice(-1, 0, " | ", { term: list.tail, limit: limit - list.items.length });
  return pieces;
}

function mapPieces(map: object, limit: number, settings: InspectSettings): Printed {
  const entries = sortedEntries(map, settings.structs);
  if (!entries.every(([key]) => isKeywordKey(key))) return container("%{", "}", entries, limit, arrowItem, ", ");
  const struct = entries.find(([key]) => atomText(key) === "__struct__");
  const alias = struct?.[1] instanceof Atom ? elixirAlias(struct[1].tag) : undefined;
  if (alias === undefined) return container("%{", "}", entries, limit, keywordItem, ", ");
  const fields = entries.filter((entry) => entry !== struct);
  return container(`%${alias}{`, "}", fields, limit, keywordItem, ", ");
}

function recordPieces(record: NativeRecord, limit: number): Printed {
  const write = (pieces: Piece[], [name, value]: Entry, left: number) => {
    pieces.push(`${elixirKey(String(name))} `, { term: value, limit: left });
  };
  return container(`#Record<${record.module}.${record.name} `, ">", record.fields, limit, write, ", ");
}
