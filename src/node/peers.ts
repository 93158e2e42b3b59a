import {
  ArgumentError,
  type Clock,
  type Logger,
  NodeDownError,
  PeerLimitError,
  type PeerLimitErrorCode,
  type Random,
  type Timer,
} from "../base/index.ts";
import type {
  ConnectDecision,
  Connection,
  ConnectionHandler,
  ConnectRequest,
  Signal,
  UnlinkSignal,
} from "../dist/index.ts";
import { DistributionError, HandshakeError, splitNodeName } from "../dist/index.ts";
import type { Remote, Unsent } from "../runtime/index.ts";
import type { Term } from "../term/index.ts";
import { type Deferred, deferred } from "./deferred.ts";
import { type DownCause, DownCauses } from "./down-causes.ts";
import { type DownReason, NodeStoppedError } from "./errors.ts";
import { GrantedNames } from "./granted-names.ts";
import { PeerLink, type QueueLimits } from "./peer-link.ts";
import { checkRules, PeerGuard, type PeerRules } from "./peer-rules.ts";
import { WaitingSignals } from "./waiting-signals.ts";

/**
 * Opens a connection to a node: address, stream, handshake. The connection reports to {@link Peers.up} before this
 * resolves. Rejects with the error of the step that failed.
 */
export type Dial = (node: string, signal: AbortSignal) => Promise<unknown>;

/** What happens to peers, told to the node that they are peers of. */
export interface PeersOwner {
  /** A signal for one of this node's processes. */
  signal(signal: Signal, from: string, bytes: number): void;
  /** Handles what the signals of a chunk have led to. False when signals come faster than they are handled. */
  settle(): boolean;
  /** A peer sent what its rules forbid. */
  refused(): void;
  /** A connection is up. */
  up(node: string, connection: Connection): void;
  /** A connection is gone, or none could be made. Follows `up` at most once, and comes without it when dialling failed. */
  down(node: string, reason: string, wasUp: boolean): void;
}

export interface PeersOptions extends QueueLimits {
  readonly self: string;
  readonly dial: Dial;
  readonly owner: PeersOwner;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  /** The time for each step of connecting. */
  readonly setupTimeoutMs: number;
  /** What a peer may do; asked once for each connection. */
  readonly rules: ((node: string) => PeerRules | undefined) | undefined;
  /** Signals that may wait for a connection that is being made. */
  readonly maxQueuedSignals: number;
  /** A copy of a term that waits, which nobody changes any more. */
  readonly fixed: (term: unknown) => Term;
}

/** A handshake that a peer began. */
export interface Attempt {
  /** Grows: of two attempts of a peer the later one is what it has not given up. */
  readonly order: number;
}

/** A connection that is being made, by us, by the peer, or both. */
interface Connecting {
  readonly at: "connecting";
  readonly waiting: WaitingSignals;
  /** Ends our own attempt, once there is one. */
  abort: AbortController | undefined;
  /** Settles with the connection's coming up or its failure, for those who wait for that. */
  settled: Deferred | undefined;
  /** An attempt of ours is under way. */
  dialling: boolean;
  /** Handshakes of the peer's making that are under way. */
  readonly accepting: Set<Attempt>;
  /** Runs while nothing is under way but the peer said that an attempt of its own is. */
  patience: Timer | undefined;
}

interface Up {
  readonly at: "up";
  readonly connection: Connection;
  readonly link: PeerLink;
  /** The {@link Attempt} that it came from, 0 for one of ours. */
  readonly order: number;
}

/**
 * The other nodes: at most one connection to each, made on first use by those who may, and the signals that go there.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> connecting: dial, or the peer's handshake begins
 *   connecting --> up: a handshake of either side succeeds / queued signals leave
 *   connecting --> [*]: all attempts failed / down
 *   up --> [*]: closed / down
 * ```
 */
export class Peers implements Remote {
  readonly #options: PeersOptions;
  readonly #peers = new Map<string, Connecting | Up>();
  readonly #downCauses = new DownCauses();
  readonly #grantedNames: GrantedNames;
  /** The net tick time, once it has been changed. */
  #tickTimeMs: number | undefined;
  #dials = 0;
  #stopped = false;

  constructor(options: PeersOptions) {
    this.#options = options;
    this.#grantedNames = new GrantedNames(options.random);
  }

  /** Connections that were attempted from here. */
  get dials(): number {
    return this.#dials;
  }

