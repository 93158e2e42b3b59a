import { TiebeamError } from "../base/index.ts";

/** Where in the handshake it happened, by the packet that was due or had just come (erl_dist_protocol, "Distribution Handshake"). */
export type HandshakeStepName = "connect" | "name" | "status" | "challenge" | "complement" | "reply" | "ack";

/**
 * Why a handshake ended without a connection.
 *
 * | code | what happened |
 * | --- | --- |
 * | `HANDSHAKE_COOKIE` | the digests differ, or the peer closed right after ours: the cookies are not the same |
 * | `HANDSHAKE_FLAGS` | one side lacks capabilities that the other requires |
 * | `HANDSHAKE_NOT_ALLOWED` | status `not_allowed`: the allow list, or flags |
 * | `HANDSHAKE_NOK` | status `nok`: the other attempt of a simultaneous connect wins, or the name is not acceptable |
 * | `HANDSHAKE_ALIVE` | a connection to that name exists and stays |
 * | `HANDSHAKE_NAME` | the peer is not who was dialled, or its name is no node name |
 * | `HANDSHAKE_TLS` | the peer speaks TLS and we do not |
 * | `HANDSHAKE_TIMEOUT` | a step took longer than its time |
 * | `HANDSHAKE_CLOSED` | the stream ended early, without another reason to be seen |
 * | `HANDSHAKE_PROTOCOL` | what came is no handshake packet, or not one that is due |
 */
export type HandshakeErrorCode =
  | "HANDSHAKE_COOKIE"
  | "HANDSHAKE_FLAGS"
  | "HANDSHAKE_NOT_ALLOWED"
  | "HANDSHAKE_NOK"
  | "HANDSHAKE_ALIVE"
  | "HANDSHAKE_NAME"
  | "HANDSHAKE_TLS"
  | "HANDSHAKE_TIMEOUT"
  | "HANDSHAKE_CLOSED"
  | "HANDSHAKE_PROTOCOL";

/** What a {@link HandshakeError} knows besides its code. */
export interface HandshakeFacts extends ErrorOptions {
  /** The peer's node name as far as it is known. */
  readonly peer?: string | undefined;
  readonly step: HandshakeStepName;
  /** The status text that was received or sent, where that decided it. */
  readonly status?: string | undefined;
}

/** A handshake ended without a connection; nothing of it is left but a closed stream. Cookies and digests are not in it. */
export class HandshakeError extends TiebeamError {
  declare readonly code: HandshakeErrorCode;
  readonly peer: string | undefined;
  readonly step: HandshakeStepName;
  readonly status: string | undefined;

  constructor(code: HandshakeErrorCode, problem: string, facts: HandshakeFacts) {
    super(code, `handshake with ${facts.peer ?? "an unknown peer"} failed: ${problem}`, facts);
    this.peer = facts.peer;
    this.step = facts.step;
    this.status = facts.status;
  }
}

/**
 * An established connection is closed, since its peer broke the protocol, or because of what it was to send.
 *
 * | code | what came |
 * | --- | --- |
 * | `DIST_PROTOCOL` | a frame, header, fragment or control message that is malformed, unknown or out of order |
 * | `DIST_IDENTITY` | a signal in the name of a process of another node |
 * | `DIST_LIMIT` | a frame, a fragmented message or a number of them over a documented limit; or nothing is read of too much that waits |
 * | `DIST_TERM` | a term that cannot be decoded, or is over the limits for terms; `cause` says why |
 * | `DIST_LENT` | nothing: the buffer of bytes that this node lent was transferred before they had left |
 */
export type DistributionErrorCode = "DIST_PROTOCOL" | "DIST_IDENTITY" | "DIST_LIMIT" | "DIST_TERM" | "DIST_LENT";

/** See {@link DistributionErrorCode}. `node` is the peer. */
export class DistributionError extends TiebeamError {
  declare readonly code: DistributionErrorCode;
  readonly node: string;

  constructor(code: DistributionErrorCode, node: string, problem: string, options?: ErrorOptions) {
    super(code, `the connection to ${node} is closed: ${problem}`, options);
    this.node = node;
  }
}
