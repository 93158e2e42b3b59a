import type { ByteStream, Clock, Timer } from "../base/index.ts";
import { Backlog, type Lane } from "./backlog.ts";
import { LentBytesGone } from "./lent-message.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import { Pacer } from "./pacer.ts";
import type { Signal } from "./signals.ts";

/** Fragments that leave in one turn of the event loop, so that signals which come meanwhile are handled, and pass. */
const BYTES_PER_TURN = 256 * 1024;

/** How long an answer is waited for before the rest is sent as fast as the stream takes it. */
const PATIENCE_MS = 2_000;

/** What was learned of a link holds for so long after the last fragment. */
const REMEMBERED_MS = 1_000;

/** Others are heard of for so long after they sent something. */
const LIVELY_MS = 100;

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
  /** The last frame of a message was given to the stream: once that has taken it, the block can be used again. */
  readonly left: (block: Uint8Array) => void;
  /** A sender has nothing waiting any more, and the stream nothing that was lent to it. */
  readonly finished: (lane: Lane) => void;
  /** Bytes that were lent are gone, in the middle of what was to leave: the connection has to end. */
  readonly lentBytesGone: () => void;
}

/** Sends the backlog of a connection, no faster than the peer reads, and a piece per turn of the event loop. */
export class FragmentSender {
  readonly backlog = new Backlog();
  /** Lanes that are over, but of which the stream has bytes that are lent. */
  #leaving: Lane[] = [];
  readonly #options: FragmentSenderOptions;
  #due = false;
  #questions = 0;
  /** Undefined while there is nothing to ask of the peer, or it does not answer. */
  #pacer: Pacer | undefined;
  #lastUse = Number.NEGATIVE_INFINITY;
  #patience: Timer | undefined;
  /** Messages that left whole, as of the last question, and when there were new ones. */
  #othersBefore = 0;
  #livelyAt = Number.NEGATIVE_INFINITY;
  /** Counts messages that left whole while there may have been fragments. */
  others = 0;

  constructor(options: FragmentSenderOptions) {
    this.#options = options;
  }

  /** Takes a signal's message, or what is left of it. It starts to leave in a later turn. */
  add(signal: Signal, message: OutgoingMessage): void {
    if (this.backlog.isEmpty && this.#options.ask !== undefined) this.#begin();
    this.backlog.add(signal, message);
    this.#later();
  }

  /** The stream has taken everything. */
  drained(): void {
    const left = this.#leaving;
    this.#leaving = [];
    for (const lane of left) this.#options.finished(lane);
    if (!this.backlog.isEmpty) this.resume();
  }

  /** Sends more, unless the stream still has some. */
  resume(): void {
    const { stream, flush, clock, ask, read } = this.#options;
    flush();
    let budget = BYTES_PER_TURN;
    // A frame overwrites the end of the one before, so that must have left.
    while (!this.backlog.isEmpty && stream.queuedBytes === 0 && this.#pacer?.isOpen !== false) {
      if (budget <= 0) return this.#later();
      const size = this.#send();
      budget -= size;
      if (this.#pacer?.sent(size)) {
        ask!(++this.#questions);
        flush();
        this.#pacer.asked(this.#questions, clock.now(), read(), this.#isQuiet());
        this.#wait();
      }
    }
    if (!this.backlog.isEmpty) return;
    this.#lastUse = clock.now();
    this.#patience?.cancel();
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
    while (!this.backlog.isEmpty) this.#send({ copied: true });
  }

  /** The connection is over. */
  stop(): void {
    this.backlog.clear();
    this.#pace(undefined);
  }

  #begin(): void {
    if (this.#options.clock.now() - this.#lastUse > REMEMBERED_MS) this.#pace(new Pacer());
    else if (this.#pacer !== undefined) this.#wait();
  }

  #isQuiet(): boolean {
    const now = this.#options.clock.now();
    if (this.others !== this.#othersBefore) this.#livelyAt = now;
    this.#othersBefore = this.others;
    return now - this.#livelyAt > LIVELY_MS;
  }

  #pace(pacer: Pacer | undefined): void {
    this.#pacer = pacer;
    this.#patience?.cancel();
  }

  /** Sends a frame, and gives its size. `copied`: the next one may follow before this one has left. */
  #send({ copied = false } = {}): number {
    const { stream, left, sent, finished, lentBytesGone } = this.#options;
    let bytes = 0;
    try {
      const lane = this.backlog.send((frame, block) => {
        for (const [i, part] of frame.entries()) {
          bytes += part.length;
          stream.write(copied ? part.slice() : part, i < frame.length - 1);
        }
        if (block !== undefined && !copied) left(block);
      });
      sent(bytes);
      if (lane?.lends && stream.queuedBytes > 0) this.#leaving.push(lane);
      else if (lane !== undefined) finished(lane);
    } catch (error) {
      if (!(error instanceof LentBytesGone)) throw error;
      lentBytesGone();
    }
    return bytes;
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
