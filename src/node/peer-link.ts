import { BusyError } from "../base/index.ts";
import type { Connection, Lane, Signal } from "../dist/index.ts";
import { type Deferred, deferred } from "./deferred.ts";

/** How much may wait for one node. */
export interface QueueLimits {
  /** Bytes queued for one node, ahead of what a process sends, above which its `send` gives a promise. */
  readonly highWaterBytes: number;
  /**
   * Bytes queued for one node, ahead of what a process sends, above which sending fails with `BUSY`. A message counts
   * neither when it is sent nor while it is leaving in fragments, so one of any size is taken while there is room.
   */
  readonly maxQueuedBytes: number;
}

/** What leaves over one connection that is up, and who waits for room on it. */
export class PeerLink {
  readonly #connection: Connection;
  readonly #limits: QueueLimits;
  /** Wait for room: one for each sender of a large message, and one, without a lane, for all others. */
  #rooms: Map<Lane | undefined, Deferred> | undefined;

  constructor(connection: Connection, limits: QueueLimits) {
    this.#connection = connection;
    this.#limits = limits;
  }

  /** @throws BusyError when a message has too much before it. */
  admit(signal: Signal): void {
    const connection = this.#connection;
    if (!isMessage(signal)) return;
    const bytes = connection.bytesHeld(signal);
    if (bytes > this.#limits.maxQueuedBytes) throw new BusyError(connection.peer.name, { bytes });
  }

  /**
   * Sends a signal. The promise is given when the link is full, and resolves once there is room or the link is gone; it is also
   * given while bytes wait that the sender has lent, and then resolves once these have left.
   *
   * @throws EncodeError
   */
  transmit(signal: Signal): Promise<void> | undefined {
    const connection = this.#connection;
    connection.transmit(signal);
    const lane = connection.laneOf(signal);
    const isFull = connection.bytesAhead(signal) > this.#limits.highWaterBytes;
    return lane?.lends || isFull ? this.#room(lane) : undefined;
  }

  /** What was queued has left; see {@link ConnectionHandler.drained}. */
  drained(lane: Lane | undefined): void {
    this.#rooms?.get(lane)?.resolve();
    this.#rooms?.delete(lane);
  }

  /** The connection is gone. */
  ended(): void {
    for (const room of this.#rooms?.values() ?? []) room.resolve();
  }

  #room(lane: Lane | undefined): Promise<void> {
    this.#rooms ??= new Map();
    const room = this.#rooms.get(lane) ?? deferred();
    this.#rooms.set(lane, room);
    return room.promise;
  }
}

/** Messages are what back-pressure applies to; links, monitors, exits and answers are owed. */
export function isMessage(signal: Signal): boolean {
  return "message" in signal;
}
