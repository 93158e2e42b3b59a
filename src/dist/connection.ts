import type { ByteStream, Clock } from "../base/index.ts";
import { Decoder, Encoder, type EncoderOptions } from "../etf/index.ts";
import { Pid } from "../term/index.ts";
import { type Abilities, abilitiesOf } from "./abilities.ts";
import type { Lane } from "./backlog.ts";
import { DistributionError } from "./errors.ts";
import type { Flags } from "./flags.ts";
import { FragmentSender } from "./fragment-sender.ts";
import type { FragmentLimits } from "./fragments.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";
import type { Established, NodeIdentity } from "./handshake.ts";
import { LentMessage } from "./lent-message.ts";
import { Outbox } from "./outbox.ts";
import { type Admission, PacketReader } from "./packet-reader.ts";
import { PacketWriter } from "./packet-writer.ts";
import { ReadPace } from "./read-pace.ts";
import type { Signal } from "./signals.ts";
import { type Ticked, Ticker, type TickOptions } from "./ticker.ts";

/**
 * Why a connection ended, in the words of the BEAM's `nodedown_reason` where it has one: `connection_closed` by the
 * peer or the network, `net_tick_timeout`, `disconnect` by us, `protocol_error` by the peer; or what `close` was given.
 */
export type CloseReason = "connection_closed" | "net_tick_timeout" | "disconnect" | "protocol_error" | (string & {});

/** What a {@link Connection} tells its owner. It must not throw. */
export interface ConnectionHandler {
  /** A signal came, in so many bytes. Signals come in the order in which the peer completed them. */
  signal(signal: Signal, bytes: number): void;
  /**
   * What was queued has left, after there had been something: for a lane, what its sender had to send; without one, all
   * that is in no lane.
   */
  drained(lane?: Lane): void;
  /** The connection is over, once; nothing follows. `error` says more where there is more. */
  closed(reason: CloseReason, error?: Error): void;
  /**
   * All signals of a chunk were given. What is sent in answer during this call leaves with one write at its end. False: nothing
   * more is read in this round of the event loop, so that what has come can be handled first.
   */
  settle?(): boolean;
  /** Without it everything is taken. */
  readonly admission?: Admission;
}

/** Sizes that a connection accepts. */
export interface ConnectionLimits {
  /** Longest frame and longest fragmented message, default 128 MiB. */
  readonly maxFrameBytes?: number;
  /** Bytes of fragmented messages that are not complete, default 256 MiB. */
  readonly maxPendingBytes?: number;
  /** Fragmented messages that are not complete, default 10,000. */
  readonly maxSequences?: number;
  /**
   * Bytes that wait for the peer to read when it is sent a link, monitor, exit or answer, default 256 MiB. Nobody can be
   * made to wait with those, and a peer can ask for any number of answers, so above that the connection is closed.
   */
  readonly maxUnreadBytes?: number;
}

/** How a connection behaves, whichever peer it leads to. */
export interface ConnectionSettings {
  readonly clock: Clock;
  readonly tick?: TickOptions | undefined;
  readonly limits?: ConnectionLimits | undefined;
  /** Reads the terms of all connections that are given it, which share what it knows of atoms and of the keys of maps. */
  readonly decoder?: Decoder | undefined;
  /** How terms are written; what the peer can carry is added from its flags. */
  readonly encoder?: Omit<EncoderOptions, "peer"> | undefined;
  /** Makes the handler of a new connection. Called once per connection, before any signal comes. */
  readonly up: (connection: Connection) => ConnectionHandler;
}

export interface ConnectionOptions extends ConnectionSettings {
  readonly stream: ByteStream;
  readonly established: Established;
  /** The reader of the handshake, between two frames. */
  readonly reader?: FrameReader;
}

