import type { ByteStream, ByteStreamHandler, Transport } from "../../src/base/index.ts";
import { tcpTransport } from "../../src/net/index.ts";

/** The kinds of control messages that went over, each once, in order of their numbers. */
export interface Overheard {
  readonly sent: readonly string[];
  readonly received: readonly string[];
}

/**
 * TCP that notes the packets of handshakes, and the control messages which go each way, by their number in
 * erl_dist_protocol; one with bits (37) as `"37/bits"`. It reads the bytes by itself, with none of the code under test.
 */
export class ControlTap implements Transport {
  readonly #frame: (frame: Buffer) => void;
  #recent = new Kinds();
  readonly #all = new Kinds();
  /** Of each connection, in the order in which they began: `> N` for a packet sent, `< sok` for one received. */
  readonly handshakes: string[][] = [];

  /** `frame` is given the frames that were received. */
  constructor(frame: (frame: Buffer) => void = () => {}) {
    this.#frame = frame;
  }

  connect(...[endpoint, handler, options]: Parameters<Transport["connect"]>): Promise<ByteStream> {
    const [sent, received] = this.#readers();
    return tcpTransport.connect(endpoint, heard(handler, received), options).then((stream) => overheard(stream, sent));
  }

  listen(...[endpoint, accept, refused]: Parameters<Transport["listen"]>): ReturnType<Transport["listen"]> {
    const tapped: typeof accept = (stream, remote, local) => {
      const [sent, received] = this.#readers();
      return heard(accept(overheard(stream, sent), remote, local), received);
    };
    return tcpTransport.listen(endpoint, tapped, refused);
  }

  /** What went over since the last {@link take}. */
  get recent(): Overheard {
    return this.#recent.sorted();
  }

  /** What ever went over. */
  get all(): Overheard {
    return this.#all.sorted();
  }

  /** What went over since the last time. */
  take(): Overheard {
    const { recent } = this;
    this.#recent = new Kinds();
    return recent;
  }

  /** For what is sent and what is received on a new connection. */
  #readers(): [(bytes: Uint8Array) => void, (bytes: Uint8Array) => void] {
    const handshake: string[] = [];
    const heardOf = (packet: string) => {
      // What goes to epmd is not one.
      if (handshake.length === 0 && /[Nn]$/.test(packet)) this.handshakes.push(handshake);
      handshake.push(packet);
    };
    const note = (direction: keyof Overheard, sign: string): Found => ({
      handshake: (packet) => heardOf(`${sign} ${packetName(packet)}`),
      control: (kind) => {
        for (const kinds of [this.#recent, this.#all]) kinds[direction].add(kind);
      },
    });
    return [packetReader(note("sent", ">")), packetReader({ ...note("received", "<"), frame: this.#frame })];
  }
}

/** What is told of one direction of a connection. */
interface Found {
  handshake(packet: Buffer): void;
  control(kind: string): void;
  frame?(frame: Buffer): void;
}

/** The letter of a packet of the handshake, with the status where it is one: `N`, `sok`, `snamed`. */
function packetName(packet: Buffer): string {
  const text = packet.toString("latin1");
  return text[0] === "s" ? text.replace(/:.*/s, "") : text[0]!;
}

class Kinds {
  readonly sent = new Set<string>();
  readonly received = new Set<string>();

  sorted(): Overheard {
    const sorted = (kinds: Set<string>) =>
      [...kinds].sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
    return { sent: sorted(this.sent), received: sorted(this.received) };
  }
}

function heard(handler: ByteStreamHandler, read: (bytes: Uint8Array) => void): ByteStreamHandler {
  return {
    data(bytes) {
      read(bytes);
      handler.data(bytes);
    },
    drained: () => handler.drained(),
    closed: (error) => handler.closed(error),
  };
}

function overheard(stream: ByteStream, read: (bytes: Uint8Array) => void): ByteStream {
  return {
    write(bytes) {
      read(bytes);
      stream.write(bytes);
    },
    get queuedBytes() {
      return stream.queuedBytes;
    },
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    close: (options) => stream.close(options),
  };
}

/** Reads one direction of a connection: the packets of the handshake, whose last is `r` or `a`, then frames. */
function packetReader({ handshake, control, frame }: Found): (bytes: Uint8Array) => void {
  let rest: Buffer = Buffer.alloc(0);
  let up = false;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const head = up ? 4 : 2;
      if (rest.length < head) return;
      const end = head + (up ? rest.readUInt32BE(0) : rest.readUInt16BE(0));
      if (rest.length < end) return;
      const packet = rest.subarray(head, end);
      rest = rest.subarray(end);
      if (up) {
        frame?.(packet);
        controlOf(packet, control);
      } else {
        handshake(packet);
        up = packet[0] === "r".charCodeAt(0) || packet[0] === "a".charCodeAt(0);
      }
    }
  };
}

/** The number of the control message in a frame. A tick has none, and neither has a fragment but the first. */
function controlOf(frame: Buffer, found: (control: string) => void): void {
  if (frame.length === 0) return;
  if (frame[0] === 112) return tupleAt(frame, 2, found);
  if (frame[1] === 68) return tupleAt(frame, afterAtoms(frame, 2), found);
  if (frame[1] === 69) return tupleAt(frame, afterAtoms(frame, 18), found);
}

/** Passes the references to cached atoms: a nibble for each, and one that says how long their lengths are. */
function afterAtoms(frame: Buffer, at: number): number {
  const count = frame[at]!;
  if (count === 0) return at + 1;
  const nibble = (index: number) => (frame[at + 1 + (index >> 1)]! >> (index % 2 === 0 ? 0 : 4)) & 15;
  const long = (nibble(count) & 1) === 1;
  let next = at + 2 + (count >> 1);
  for (let i = 0; i < count; i++) {
    next++;
    if ((nibble(i) & 8) !== 0) next += long ? 2 + frame.readUInt16BE(next) : 1 + frame[next]!;
  }
  return next;
}

/** A small tuple of small integers, as far as it matters. */
function tupleAt(frame: Buffer, at: number, found: (control: string) => void): void {
  const code = frame[at + 3]!;
  found(code === 37 ? `37/${frame[at + 5]}` : `${code}`);
}
