import type { Random } from "../base/index.ts";
import { digestOf, digestsEqual } from "./digest.ts";
import { HandshakeError, type HandshakeErrorCode, type HandshakeStepName } from "./errors.ts";
import { expandDigest, Flag, type Flags, flagNames, REQUIRED_OF_PEERS } from "./flags.ts";
import {
  type Established,
  type HandshakeMachine,
  type HandshakeStep,
  NOTHING,
  type NodeIdentity,
} from "./handshake.ts";
import { readAck, readChallenge, readStatus, writeName, writeReply, writeStatus } from "./handshake-packets.ts";

/** What {@link HandshakeInitiator} has to know. */
export interface InitiatorOptions {
  /** Who we are. With the flag NAME_ME: only our host, and creation 0. */
  readonly self: NodeIdentity;
  readonly flags: Flags;
  /** The full name of the node that was dialled. */
  readonly peer: string;
  readonly cookie: string;
  readonly random: Random;
  /** The peer believes that we are connected already: true to replace that connection. Default: true. */
  readonly replaceLive?: () => boolean;
}

type State =
  | { readonly at: "idle" }
  | { readonly at: "status" }
  | { readonly at: "challenge"; readonly self: NodeIdentity }
  | { readonly at: "ack"; readonly established: Established; readonly expected: Uint8Array }
  | { readonly at: "ended" };

/**
 * The side that opened the stream.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> idle
 *   idle --> status: start / send name
 *   status --> challenge: ok, ok_simultaneous, named
 *   status --> challenge: alive / send true
 *   status --> ended: nok, not_allowed, alive / send false
 *   challenge --> ack: flags and name fit / send reply
 *   ack --> ended: digest fits, established
 *   status --> ended: time, close, anything else
 *   challenge --> ended: time, close, anything else
 *   ack --> ended: time, close, anything else
 * ```
 */
export class HandshakeInitiator implements HandshakeMachine {
  readonly #options: InitiatorOptions;
  #state: State = { at: "idle" };

  constructor(options: InitiatorOptions) {
    this.#options = options;
  }

  start(): HandshakeStep {
    if (this.#state.at !== "idle") return NOTHING;
    const { self, flags } = this.#options;
    this.#state = { at: "status" };
    return { send: [writeName(self.name, flags, self.creation)] };
  }

  packet(bytes: Uint8Array): HandshakeStep {
    switch (this.#state.at) {
      case "status":
        return this.#onStatus(bytes);
      case "challenge":
        return this.#onChallenge(bytes, this.#state.self);
      case "ack":
        return this.#onAck(bytes, this.#state);
      default:
        return NOTHING;
    }
  }

  tooLarge(tls: boolean): HandshakeStep {
    if (tls) return this.#fail("HANDSHAKE_TLS", "it speaks TLS, and this side does not");
    return this.#fail("HANDSHAKE_PROTOCOL", `what came is too large to be a packet with its ${this.#due()}`);
  }

  timeout(): HandshakeStep {
    const missing = this.#state.at === "idle" ? "there was no stream to it" : `it sent no ${this.#due()}`;
    return this.#fail("HANDSHAKE_TIMEOUT", `${missing} in time`);
  }

  closed(error?: Error): HandshakeStep {
    // A BEAM says nothing when the digest is wrong (observed on OTP 23 to 29): it just closes.
    if (this.#state.at === "ack" && error === undefined) {
      return this.#fail("HANDSHAKE_COOKIE", "it closed after our digest, most likely because the cookies differ");
    }
    return this.#fail("HANDSHAKE_CLOSED", `the stream ended before its ${this.#due()}`, { cause: error });
  }

  #onStatus(bytes: Uint8Array): HandshakeStep {
    const status = readStatus(bytes);
    if (status === undefined) return this.#unexpected();
    const dynamic = (this.#options.flags & Flag.NameMe) !== 0n;
    if (typeof status === "object") {
      if (!dynamic) return this.#fail("HANDSHAKE_PROTOCOL", "it gave us a name that was not asked for");
      this.#state = { at: "challenge", self: status };
      return NOTHING;
    }
    if (status === "not_allowed") {
      return this.#fail("HANDSHAKE_NOT_ALLOWED", "status not_allowed (its allow list, or our flags)", { status });
    }
    if (dynamic) return this.#fail("HANDSHAKE_PROTOCOL", "it gave us no name", { status });
    return this.#onPlainStatus(status);
  }

  #onPlainStatus(status: string): HandshakeStep {
    const next: State = { at: "challenge", self: this.#options.self };
    switch (status) {
      case "ok":
      case "ok_simultaneous":
        this.#state = next;
        return NOTHING;
      case "alive": {
        if (this.#options.replaceLive?.() ?? true) {
          this.#state = next;
          return { send: [writeStatus("true")] };
        }
        const step = this.#fail("HANDSHAKE_ALIVE", "it has a connection to our name, which stays", { status });
        return { ...step, send: [writeStatus("false")] };
      }
      case "nok":
        return this.#fail("HANDSHAKE_NOK", "status nok (its own attempt wins, or our name is not acceptable)", {
          status,
        });
      default:
        return this.#fail("HANDSHAKE_PROTOCOL", "its status is unknown", { status: status.slice(0, 32) });
    }
  }

  #onChallenge(bytes: Uint8Array, self: NodeIdentity): HandshakeStep {
    const challenge = readChallenge(bytes);
    if (challenge === undefined) return this.#unexpected();
    const { peer, cookie, random } = this.#options;
    if (challenge.name !== peer) {
      return this.#fail("HANDSHAKE_NAME", "it has another name than the one that was dialled");
    }
    const flags = expandDigest(challenge.flags) & this.#options.flags;
    const missing = REQUIRED_OF_PEERS & ~flags;
    if (missing) return this.#fail("HANDSHAKE_FLAGS", `it lacks ${flagNames(missing).join(", ")}`);
    const ours = random.u32();
    const established: Established = { peer: { name: peer, creation: challenge.creation }, self, flags };
    this.#state = { at: "ack", established, expected: digestOf(ours, cookie) };
    return { send: [writeReply(ours, digestOf(challenge.challenge, cookie))] };
  }

  #onAck(bytes: Uint8Array, state: State & { at: "ack" }): HandshakeStep {
    const digest = readAck(bytes);
    if (digest === undefined) return this.#unexpected();
    if (!digestsEqual(digest, state.expected)) {
      return this.#fail("HANDSHAKE_COOKIE", "it accepted our digest, but its own is not made with our cookie");
    }
    this.#state = { at: "ended" };
    return { send: [], end: state.established };
  }

  #unexpected(): HandshakeStep {
    return this.#fail("HANDSHAKE_PROTOCOL", `what came is not a packet with its ${this.#due()}`);
  }

  #due(): HandshakeStepName {
    const { at } = this.#state;
    return at === "idle" || at === "ended" ? "connect" : at;
  }

  #fail(code: HandshakeErrorCode, problem: string, more?: { status?: string; cause?: unknown }): HandshakeStep {
    if (this.#state.at === "ended") return NOTHING;
    const error = new HandshakeError(code, problem, { peer: this.#options.peer, step: this.#due(), ...more });
    this.#state = { at: "ended" };
    return { send: [], end: error };
  }
}