  /** The connections that are up. */
  connections(): Connection[] {
    return [...this.#peers.values()].flatMap((peer) => (peer.at === "up" ? [peer.connection] : []));
  }

  /** Changes the net tick time of all connections, and of those to come; see {@link Connection.changeTickTime}. */
  changeTickTime(timeMs: number, transitionMs: number): void {
    this.#tickTimeMs = timeMs;
    for (const connection of this.connections()) connection.changeTickTime(timeMs, transitionMs);
  }

  /** How many connections are being made. */
  get connecting(): number {
    return [...this.#peers.values()].filter((peer) => peer.at === "connecting").length;
  }

  /** Why there is no connection to a node, if there was or should have been one. */
  downCause(node: string): DownCause | undefined {
    return this.#downCauses.get(node);
  }

  transmit(node: string, signal: Signal, dial: boolean, unsent?: Unsent): Promise<void> | undefined {
    const peer = this.#peers.get(node) ?? (dial ? this.#dial(node) : undefined);
    if (peer === undefined) return undefined;
    if (peer.at === "connecting") {
      peer.waiting.add(signal, unsent);
      return undefined;
    }
    peer.link.admit(signal);
    return this.#send(peer, signal);
  }

  overLimit(error: PeerLimitError): void {
    const peer = this.#peers.get(error.node);
    if (peer?.at === "up") peer.connection.close(LIMIT_REASONS[error.code], { abort: true, error });
  }

  /** Connects, unless there is a connection already. Rejects with the error of the step that failed. */
  connect(node: string): Promise<void> {
    if (node === this.#options.self) return Promise.resolve();
    const peer = this.#peers.get(node) ?? this.#dial(node);
    if (peer.at === "up") return Promise.resolve();
    peer.settled ??= unheeded();
    return peer.settled.promise;
  }

  /** Ends the connection to a node. False when there is none. */
  disconnect(node: string): boolean {
    const peer = this.#peers.get(node);
    if (peer === undefined) return false;
    if (peer.at === "up") peer.connection.close("disconnect");
    else this.#fail(node, peer, new NodeDownError(node, "disconnect"));
    return true;
  }

  /** Ends all connections, and refuses new ones. */
  stop(): void {
    this.#stopped = true;
    for (const [node, peer] of this.#peers) {
      if (peer.at === "up") peer.connection.close("shutdown");
      else this.#fail(node, peer, new NodeStoppedError(this.#options.self));
    }
  }

  /** What to answer a peer that wants to connect: the table of erl_dist_protocol, "Distribution Handshake". */
  decide(request: ConnectRequest, attempt: Attempt): ConnectDecision {
    const { self } = this.#options;
    if (this.#stopped) return "close";
    if (request.wantsName) return this.#grant(request.name, attempt);
    if (request.name === self) return "nok";
    const peer = this.#peers.get(request.name);
    if (peer?.at === "up") return "alive";
    if (peer === undefined) {
      this.#connecting(request.name).accepting.add(attempt);
      return "ok";
    }
    if (peer.dialling && self > request.name) return "nok";
    peer.accepting.add(attempt);
    peer.patience?.cancel();
    if (!peer.dialling) return "ok";
    this.#giveWay(request.name, peer);
    return "ok_simultaneous";
  }

  /** A peer that has proven to know the cookie replaces its live connection. */
  takeOver(node: string, attempt: Attempt): void {
    const before = this.#peers.get(node);
    if (before?.at === "up") before.connection.close("replaced");
    // Who was told of the loss may have begun to dial.
    const peer = this.#peers.get(node) ?? this.#connecting(node);
    if (peer.at === "connecting") peer.accepting.add(attempt);
  }

  /** A handshake that the peer began has failed. */
  acceptFailed(node: string, attempt: Attempt, error: Error): void {
    const peer = this.#peers.get(node);
    if (peer?.at !== "connecting" || !peer.accepting.delete(attempt)) return;
    if (peer.accepting.size === 0 && !peer.dialling) this.#fail(node, peer, error);
  }

  /** A handshake succeeded: the peer's `attempt`, or one of ours. Gives what the connection reports to. */
  up(connection: Connection, attempt: Attempt = OURS): ConnectionHandler {
    const node = connection.peer.name;
    const live = this.#peers.get(node);
    if (this.#stopped || (live?.at === "up" && live.order > attempt.order)) {
      connection.close("disconnect");
      return NOBODY;
    }
    let guard: Pick<ConnectionHandler, "admission">;
    try {
      guard = this.#guard(node, connection);
    } catch (error) {
      return this.#withoutRules(node, connection, error as Error);
    }
    if (live?.at === "up") live.connection.close("replaced");
    const before = this.#connectingTo(node);
    if (attempt !== OURS && before?.dialling) this.#giveWay(node, before);
    const link = new PeerLink(connection, this.#options);
    const peer: Up = { at: "up", connection, link, order: attempt.order };
    this.#peers.set(node, peer);
    this.#downCauses.forget(node);
    if (this.#tickTimeMs !== undefined) connection.changeTickTime(this.#tickTimeMs, 0);
    this.#options.owner.up(node, connection);
    if (before !== undefined) {
      before.patience?.cancel();
      // They were admitted when they began to wait.
      before.waiting.sendAll((signal) => void this.#send(peer, signal), this.#options.logger);
      before.settled?.resolve();
    }
    return {
      ...guard,
      signal: (signal, bytes) => this.#options.owner.signal(signal, node, bytes),
      settle: () => this.#options.owner.settle(),
      drained: (lane) => link.drained(lane),
      closed: (reason, error) => this.#down(node, peer, reason, error),
    };
  }

  #send(peer: Up, signal: Signal): Promise<void> | undefined {
    const { link, connection } = peer;
    const room = link.transmit(signal);
    if (signal.op === "unlink" && !connection.abilities.unlinkId) this.#acknowledge(signal, connection.peer.name);
    return room;
  }

  #grant(host: string, attempt: Attempt): ConnectDecision {
    const named = this.#grantedNames.grant(host);
    this.#connecting(named.name).accepting.add(attempt);
    return { named };
  }

  /**
   * A peer of old (OTP 23.2) does not acknowledge: an unlink holds at once, so that a link of its making that follows counts.
   * erl_dist_protocol, "Link Protocol".
   */
  #acknowledge({ from, to, id }: UnlinkSignal, node: string): void {
    this.#options.owner.signal({ op: "unlinkAck", from: to, to: from, id }, node, 0);
  }

  #connectingTo(node: string): Connecting | undefined {
    const peer = this.#peers.get(node);
    return peer?.at === "connecting" ? peer : undefined;
  }

  /** Ends our own attempt in favour of one of the peer's. */
  #giveWay(node: string, peer: Connecting): void {
    peer.dialling = false;
    peer.abort?.abort(new HandshakeError("HANDSHAKE_NOK", "the peer's attempt wins", { peer: node, step: "name" }));
  }

  #guard(node: string, connection: Connection): Pick<ConnectionHandler, "admission"> {
    const rules = this.#options.rules?.(node);
    if (rules === undefined) return {};
    checkRules(rules);
    const admission = new PeerGuard(rules, this.#options.clock, {
      answer: (signal) => void connection.transmit(signal),
      refused: () => this.#options.owner.refused(),
      instead: (signal) => this.#options.owner.signal(signal, node, 0),
      tooMany: (signals) => {
        const problem = `it sends ${signals} signals in a second`;
        this.overLimit(new PeerLimitError("PEER_RATE_LIMIT", node, problem));
      },
    });
    return { admission };
  }

