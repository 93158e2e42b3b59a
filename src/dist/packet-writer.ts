import { type Encoder, VERSION, type Writer } from "../etf/index.ts";
import type { Abilities } from "./abilities.ts";
import { ControlWriter, NO_PAYLOAD, NOT_SENT } from "./control-writer.ts";
import { Header, PASS_THROUGH } from "./packet-reader.ts";
import type { Signal } from "./signals.ts";

/** Bytes of the length before a body. */
const LENGTH_BYTES = 4;

/** Writes signals as whole frames, length included. */
export class PacketWriter {
  readonly #header: boolean;
  readonly #encoder: Encoder;
  readonly #controls: ControlWriter;

  constructor(abilities: Abilities, encoder: Encoder) {
    this.#header = abilities.header;
    this.#encoder = encoder;
    this.#controls = new ControlWriter(abilities, encoder);
  }

  /**
   * Appends the frame of a signal. False, and nothing appended, when the peer has no form for it.
   *
   * @throws EncodeError; the writer is then as it was.
   */
  write(writer: Writer, signal: Signal): boolean {
    const mark = writer.mark();
    try {
      writer.u32(0);
      this.#begin(writer);
      const payload = this.#controls.write(writer, signal);
      if (payload === NOT_SENT) {
        writer.rewind(mark);
        return false;
      }
      if (payload !== NO_PAYLOAD) {
        if (!this.#header) writer.u8(VERSION);
        this.#encoder.write(writer, payload);
      }
    } catch (error) {
      writer.rewind(mark);
      throw error;
    }
    const size = writer.mark() - mark;
    writer.patch32(writer.offset - size, size - LENGTH_BYTES);
    return true;
  }

  /** A header without references is legal at any time: all atoms are then written in full. */
  #begin(writer: Writer): void {
    if (this.#header) {
      writer.u8(VERSION);
      writer.u8(Header.Normal);
      writer.u8(0);
    } else {
      writer.u8(PASS_THROUGH);
      writer.u8(VERSION);
    }
  }
}
