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
 * What is queued here for a node, by bytes or, while it is being connected, by signals, is over a documented bound. Code
 * `BUSY`.
 */
export class BusyError extends TiebeamError {
  readonly node: string;
  readonly bytes: number;
  readonly signals: number;

  constructor(node: string, queued: { bytes?: number; signals?: number }) {
    const { bytes = 0, signals = 0 } = queued;
    const amount = signals > 0 ? `${signals} signals` : `${bytes} bytes`;
    super("BUSY", `${amount} are queued for node ${node}, which is over the limit`);
    this.node = node;
    this.bytes = bytes;
    this.signals = signals;
  }
}

/**
 * What a peer can go over here.
 *
 * | code | what there is too much of |
 * | --- | --- |
 * | `PEER_QUEUE_LIMIT` | bytes of its messages that wait in mailboxes here, and of arguments of functions that it runs |
 * | `PEER_TIE_LIMIT` | monitors and links of its making |
 * | `PEER_RATE_LIMIT` | signals in a second, where it has a rule for that |
 */
export type PeerLimitErrorCode = "PEER_QUEUE_LIMIT" | "PEER_TIE_LIMIT" | "PEER_RATE_LIMIT";

/** A peer went over a documented bound, and lost its connection for it. See {@link PeerLimitErrorCode}. */
export class PeerLimitError extends TiebeamError {
  declare readonly code: PeerLimitErrorCode;
  readonly node: string;

  constructor(code: PeerLimitErrorCode, node: string, problem: string) {
    super(code, `the connection to ${node} is closed: ${problem}, which is over the limit`);
    this.node = node;
  }
}