  /** A peer whose rules cannot be told is not let in, since it would be held to none. */
  #withoutRules(node: string, connection: Connection, error: Error): ConnectionHandler {
    this.#options.logger.error(`${node} is not let in, as there are no rules for it: ${error?.message}`, { error });
    connection.close("disconnect");
    const before = this.#connectingTo(node);
    if (before !== undefined) this.#fail(node, before, error);
    return NOBODY;
  }

  #dial(node: string): Connecting {
    if (this.#stopped) throw new NodeStoppedError(this.#options.self);
    if (splitNodeName(node) === undefined) throw new ArgumentError("node", `${node} is no node name`);
    const peer = this.#connecting(node);
    peer.dialling = true;
    this.#dials++;
    peer.abort = new AbortController();
    this.#options.dial(node, peer.abort.signal).catch((error: Error) => {
      if (this.#peers.get(node) === peer && peer.dialling) this.#dialFailed(node, peer, error);
    });
    return peer;
  }

  #connecting(node: string): Connecting {
    const peer: Connecting = {
      at: "connecting",
      waiting: new WaitingSignals(node, this.#options.maxQueuedSignals, this.#options.fixed),
      abort: undefined,
      settled: undefined,
      dialling: false,
      accepting: new Set(),
      patience: undefined,
    };
    this.#peers.set(node, peer);
    return peer;
  }

  /** With `nok` the peer says that its own attempt is under way and wins: that one is waited for. */
  #dialFailed(node: string, peer: Connecting, error: Error): void {
    peer.dialling = false;
    if (peer.accepting.size > 0) return;
    if (!(error instanceof HandshakeError && error.code === "HANDSHAKE_NOK")) return this.#fail(node, peer, error);
    peer.patience = this.#options.clock.setTimer(this.#options.setupTimeoutMs, () => this.#fail(node, peer, error));
  }

  #fail(node: string, peer: Connecting, error: Error): void {
    peer.dialling = false;
    peer.patience?.cancel();
    peer.abort?.abort(error);
    this.#peers.delete(node);
    this.#grantedNames.release(node, false);
    this.#downCauses.remember(node, { reason: "connection_setup_failed", error });
    peer.settled?.reject(error);
    this.#options.owner.down(node, "connection_setup_failed", false);
  }

  #down(node: string, peer: Up, reason: string, error: Error | undefined): void {
    if (this.#peers.get(node) !== peer) return;
    this.#peers.delete(node);
    this.#grantedNames.release(node, true);
    this.#downCauses.remember(node, { reason, error });
    if (error instanceof DistributionError || error instanceof PeerLimitError)
      this.#options.logger.warn(error.message, { code: error.code });
    peer.link.ended();
    this.#options.owner.down(node, reason, true);
  }
}

/** Nobody need take notice of its failure. */
function unheeded(): Deferred {
  const settled = deferred();
  settled.promise.catch(() => {});
  return settled;
}

/** Our own attempts, of which there is one at a time. */
const OURS: Attempt = { order: 0 };

/** What a connection reports to that nobody wants. */
const NOBODY: ConnectionHandler = { signal() {}, drained() {}, closed() {} };

const LIMIT_REASONS: Record<PeerLimitErrorCode, DownReason> = {
  PEER_QUEUE_LIMIT: "queue_limit",
  PEER_TIE_LIMIT: "tie_limit",
  PEER_RATE_LIMIT: "rate_limit",
};
