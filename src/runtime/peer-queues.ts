/** What one peer has waiting in mailboxes of this node. */
class PeerQueue {
  readonly node: string;
  bytes = 0;

  constructor(node: string) {
    this.node = node;
  }
}

/** Where a signal came from: the node, unless it is this one, and in how many bytes. */
export interface Origin {
  readonly peer: string | undefined;
  readonly bytes: number;
}

/** A message of a peer that waits in a mailbox, and is counted until it is taken or dropped. */
export class QueuedMessage {
  readonly message: unknown;
  readonly #queue: PeerQueue;
  readonly #bytes: number;

  constructor(message: unknown, queue: PeerQueue, bytes: number) {
    this.message = message;
    this.#queue = queue;
    this.#bytes = bytes;
    queue.bytes += bytes;
  }

  /** The message is waiting no longer. */
  release(): void {
    this.#queue.bytes -= this.#bytes;
  }
}

/** Roughly what a message takes in memory beyond its bytes on the wire. */
const MESSAGE_OVERHEAD_BYTES = 200;

/**
 * Counts what each peer has waiting in mailboxes, and in functions that it has spawned: these are unbounded as on the BEAM,
 * but what one peer may fill them with is not. A message that finds an empty mailbox is not counted: it is taken within
 * the turn.
 */
export class PeerQueues {
  readonly #limitBytes: number;
  readonly #exceeded: (node: string, bytes: number) => void;
  readonly #queues = new Map<string, PeerQueue>();

  /** `exceeded` is told of each message that comes while a peer is over its limit. */
  constructor(limitBytes: number, exceeded: (node: string, bytes: number) => void) {
    this.#limitBytes = limitBytes;
    this.#exceeded = exceeded;
  }

  /** Counts a message that has to wait. */
  add(message: unknown, node: string, bytes: number): QueuedMessage {
    const queue = this.#queues.get(node) ?? new PeerQueue(node);
    this.#queues.set(node, queue);
    const queued = new QueuedMessage(message, queue, bytes + MESSAGE_OVERHEAD_BYTES);
    if (queue.bytes > this.#limitBytes) this.#exceeded(node, queue.bytes);
    return queued;
  }

  /** Bytes that a peer has waiting. */
  bytes(node: string): number {
    return this.#queues.get(node)?.bytes ?? 0;
  }

  /** The connection is gone: what still waits stays counted with its messages, and no longer against the node. */
  forget(node: string): void {
    this.#queues.delete(node);
  }
}
