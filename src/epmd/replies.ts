import {
  concat,
  DistVersion,
  encodeText,
  entryBytes,
  MAX_NAME_CHARACTERS,
  type NodeEntry,
  nameOf,
  ReplyCode,
  readEntry,
  viewOf,
} from "./wire.ts";

/** A name in an epmd's listing. */
export interface ListedName {
  readonly name: string;
  readonly port: number;
}

/** A name in an epmd's dump: live ones and, with `active: false`, those it remembers for their creations. */
export interface DumpedName extends ListedName {
  readonly active: boolean;
  /** The file descriptor, or whatever else the daemon tells the connection of that node by. */
  readonly fd: number;
}

/** Bytes came that cannot be the answer. Only the message matters: the client makes an {@link EpmdError} of it. */
export class MalformedReply extends Error {}

/**
 * Reads an answer from all the bytes there are so far.
 *
 * `ended` says that no more will come. Gives undefined while the answer may still become whole.
 * @throws MalformedReply when it can not.
 */
export type ReplyDecoder<T> = (bytes: Uint8Array, ended: boolean) => { readonly value: T } | undefined;

/** The creation of every refused registration. It means nothing. */
const REFUSED_CREATION = 99;

/** The answer to a registration; undefined as the creation refuses it. The request's version selects the form. */
export function encodeAliveReply(highest: number, creation: number | undefined): Uint8Array {
  const result = creation === undefined ? 1 : 0;
  const wide = highest >= DistVersion.Current;
  const bytes = new Uint8Array(wide ? 6 : 4);
  bytes[0] = wide ? ReplyCode.Alive2X : ReplyCode.Alive2;
  bytes[1] = result;
  if (wide) viewOf(bytes).setUint32(2, creation ?? REFUSED_CREATION);
  else viewOf(bytes).setUint16(2, creation ?? REFUSED_CREATION);
  return bytes;
}

/** Gives the creation, or `refused` for any result but zero. */
export const decodeAliveReply: ReplyDecoder<number | "refused"> = (bytes) => {
  if (bytes.length === 0) return undefined;
  const wide = bytes[0] === ReplyCode.Alive2X;
  if (!wide && bytes[0] !== ReplyCode.Alive2) throw unexpected("a registration", bytes);
  if (bytes.length < (wide ? 6 : 4)) return undefined;
  if (bytes[1] !== 0) return { value: "refused" };
  return { value: wide ? viewOf(bytes).getUint32(2) : viewOf(bytes).getUint16(2) };
};

/** The answer to a look-up; undefined says that the name is unknown. */
export function encodePortReply(entry: NodeEntry | undefined): Uint8Array {
  if (entry === undefined) return Uint8Array.of(ReplyCode.Port2, 1);
  return concat(Uint8Array.of(ReplyCode.Port2, 0), entryBytes(encodeText(entry.name), entry));
}

/** Gives the entry, or undefined when the name is unknown there. */
export const decodePortReply: ReplyDecoder<NodeEntry | undefined> = (bytes) => {
  if (bytes.length === 0) return undefined;
  if (bytes[0] !== ReplyCode.Port2) throw unexpected("a look-up", bytes);
  if (bytes.length < 2) return undefined;
  if (bytes[1] !== 0) return { value: undefined };
  const raw = readEntry(bytes.subarray(2));
  if (raw === undefined) return undefined;
  const name = nameOf(raw.name);
  if (name === undefined) throw new MalformedReply("the answer to a look-up has no usable name");
  return { value: { ...raw, name } };
};

/** The listing of live names, `port` being the epmd's own. */
export function encodeNamesReply(port: number, names: Iterable<ListedName>): Uint8Array {
  let text = "";
  for (const { name, port } of names) text += `name ${name} at port ${port}\n`;
  return concat(portBytes(port), encodeText(text));
}

/**
 * Gives the names once the epmd has closed the connection.
 *
 * The port at its start is not compared with ours as a BEAM does: it differs wherever ports are mapped.
 */
export const decodeNamesReply: ReplyDecoder<ListedName[]> = (bytes, ended) => {
  if (!ended || bytes.length < PORT_BYTES) return undefined;
  const names: ListedName[] = [];
  for (const match of lines(bytes, /name (.+?) at port (\d{1,5})\n/sy)) {
    names.push({ name: listed(match[1]), port: Number(match[2]) });
  }
  return { value: names };
};

/** The dump of live and remembered names. */
export function encodeDumpReply(port: number, names: Iterable<DumpedName>): Uint8Array {
  let text = "";
  for (const { name, port, active, fd } of names) {
    text += active
      ? `active name     <${name}> at port ${port}, fd = ${fd}\n\0`
      : `old/unused name <${name}>, port = ${port}, fd = ${fd} \n\0`;
  }
  return concat(portBytes(port), encodeText(text));
}

/** Gives the names once the epmd has closed the connection. */
export const decodeDumpReply: ReplyDecoder<DumpedName[]> = (bytes, ended) => {
  if (!ended || bytes.length < PORT_BYTES) return undefined;
  const names: DumpedName[] = [];
  const line = /(active|old\/unused) name +<(.+?)>(?: at port |, port = )(\d{1,5}), fd = (-?\d{1,10}) ?\n\0/sy;
  for (const match of lines(bytes, line)) {
    names.push({ name: listed(match[2]), port: Number(match[3]), active: match[1] === "active", fd: Number(match[4]) });
  }
  return { value: names };
};

/** The answers that are words. */
export const Word = { Ok: "OK", No: "NO", Stopped: "STOPPED", NoExist: "NOEXIST" } as const;

/** Gives the word, one of two that are equally long. */
export function decodeWord<W extends string>(yes: W, no: W): ReplyDecoder<W> {
  return (bytes) => {
    const text = String.fromCharCode(...bytes.subarray(0, yes.length));
    if (text === yes) return { value: yes };
    if (text === no) return { value: no };
    if (!yes.startsWith(text) && !no.startsWith(text)) throw unexpected(`${yes} or ${no}`, bytes);
    return undefined;
  };
}

/** Both listings start with the epmd's port. */
const PORT_BYTES = 4;

function portBytes(port: number): Uint8Array {
  const bytes = new Uint8Array(PORT_BYTES);
  viewOf(bytes).setUint32(0, port);
  return bytes;
}

/** Every match of a sticky pattern, which together have to cover the listing to its end. */
function* lines(bytes: Uint8Array, pattern: RegExp): Generator<RegExpExecArray> {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(PORT_BYTES));
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw new MalformedReply(`the listing has no name at character ${at}`);
    yield match;
  }
}

function listed(name: string | undefined): string {
  if (name === undefined || name.length > 2 * MAX_NAME_CHARACTERS)
    throw new MalformedReply("a listed name is too long");
  return name;
}

function unexpected(what: string, bytes: Uint8Array): MalformedReply {
  return new MalformedReply(`the answer to ${what} starts with byte ${bytes[0]}`);
}
