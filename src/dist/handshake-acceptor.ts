import type { Random } from "../base/index.ts";
import { digestOf, digestsEqual } from "./digest.ts";
import { HandshakeError, type HandshakeErrorCode, type HandshakeStepName } from "./errors.ts";
import { expandDigest, Flag, type Flags, flagNames, REQUIRED_OF_PEERS } from "./flags.ts";
import { type HandshakeMachine, type HandshakeStep, NOTHING, type NodeIdentity } from "./handshake.ts";
import {
  type NamePacket,
  readComplement,
  readName,
  readReply,
  readStatus,
  writeAck,
  writeChallenge,
  writeNamed,
  writeStatus,
} from "./handshake-packets.ts";
import { isLegalHostPart, isLegalNamePart, splitNodeName } from "./node-name.ts";

/** Someone who wants to connect, as far as it is known before the cookie is proven. */
export interface ConnectRequest {
  /** The peer's node name; where it asks for a dynamic one only its host. */
  readonly name: string;
  readonly wantsName: boolean;
  /** The peer's flags, the digest expanded. Only the low half from a peer that uses the old first packet. */
  readonly flags: Flags;
}

/**
 * What the owner of the peers' states answers to a {@link ConnectRequest} (erl_dist_protocol, "Distribution Handshake"):
 * the status that is sent, `close` to end without one, or the name that is granted.
 * `ok_simultaneous` means that the owner has given up its own attempt; `alive` that a connection is up.
 */
export type ConnectDecision =
  | "ok"
  | "ok_simultaneous"
  | "nok"
  | "not_allowed"
  | "alive"
  | "close"
  | { readonly named: NodeIdentity };

/** What {@link HandshakeAcceptor} has to know and to ask. */
export interface AcceptorOptions {
  readonly self: NodeIdentity;
  readonly flags: Flags;
  readonly random: Random;
  /** Decides about a peer. Asked once, after name and flags were found to be in order. */
  readonly decide: (request: ConnectRequest) => ConnectDecision;
  /** The cookie that is shared with the peer of that name. */
  readonly cookieFor: (peer: string) => string;
  /** The peer has proven that it knows the cookie and replaces its live connection, which must be gone on return. */
  readonly takeOver?: (peer: string) => void;
}

/** What is known of the peer once its first packet was in order. */
interface Candidate {
  readonly peer: NodeIdentity;
  /** The flags to announce to it. */
  readonly ours: Flags;
  readonly flags: Flags;
  /** True when its first packet was the old one, so that the complement must follow. */
  readonly old: boolean;
  readonly replacesLive: boolean;
}

type State =
  | { readonly at: "name" }
  | { readonly at: "status"; readonly candidate: Candidate }
  | { readonly at: "complement"; readonly candidate: Candidate; readonly challenge: number }
  | { readonly at: "reply"; readonly candidate: Candidate; readonly challenge: number }
  | { readonly at: "ended" };

/**
 * The side that accepted the stream.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> name
 *   name --> reply: in order / send ok, ok_simultaneous or named, and challenge
 *   name --> complement: the same after an old name packet
 *   name --> status: in order, connection up / send alive
 *   name --> ended: not in order / send nok, not_allowed or nothing
 *   status --> reply: true / send challenge
 *   status --> ended: false
 *   complement --> reply: flags complete
 *   reply --> ended: digest fits / send ack, established
 *   status --> ended: time, close, anything else
 *   complement --> ended: time, close, anything else
 *   reply --> ended: time, close, anything else
 * ```
 */
export class HandshakeAcceptor implements HandshakeMachine {
  readonly #options: AcceptorOptions;
  #state: State = { at: "name" };

  constructor(options: AcceptorOptions) {
    this.#options = options;
  }

  start(): HandshakeStep {
    return NOTHING;
  }

  packet(bytes: Uint8Array): HandshakeStep {
    switch (this.#state.at) {
      case "name":
        return this.#onName(bytes);
      case "status":
        return this.#onStatus(bytes, this.#state.candidate);
      case "complement":
        return this.#onComplement(bytes, this.#state);
      case "reply":
        return this.#onReply(bytes, this.#state);
      default:
        return NOTHING;
    }
  }

  tooLarge(tls: boolean): HandshakeStep {
    if (tls) return this.#fail("HANDSHAKE_TLS", "it speaks TLS, and this side does not");
    return this.#fail("HANDSHAKE_PROTOCOL", `what came is too large to be a packet with its ${this.#due()}`);
  }

  timeout(): HandshakeStep {
    return this.#fail("HANDSHAKE_TIMEOUT", `it sent no ${this.#due()} in time`);
  }

  closed(error?: Error): HandshakeStep {
    return this.#fail("HANDSHAKE_CLOSED", `the stream ended before its ${this.#due()}`, { cause: error });
  }