export const DEFAULT_MAX_FRAME_BYTES = 128 * 1024 * 1024;
const DEFAULT_MAX_PENDING_BYTES = 256 * 1024 * 1024;
const DEFAULT_MAX_SEQUENCES = 10_000;
const DEFAULT_MAX_UNREAD_BYTES = 256 * 1024 * 1024;

const TICK = new Uint8Array(4);

/**
 * An established link to a node over one byte stream: signals in, signals out, ticks, one end.
 *
 * What a peer sends never throws out of it: whatever breaks the protocol closes this connection with
 * `protocol_error` and a {@link DistributionError}. The owner of the stream passes `data`, `drained` and `closed` on.
 */
export class Connection implements FrameSink, Ticked {
  /** Who is on the other side. */
  readonly peer: NodeIdentity;
  /** Who we are to the peer. */
  readonly self: NodeIdentity;
  /** The common flags. */
  readonly flags: Flags;
  /** What the common flags allow. */
  readonly abilities: Abilities;

  readonly #clock: Clock;
  readonly #stream: ByteStream;
  readonly #maxUnreadBytes: number;
  readonly #frames: FrameReader;
  readonly #readPace: ReadPace;
  readonly #packets: PacketReader;
  readonly #packetWriter: PacketWriter;
  readonly #ticker: Ticker;
  #handler: ConnectionHandler;
  readonly #outbox: Outbox;
  /** Made with the first message that leaves in fragments. */
  #fragments: FragmentSender | undefined;
  #open = true;
  #bytesRead = 0;
  #fragmentBytes = 0;
  #packetsRead = 0;
  #messagesRead = 0;
  #packetsWritten = 0;

