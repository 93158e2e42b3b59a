import { type Encoder, VERSION, type Writer } from "../etf/index.ts";
import type { Abilities } from "./abilities.ts";
import { OutgoingAtomCache } from "./atom-cache.ts";
import { ControlWriter, NO_PAYLOAD, NOT_SENT } from "./control-writer.ts";
import { Header, PASS_THROUGH } from "./packet-reader.ts";
import type { Signal } from "./signals.ts";

/** Bytes of the length before a body. */
const LENGTH_BYTES = 4;

/** Bytes before the references of a header. */
const HEADER_START_BYTES = 2;

/** Writes signals as whole frames, length included. It keeps the state of one direction of a connection. */
export class PacketWriter {
  readonly #header: boolean;
  readonly #encoder: Encoder;
  readonly #controls: ControlWriter;
  readonly #cache: OutgoingAtomCache | undefined;

  /** The encoder is the connection's own: it collects atoms for this connection's cache. */
  constructor(abilities: Abilities, encoder: Encoder) {
    this.#header = abilities.header;
    this.#encoder = encoder;
    this.#controls = new ControlWriter(abilities, encoder);
    if (abilities.atomCache) {
      this.#cache = new OutgoingAtomCache();
      encoder.atomSink = this.#cache;
    }
  }

  /**
   * Appends the frame of a signal. False, and nothing appended, when the peer has no form for it.
   *
   * @throws EncodeError; the writer is then as it was.
   */
  write(writer: Writer, signal: Signal): boolean {
    const mark = writer.mark();
    this.#cache?.begin();
    let written = false;
    try {
      written = this.#body(writer, signal);
    } finally {
      if (!written) {
        writer.rewind(mark);
        this.#cache?.cancel();
      }
    }
    if (!written) return false;
    if (this.#cache !== undefined) insert(writer, mark + LENGTH_BYTES + HEADER_START_BYTES, this.#cache.header());
    writer.patch32(mark, writer.mark() - mark - LENGTH_BYTES);
    return true;
  }

  #body(writer: Writer, signal: Signal): boolean {
    writer.u32(0);
    this.#begin(writer);
    const payload = this.#controls.write(writer, signal);
    if (payload === NOT_SENT) return false;
    if (payload !== NO_PAYLOAD) {
      if (!this.#header) writer.u8(VERSION);
      this.#encoder.write(writer, payload);
    }
    return true;
  }

  #begin(writer: Writer): void {
    if (!this.#header) {
      writer.u8(PASS_THROUGH);
      writer.u8(VERSION);
      return;
    }
    writer.u8(VERSION);
    writer.u8(Header.Normal);
    // With the cache, the references are known and inserted once the terms are written.
    if (this.#cache === undefined) writer.u8(0);
  }
}

/** Inserts bytes at a mark of the current chunk. What follows is moved: for most packets a few hundred bytes. */
function insert(writer: Writer, mark: number, bytes: Uint8Array): void {
  const tail = writer.mark() - mark;
  writer.reserve(bytes.length);
  const at = writer.offset - tail;
  writer.bytes.copyWithin(at + bytes.length, at, writer.offset);
  writer.bytes.set(bytes, at);
  writer.offset += bytes.length;
}
