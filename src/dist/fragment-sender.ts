import type { ByteStream, Clock, Timer } from "../base/index.ts";
import { Backlog, type Lane } from "./backlog.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import { Pacer } from "./pacer.ts";
import type { Signal } from "./signals.ts";

/** Fragments that leave in one turn of the event loop, so that signals which come meanwhile are handled, and pass. */
const BYTES_PER_TURN = 256 * 1024;

/** How long an answer is waited for before the rest is sent as fast as the stream takes it. */
const PATIENCE_MS = 2_000;

export interface FragmentSenderOptions {
  readonly clock: Clock;
  readonly stream: ByteStream;
  /** Gives the stream what was written before. */
  readonly flush: () => void;
  /** Writes a question that the peer answers once it has read so far. Undefined when there is none that it must answer. */
  readonly ask: ((id: number) => void) | undefined;
  /** Bytes that have come from the peer so far. */
  readonly read: () => number;
  /** A frame of so many bytes has left. */
  readonly sent: (bytes: number) => void;
  /** A sender has nothing waiting any more. */
  readonly finished: (lane: Lane) => void;
}

/** Sends the backlog of a connection, no faster than the peer reads, and a piece per turn of the event loop. */
export class FragmentSender {
  readonly backlog = new Backlog();
  readonly #options: FragmentSenderOptions;
  #due = false;
  #questions = 0;
  /** Made anew whenever there is something to send after there was nothing. */
  #pacer: Pacer | undefined;
  #patience: Timer | undefined;

  constructor(options: FragmentSenderOptions) {
    this.#options = options;
  }

  /** Takes a signal's message, or what is left of it. It starts to leave in a later turn. */
  add(signal: Signal, message: OutgoingMessage): void {
    if (this.backlog.isEmpty && this.#options.ask !== undefined) this.#pace(new Pacer());
    this.backlog.add(signal, message);
    this.#later();
  }

  /** Sends more: to be called when the stream has taken everything. */
  resume(): void {
    const { stream, flush, clock, ask, read } = this.#options;
    flush();
    let budget = BYTES_PER_TURN;
    // A frame overwrites the end of the one before, so that must have left.
    while (!this.backlog.isEmpty && stream.queuedBytes === 0 && this.#pacer?.isOpen !== false) {
      if (budget <= 0) return this.#later();
      let size = 0;
      this.#send((frame) => {
        stream.write(frame);
        size = frame.length;
      });
      budget -= size;
      if (this.#pacer?.sent(size)) {
        ask!(++this.#questions);
        flush();
        this.#pacer.asked(this.#questions, clock.now(), read());
        this.#wait();
      }
    }
    if (this.backlog.isEmpty) this.#pace(undefined);
  }

  /** The peer answered a question. */
  answered(id: number): void {
    if (this.#pacer === undefined) return;
    this.#pacer.answered(id, this.#options.clock.now(), this.#options.read());
    this.#wait();
    this.#later();
  }

  /** Gives everything to the stream, which will close. */
  sendAll(): void {
    const { stream } = this.#options;
    while (!this.backlog.isEmpty) this.#send((frame) => stream.write(frame.slice()));
  }

  /** The connection is over. */
  stop(): void {
    this.backlog.clear();
    this.#pace(undefined);
  }

  #pace(pacer: Pacer | undefined): void {
    this.#pacer = pacer;
    this.#patience?.cancel();
  }

  #send(write: (frame: Uint8Array) => void): void {
    let bytes = 0;
    const finished = this.backlog.send((frame) => {
      bytes = frame.length;
      write(frame);
    });
    this.#options.sent(bytes);
    if (finished !== undefined) this.#options.finished(finished);
  }

  #wait(): void {
    this.#patience?.cancel();
    this.#patience = this.#options.clock.setTimer(PATIENCE_MS, () => {
      this.#pace(undefined);
      this.#later();
    });
  }

  #later(): void {
    if (this.#due) return;
    this.#due = true;
    this.#options.clock.defer(() => {
      this.#due = false;
      this.resume();
    });
  }
}
