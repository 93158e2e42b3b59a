import { Export, Pid, Port, Ref } from "../term/index.ts";
import type { AtomReader } from "./atom-reader.ts";
import { wrongField } from "./errors.ts";
import { readInteger } from "./read-number.ts";
import type { Reader } from "./reader.ts";
import { MAX_EXPORT_ARITY, MAX_REFERENCE_WORDS, Tag } from "./tags.ts";

// Each reads what follows the tag, which stands at `at`.

export function readPid(reader: Reader, atoms: AtomReader, tag: number, at: number): Pid {
  const node = atoms.next(reader).text;
  const id = reader.u32();
  const serial = reader.u32();
  return new Pid(node, id, serial, tag === Tag.NewPid ? reader.u32() : shortCreation(reader, tag, at));
}

export function readPort(reader: Reader, atoms: AtomReader, tag: number, at: number): Port {
  const node = atoms.next(reader).text;
  const id = tag === Tag.V4Port ? reader.u64() : BigInt(reader.u32());
  return new Port(node, id, tag === Tag.Port ? shortCreation(reader, tag, at) : reader.u32());
}

export function readRef(reader: Reader, atoms: AtomReader, tag: number, at: number): Ref {
  // The oldest form has one word, which stands before the creation.
  const length = tag === Tag.Reference ? 1 : reader.u16();
  if (length > MAX_REFERENCE_WORDS) throw wrongField(`a reference of ${length} words`, at, tag);
  const node = atoms.next(reader).text;
  const words: number[] = [];
  if (tag === Tag.Reference) words.push(reader.u32());
  const creation = tag === Tag.NewerReference ? reader.u32() : shortCreation(reader, tag, at);
  while (words.length < length) words.push(reader.u32());
  // The old forms have references whose first word has 18 bits.
  if (tag !== Tag.NewerReference && words[0]! >= 0x4_0000) {
    throw wrongField(`a reference with the first word ${words[0]}`, at, tag);
  }
  return new Ref(node, creation, words);
}

export function readExport(reader: Reader, atoms: AtomReader, maxBigBytes: number, at: number): Export {
  const module = atoms.next(reader).text;
  const name = atoms.next(reader).text;
  const arity = readInteger(reader, maxBigBytes);
  if (arity < 0 || arity > MAX_EXPORT_ARITY) {
    throw wrongField(`a function of arity ${arity}`, at, Tag.Export);
  }
  return new Export(module, name, Number(arity));
}

/** The one-byte creation of the old forms, of which two bits count. */
function shortCreation(reader: Reader, tag: number, at: number): number {
  const creation = reader.u8();
  if (creation > 3) throw wrongField(`a creation of ${creation} in an old form`, at, tag);
  return creation;
}