  #onName(bytes: Uint8Array): HandshakeStep {
    const packet = readName(bytes);
    if (packet === undefined) return this.#fail("HANDSHAKE_PROTOCOL", "its first packet is not a name");
    const refused = this.#checkName(packet);
    if (refused !== undefined) return refused;
    const flags = expandDigest(packet.flags);
    const missing = REQUIRED_OF_PEERS & ~flags;
    if (missing) return this.#lacking(missing, packet.name);
    const wantsName = (flags & Flag.NameMe) !== 0n;
    const decision = this.#options.decide({ name: packet.name, wantsName, flags });
    return this.#onDecision(decision, packet, flags, wantsName);
  }

  /** A BEAM closes without a word for what is no node name, and answers `nok` to one it does not like (OTP 23 to 29). */
  #checkName({ name, flags }: NamePacket): HandshakeStep | undefined {
    if (flags & Flag.NameMe) {
      if (isLegalHostPart(name)) return undefined;
      return this.#fail("HANDSHAKE_NAME", "it asks for a name and gives no host");
    }
    const parts = splitNodeName(name);
    if (parts === undefined) return this.#fail("HANDSHAKE_NAME", "what it calls itself is no node name");
    if (!isLegalNamePart(parts.name))
      return this.#refuse("nok", "HANDSHAKE_NAME", "its name has illegal characters", name);
    if (name === this.#options.self.name) return this.#refuse("nok", "HANDSHAKE_NAME", "it has our own name", name);
    return undefined;
  }

  #onDecision(decision: ConnectDecision, packet: NamePacket, flags: Flags, wantsName: boolean): HandshakeStep {
    const { name } = packet;
    if (decision === "close") {
      return this.#fail("HANDSHAKE_ALIVE", "a connection of that name is just being replaced", { peer: name });
    }
    if (decision === "not_allowed") {
      return this.#refuse("not_allowed", "HANDSHAKE_NOT_ALLOWED", "it is not allowed to connect", name);
    }
    if (wantsName !== (typeof decision === "object") || decision === "nok") {
      if (wantsName) return this.#refuse("not_allowed", "HANDSHAKE_NOT_ALLOWED", "no name is given to it", name);
      return this.#refuse("nok", "HANDSHAKE_NOK", "our own attempt goes first", name);
    }
    // The link of a node whose name was given is hidden, and the flag is echoed (observed on OTP 23 to 29).
    const ours = wantsName ? (this.#options.flags | Flag.NameMe) & ~Flag.Published : this.#options.flags;
    const peer = typeof decision === "object" ? decision.named : { name, creation: packet.creation };
    const candidate = { peer, ours, flags, old: packet.old, replacesLive: decision === "alive" };
    if (typeof decision === "object") {
      return this.#challenge(candidate, writeNamed(decision.named.name, decision.named.creation));
    }
    if (decision !== "alive") return this.#challenge(candidate, writeStatus(decision));
    this.#state = { at: "status", candidate };
    return { send: [writeStatus("alive")] };
  }

  #onStatus(bytes: Uint8Array, candidate: Candidate): HandshakeStep {
    const status = readStatus(bytes);
    if (status === "true") return this.#challenge(candidate);
    if (status === "false") {
      return this.#fail("HANDSHAKE_ALIVE", "it does not replace its live connection", { status });
    }
    return this.#fail("HANDSHAKE_PROTOCOL", "it did not say whether it replaces its live connection");
  }

  #challenge(candidate: Candidate, ...before: Uint8Array[]): HandshakeStep {
    const { self, random } = this.#options;
    const challenge = random.u32();
    this.#state = { at: candidate.old ? "complement" : "reply", candidate, challenge };
    const packet = writeChallenge({ flags: candidate.ours, challenge, creation: self.creation, name: self.name });
    return { send: [...before, packet] };
  }

  #onComplement(bytes: Uint8Array, state: State & { at: "complement" }): HandshakeStep {
    const complement = readComplement(bytes);
    if (complement === undefined) return this.#fail("HANDSHAKE_PROTOCOL", "it did not complete its flags");
    const { peer, flags: lowFlags } = state.candidate;
    const flags = expandDigest(lowFlags | complement.highFlags);
    const missing = REQUIRED_OF_PEERS & ~flags;
    if (missing) return this.#lacking(missing, peer.name);
    const candidate = { ...state.candidate, flags, peer: { name: peer.name, creation: complement.creation } };
    this.#state = { at: "reply", candidate, challenge: state.challenge };
    return NOTHING;
  }

  #onReply(bytes: Uint8Array, state: State & { at: "reply" }): HandshakeStep {
    const reply = readReply(bytes);
    if (reply === undefined) return this.#fail("HANDSHAKE_PROTOCOL", "it did not answer the challenge");
    const { peer, flags, ours, replacesLive } = state.candidate;
    const cookie = this.#options.cookieFor(peer.name);
    if (!digestsEqual(reply.digest, digestOf(state.challenge, cookie))) {
      return this.#fail("HANDSHAKE_COOKIE", "its digest is not made with our cookie");
    }
    this.#state = { at: "ended" };
    if (replacesLive) this.#options.takeOver?.(peer.name);
    return {
      send: [writeAck(digestOf(reply.challenge, cookie))],
      end: { peer, self: this.#options.self, flags: flags & ours },
    };
  }

  #lacking(missing: Flags, peer: string): HandshakeStep {
    return this.#refuse("not_allowed", "HANDSHAKE_FLAGS", `it lacks ${flagNames(missing).join(", ")}`, peer);
  }

  #refuse(status: string, code: HandshakeErrorCode, problem: string, peer: string): HandshakeStep {
    return { ...this.#fail(code, problem, { status, peer }), send: [writeStatus(status)] };
  }

  #due(): HandshakeStepName {
    return this.#state.at === "ended" ? "connect" : this.#state.at;
  }

  #fail(
    code: HandshakeErrorCode,
    problem: string,
    more?: { status?: string; peer?: string; cause?: unknown },
  ): HandshakeStep {
    const state = this.#state;
    if (state.at === "ended") return NOTHING;
    const peer = state.at === "name" ? undefined : state.candidate.peer.name;
    const error = new HandshakeError(code, problem, { peer, step: this.#due(), ...more });
    this.#state = { at: "ended" };
    return { send: [], end: error };
  }
}