  constructor(options: ConnectionOptions) {
    const { established, clock, stream, limits } = options;
    const maxFrameBytes = limits?.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES;
    this.peer = established.peer;
    this.self = established.self;
    this.flags = established.flags;
    this.abilities = abilitiesOf(established.flags);
    this.#clock = clock;
    this.#stream = stream;
    this.#maxUnreadBytes = limits?.maxUnreadBytes ?? DEFAULT_MAX_UNREAD_BYTES;
    this.#frames = options.reader ?? new FrameReader(4, maxFrameBytes);
    this.#frames.expect(4, maxFrameBytes);
    this.#readPace = new ReadPace(clock, stream);
    const encoder = new Encoder({ ...options.encoder, peer: this.abilities });
    this.#outbox = new Outbox(clock, stream, () => this.#handler.drained());
    this.#packetWriter = new PacketWriter(this.abilities, encoder, this.#outbox.blocks);
    this.#ticker = new Ticker(clock, this, !this.abilities.visible, options.tick);
    // Who is told of a new connection may end it at once: then its handler hears of it as soon as there is one.
    const ends: Parameters<ConnectionHandler["closed"]>[] = [];
    this.#handler = { signal() {}, drained() {}, closed: (...end) => void ends.push(end) };
    this.#handler = options.up(this);
    this.#packets = new PacketReader({
      peer: this.peer.name,
      abilities: this.abilities,
      decoder: options.decoder ?? new Decoder(),
      limits: fragmentLimits(maxFrameBytes, limits),
      admission: this.#handler.admission,
    });
    for (const end of ends) this.#handler.closed(...end);
  }

  get open(): boolean {
    return this.#open;
  }

  /** Bytes that were written and have not left this process. */
  get queuedBytes(): number {
    return this.#outbox.queuedBytes + (this.#fragments?.backlog.bytes ?? 0);
  }

  /** Those of them that leave before a signal that is sent now. Large messages of other senders do not count. */
  bytesAhead(signal: Signal): number {
    return this.#outbox.queuedBytes + (this.laneOf(signal)?.bytes ?? 0);
  }

  /** As {@link bytesAhead}, without the rest of a message that is leaving: one of any size is no reason to refuse others. */
  bytesHeld(signal: Signal): number {
    return this.#outbox.queuedBytes + (this.laneOf(signal)?.heldBytes ?? 0);
  }

  /** What the sender of a signal still has to send, if that is not in order with the signals of others any more. */
  laneOf(signal: Signal): Lane | undefined {
    return this.#fragments?.backlog.laneOf(signal);
  }

  /** Bytes that came after the handshake. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Bytes that were written after the handshake. */
  get bytesWritten(): number {
    return this.#outbox.bytesGiven + this.#fragmentBytes;
  }

  /** Packets that came, ticks included. */
  get packetsRead(): number {
    return this.#packetsRead;
  }

  /** Packets that were written, ticks included. */
  get packetsWritten(): number {
    return this.#packetsWritten;
  }

  get sending(): boolean {
    return this.queuedBytes > 0;
  }

  /**
   * Sends a signal: it is encoded when this returns, and leaves with the other signals of this turn. Large ones leave
   * in fragments over several turns; what the same sender sends meanwhile waits for that, what others send does not.
   * False when it is not sent: the peer's flags have no form for it, or the connection is over.
   *
   * @throws EncodeError when the signal holds what cannot be encoded for this peer. The connection lives on.
   */
  transmit(signal: Signal): boolean {
    if (!this.#open || this.#isUnread(signal)) return false;
    const fragments = this.#fragments;
    if (fragments?.backlog.holds(signal)) {
      const message = this.#packetWriter.writeApart(signal);
      if (message !== undefined) fragments.add(signal, message);
      return message !== undefined;
    }
    const written = this.#packetWriter.write(this.#outbox.writer, signal);
    if (written === false) return false;
    if (written !== true) this.#fragmentSender().add(signal, written);
    else if (fragments !== undefined) fragments.others++;
    if (!(written instanceof LentMessage)) this.#wrote();
    return true;
  }

  /** Gives everything that was written to the stream now. */
  flush(): void {
    if (this.#open) this.#outbox.flush();
  }

  /** Ends the connection after what was written has left, or at once with `abort`. The handler's `closed` is called, with `error`, before this returns. */
  close(reason: CloseReason = "disconnect", options?: { abort?: boolean; error?: Error }): void {
    this.#end(reason, options?.error, options?.abort ?? false);
  }

  /** Changes the tick time; see {@link Ticker.change}. */
  changeTickTime(timeMs: number, transitionMs: number): void {
    if (this.#open) this.#ticker.change(timeMs, transitionMs);
  }

  /** A chunk arrived from the stream. */
  data(bytes: Uint8Array): void {
    const packets = this.#packetsRead;
    const messages = this.#messagesRead;
    const written = this.#packetsWritten;
    this.#bytesRead += bytes.length;
    this.#outbox.hold();
    this.#frames.push(bytes, this);
    const settled = this.#handler.settle?.() ?? true;
    this.#outbox.release();
    if (!this.#open) return;
    const answered = this.#packetsWritten > written;
    this.#readPace.after({
      bytes: bytes.length,
      packets: this.#packetsRead - packets,
      messages: this.#messagesRead - messages,
      answered,
      settled,
    });
  }

  /** The stream has nothing left to send. */
  drained(): void {
    if (!this.#open) return;
    this.#outbox.drained();
    this.#fragments?.drained();
  }

  /** The stream is over. */
  closed(error?: Error): void {
    this.#end("connection_closed", error, true);
  }

  /** One frame: a tick or a body. */
  frame(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#open) return;
    this.#packetsRead++;
    if (start === end) return;
    let signal: Signal | undefined;
    try {
      signal = this.#packets.read(bytes, start, end);
    } catch (error) {
      this.#end("protocol_error", error as Error, true);
      return;
    }
    if (signal === undefined || !this.#open || this.#isOwn(signal)) return;
    if ("message" in signal) this.#messagesRead++;
    this.#handler.signal(signal, this.#packets.bytes);
  }

  tooLarge(length: number, limit: number): void {
    const problem = `it announces a frame of ${length} bytes, ${limit} are accepted`;
    this.#end("protocol_error", new DistributionError("DIST_LIMIT", this.peer.name, problem), true);
  }

  sendTick(): void {
    this.#outbox.rest();
    this.#outbox.writer.copy(TICK);
    this.#wrote();
  }

  silent(): void {
    this.#end("net_tick_timeout", undefined, true);
  }

  #wrote(): void {
    this.#packetsWritten++;
    this.#outbox.wrote();
  }

  /**
   * Asks the peer to tell when it has read so far: every UNLINK_ID must be answered, also where there is no link
   * (erl_dist_protocol, "Link Protocol").
   */
  #ask(id: number): void {
    this.#packetWriter.write(this.#outbox.writer, { op: "unlink", from: zeroOf(this.self), to: zeroOf(this.peer), id });
    this.#wrote();
  }

  #fragmentSender(): FragmentSender {
    if (this.#fragments !== undefined) return this.#fragments;
    this.#fragments = new FragmentSender({
      clock: this.#clock,
      stream: this.#stream,
      flush: () => this.#outbox.flush(),
      ask: this.abilities.unlinkId ? (id) => this.#ask(id) : undefined,
      read: () => this.#bytesRead,
      sent: (bytes) => {
        this.#packetsWritten++;
        this.#fragmentBytes += bytes;
      },
      left: (frame) => this.#outbox.giveBack(frame),
      finished: (lane) => this.#handler.drained(lane),
      lentBytesGone: () => {
        const problem = "the buffer of bytes that were lent was transferred before they had left";
        this.#end("lent_bytes", new DistributionError("DIST_LENT", this.peer.name, problem), true);
      },
    });
    this.#fragments.others = this.#packetsWritten;
    return this.#fragments;
  }

  /** Ends the connection when a signal that nobody can be made to wait with finds too much waiting. */
  #isUnread(signal: Signal): boolean {
    if ("message" in signal) return false;
    const bytes = this.bytesHeld(signal);
    if (bytes <= this.#maxUnreadBytes) return false;
    const problem = `it does not read the ${bytes} bytes that wait for it, which is over the limit`;
    this.#end("unread_limit", new DistributionError("DIST_LIMIT", this.peer.name, problem), true);
    return true;
  }

  /** True for questions and answers of {@link #ask}, which concern the connection alone. */
  #isOwn(signal: Signal): boolean {
    if (signal.op === "unlinkAck" && isZero(signal.to)) this.#fragments?.answered(Number(signal.id));
    else if (signal.op === "unlink" && signal.id !== 0 && isZero(signal.to)) {
      this.transmit({ op: "unlinkAck", from: zeroOf(this.self), to: signal.from, id: signal.id });
    } else return false;
    return true;
  }

  #end(reason: CloseReason, error: Error | undefined, abort: boolean): void {
    if (!this.#open) return;
    if (!abort) {
      this.flush();
      this.#fragments?.sendAll();
      // That may have ended it.
      if (!this.#open) return;
    }
    this.#open = false;
    this.#outbox.close();
    this.#fragments?.stop();
    this.#ticker.stop();
    this.#readPace.stop();
    this.#frames.stop();
    this.#stream.close({ abort });
    this.#handler.closed(reason, error);
  }
}

/** The pid 0.0: no process of ours, and `init` on a BEAM. */
function zeroOf({ name, creation }: NodeIdentity): Pid {
  return new Pid(name, 0, 0, creation);
}

/** True for the pid 0.0. */
function isZero(pid: Pid): boolean {
  return pid.id === 0 && pid.serial === 0;
}

function fragmentLimits(maxFrameBytes: number, limits: ConnectionLimits | undefined): FragmentLimits {
  return {
    maxMessageBytes: maxFrameBytes,
    maxPendingBytes: limits?.maxPendingBytes ?? DEFAULT_MAX_PENDING_BYTES,
    maxSequences: limits?.maxSequences ?? DEFAULT_MAX_SEQUENCES,
  };
}
