import type { HandshakeError } from "./errors.ts";
import type { Flags } from "./flags.ts";

/** Who a side of a handshake is. */
export interface NodeIdentity {
  /** `name@host`; only the host while a dynamic name is asked for. */
  readonly name: string;
  readonly creation: number;
}

/** What a handshake established. */
export interface Established {
  readonly peer: NodeIdentity;
  /** Who we are to this peer: other than what we said only where it granted a dynamic name. */
  readonly self: NodeIdentity;
  /** The flags of both sides in common, the digest flag expanded. They govern both directions. */
  readonly flags: Flags;
}

/** What a machine wants done after an input: packets to send in order, then the end, if this was it. */
export interface HandshakeStep {
  readonly send: readonly Uint8Array[];
  readonly end?: Established | HandshakeError;
}

/**
 * One side of a handshake without I/O: whole packets go in, steps come out. The driver adds the length prefixes, starts
 * the time of a step anew after each packet, and closes the stream when the end is an error. After the end every
 * input is answered with nothing to do.
 */
export interface HandshakeMachine {
  /** The first step, taken when the stream is open. */
  start(): HandshakeStep;
  /** A packet arrived. Its bytes are used during the call only. */
  packet(bytes: Uint8Array): HandshakeStep;
  /** A packet was announced that is too large to be one; `tls` when it looks like TLS. */
  tooLarge(tls: boolean): HandshakeStep;
  /** The time for a step is over. */
  timeout(): HandshakeStep;
  /** The stream ended, in order or with an error. */
  closed(error?: Error): HandshakeStep;
}

/** The step of a machine that has nothing to do. */
export const NOTHING: HandshakeStep = { send: [] };
