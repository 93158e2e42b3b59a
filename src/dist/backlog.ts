import { Pid } from "../term/index.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import type { Signal } from "./signals.ts";

/** What one sender still has to send: a message in fragments, and everything it sent after that. */
export interface Lane {
  /** Bytes that wait. */
  readonly bytes: number;
  /** Those of them that are not of the message that is leaving now. */
  readonly heldBytes: number;
  /** Bytes that are lent wait in it, or did. */
  readonly lends: boolean;
}

/**
 * The messages that leave in fragments, and what must not overtake them.
 *
 * A sender whose message has not left whole has a lane, in which all its later signals wait, since signals of one
 * process to another keep their order. Signals of other senders pass. Lanes take turns, one frame each. A signal whose
 * sender is not known as a pid (the DOWN of a name) goes to a lane that waits for all that was waiting before it.
 */
export class Backlog {
  readonly #lanes = new Map<string, SenderLane>();
  /** The lanes in the order of their turns. */
  #turns: SenderLane[] = [];
  #tickets = 0;
  #bytes = 0;

  /** Bytes that wait in all lanes. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#lanes.size === 0;
  }

  /** The lane of a signal's sender, if anything of it waits. */
  laneOf(signal: Signal): Lane | undefined {
    return this.#lanes.size === 0 ? undefined : this.#lanes.get(senderOf(signal));
  }

  /** True when a signal must be added, since it may not overtake what is here. */
  holds(signal: Signal): boolean {
    if (this.#lanes.size === 0) return false;
    const sender = senderOf(signal);
    return sender === UNKNOWN_SENDER || this.#lanes.has(sender);
  }

  /** Takes a signal's message, or what is left of it. */
  add(signal: Signal, message: OutgoingMessage): void {
    const sender = senderOf(signal);
    const lane = this.#lanes.get(sender) ?? this.#open(sender);
    lane.push(message, ++this.#tickets);
    this.#bytes += message.bytesLeft;
  }

  /**
   * Gives the parts of the next frame to `write`, which must be done with them on return; `block`: nothing is left of the message
   * that was encoded to it.
   * Gives the lane if that was its last.
   */
  send(write: (frame: readonly Uint8Array[], block: Uint8Array | undefined) => void): Lane | undefined {
    const lane = this.#nextLane();
    if (lane === undefined) return undefined;
    const before = lane.bytes;
    const frame = lane.next();
    write(frame, lane.block);
    this.#bytes -= before - lane.bytes;
    if (!lane.isEmpty) {
      this.#turns.push(lane);
      return undefined;
    }
    this.#lanes.delete(lane.sender);
    return lane;
  }

  /** Forgets everything. */
  clear(): void {
    this.#lanes.clear();
    this.#turns = [];
    this.#bytes = 0;
  }

  #open(sender: string): SenderLane {
    const lane = new SenderLane(sender);
    this.#lanes.set(sender, lane);
    this.#turns.push(lane);
    return lane;
  }

  #nextLane(): SenderLane | undefined {
    const lane = this.#turns.shift();
    if (lane?.sender !== UNKNOWN_SENDER || !this.#waitsForOthers(lane)) return lane;
    // The lane that it waits for is another one.
    this.#turns.push(lane);
    return this.#turns.shift();
  }

  #waitsForOthers(lane: SenderLane): boolean {
    return this.#turns.some((other) => other.ticket < lane.ticket);
  }
}

/** Stands for the sender of signals that do not tell their sender's pid. */
const UNKNOWN_SENDER = "";

function senderOf(signal: Signal): string {
  const sender = signal.op === "spawnReply" ? signal.result : signal.from;
  return sender instanceof Pid ? sender.key : UNKNOWN_SENDER;
}

/** The places of sent messages are cut off the front of a queue when they are this many, and half of it. */
const KEPT_PLACES = 256;

interface Waiting {
  readonly message: OutgoingMessage;
  readonly ticket: number;
}

class SenderLane implements Lane {
  readonly sender: string;
  bytes = 0;
  lends = false;
  /** A message that was sent leaves nothing but its place: it may be large, and the queue long. */
  readonly #queue: (Waiting | undefined)[] = [];
  /** Of the message that leaves now. */
  #head = 0;
  /** Of the message that the frame which was given last has ended, if it has. */
  block: Uint8Array | undefined;

  constructor(sender: string) {
    this.sender = sender;
  }

  get isEmpty(): boolean {
    return this.#head === this.#queue.length;
  }

  get heldBytes(): number {
    return this.bytes - this.#queue[this.#head]!.message.bytesLeft;
  }

  /** When the message that leaves now was added, as a number that grows. */
  get ticket(): number {
    return this.#queue[this.#head]!.ticket;
  }

  push(message: OutgoingMessage, ticket: number): void {
    this.#queue.push({ message, ticket });
    this.bytes += message.bytesLeft;
    this.lends ||= message.lends;
  }

  next(): readonly Uint8Array[] {
    const { message } = this.#queue[this.#head]!;
    const before = message.bytesLeft;
    const frame = message.next();
    this.bytes -= before - message.bytesLeft;
    this.block = message.bytesLeft === 0 ? message.block : undefined;
    if (this.block !== undefined) this.#finished();
    return frame;
  }

  #finished(): void {
    this.#queue[this.#head++] = undefined;
    if (this.#head < KEPT_PLACES || this.#head * 2 < this.#queue.length) return;
    this.#queue.splice(0, this.#head);
    this.#head = 0;
  }
}
