import {
  concat,
  encodeText,
  entryBytes,
  MAX_EXTRA_BYTES,
  MAX_REQUEST_BYTES,
  type NodeEntry,
  nameOf,
  RequestCode,
  readEntry,
  viewOf,
} from "./wire.ts";

/** A request to an epmd. */
export type EpmdRequest =
  | { readonly op: "register"; readonly entry: NodeEntry }
  | { readonly op: "lookup"; readonly name: string }
  | { readonly op: "stop"; readonly name: string }
  | { readonly op: "names" }
  | { readonly op: "dump" }
  | { readonly op: "kill" };

/** A request as a server finds it. A well-formed registration may still be one that cannot be granted. */
export type ReceivedRequest = EpmdRequest | { readonly op: "unfit"; readonly highest: number };

/** The bytes of a request, its length included. */
export function encodeRequest(request: EpmdRequest): Uint8Array {
  const body = encodeBody(request);
  const length = new Uint8Array(2);
  viewOf(length).setUint16(0, body.length);
  return concat(length, body);
}

function encodeBody(request: EpmdRequest): Uint8Array {
  switch (request.op) {
    case "register":
      return concat(Uint8Array.of(RequestCode.Alive2), entryBytes(encodeText(request.entry.name), request.entry));
    case "lookup":
      return concat(Uint8Array.of(RequestCode.Port2), encodeText(request.name));
    case "stop":
      return concat(Uint8Array.of(RequestCode.Stop), encodeText(request.name));
    case "names":
      return Uint8Array.of(RequestCode.Names);
    case "dump":
      return Uint8Array.of(RequestCode.Dump);
    case "kill":
      return Uint8Array.of(RequestCode.Kill);
  }
}

/** Reads a request's body, as the stock daemon does; undefined for those it closes the connection over. */
export function decodeRequest(body: Uint8Array): ReceivedRequest | undefined {
  const rest = body.subarray(1);
  switch (body[0]) {
    case RequestCode.Alive2:
      return decodeRegistration(rest);
    case RequestCode.Port2:
      return withName("lookup", rest);
    case RequestCode.Stop:
      return withName("stop", rest);
    case RequestCode.Names:
      return { op: "names" };
    case RequestCode.Dump:
      return { op: "dump" };
    case RequestCode.Kill:
      return { op: "kill" };
    default:
      return undefined;
  }
}

function decodeRegistration(rest: Uint8Array): ReceivedRequest | undefined {
  const raw = readEntry(rest);
  if (raw === undefined || raw.name.length === 0 || raw.name.includes(0)) return undefined;
  const name = nameOf(raw.name);
  if (name === undefined || raw.extra.length > MAX_EXTRA_BYTES) return { op: "unfit", highest: raw.highest };
  return { op: "register", entry: { ...raw, name } };
}

/** One NUL after the name is what clients in C send, and means nothing. */
function withName(op: "lookup" | "stop", rest: Uint8Array): EpmdRequest | undefined {
  const name = nameOf(rest.at(-1) === 0 ? rest.subarray(0, -1) : rest);
  return name === undefined ? undefined : { op, name };
}

/** What {@link RequestReader.data} found. */
export type RequestProgress = "incomplete" | "malformed" | Uint8Array;

/** Puts a request together from pieces. Holds no more than the body that the length announced. */
export class RequestReader {
  #firstLengthByte: number | undefined;
  #body: Uint8Array | undefined;
  #filled = 0;

  /** Takes the next piece: gives the body once it is whole, `malformed` for a wrong length or bytes beyond it. */
  data(bytes: Uint8Array): RequestProgress {
    let at = 0;
    while (this.#body === undefined) {
      const byte = bytes[at++];
      if (byte === undefined) return "incomplete";
      if (this.#firstLengthByte === undefined) {
        this.#firstLengthByte = byte;
        continue;
      }
      const length = this.#firstLengthByte * 256 + byte;
      if (length === 0 || length > MAX_REQUEST_BYTES) return "malformed";
      this.#body = new Uint8Array(length);
    }
    const piece = bytes.subarray(at);
    if (piece.length > this.#body.length - this.#filled) return "malformed";
    this.#body.set(piece, this.#filled);
    this.#filled += piece.length;
    return this.#filled === this.#body.length ? this.#body : "incomplete";
  }
}
