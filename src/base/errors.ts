/**
 * The base of every error that tiebeam throws or rejects with.
 *
 * `code` is stable and documented in `docs/errors.md`; test it, never the message.
 * The families below add the facts that belong to their codes as typed fields.
 */
export class TiebeamError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** Misuse of a function by its caller, thrown at once. Code `BADARG`; `argument` names what was wrong. */
export class ArgumentError extends TiebeamError {
  readonly argument: string;

  constructor(argument: string, message: string, options?: ErrorOptions) {
    super("BADARG", message, options);
    this.argument = argument;
  }
}

/** The connection to a node was lost, or could not be made. Code `NODEDOWN`; `reason` says why in a word. */
export class NodeDownError extends TiebeamError {
  readonly node: string;
  readonly reason: string;

  constructor(node: string, reason: string, options?: ErrorOptions) {
    super("NODEDOWN", `node ${node} is down: ${reason}`, options);
    this.node = node;
    this.reason = reason;
  }
}

/**
 * A documented bound on what is queued was reached. `BUSY`: by this node for another, by bytes or, while it is being
 * connected, by signals. `PEER_QUEUE_LIMIT`: by a peer in mailboxes here.
 */
export class BusyError extends TiebeamError {
  readonly node: string;
  readonly bytes: number;
  readonly signals: number;

  constructor(code: "BUSY" | "PEER_QUEUE_LIMIT", node: string, queued: { bytes?: number; signals?: number }) {
    const { bytes = 0, signals = 0 } = queued;
    const amount = signals > 0 ? `${signals} signals` : `${bytes} bytes`;
    super(code, `${amount} are queued ${code === "BUSY" ? "for" : "from"} node ${node}, which is over the limit`);
    this.node = node;
    this.bytes = bytes;
    this.signals = signals;
  }
}
