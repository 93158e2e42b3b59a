import type { BackoffOptions, Clock, Logger, Random, Transport } from "../base/index.ts";
import type { ConnectionLimits } from "../dist/index.ts";
import type { DecodeLimits, Profile } from "../etf/index.ts";
import type { AddressResolver, CookieOptions, PeerRules } from "../node/index.ts";
import type { Output } from "../remote/index.ts";
import type { OtpRules } from "../runtime/index.ts";
import type { Term } from "../term/index.ts";
import type { TlsOptions } from "./carrier.ts";
import type { DynamicName } from "./own-name.ts";

/**
 * How this node makes itself known to others.
 *
 * - `"auto"` (default): registers with the epmd of this machine, and starts one in this process when there is none.
 * - `"require"`: registers; without an epmd the start fails with `EPMD_UNREACHABLE`.
 * - `"none"`: does not register; others must know the port.
 */
export type EpmdMode = "auto" | "require" | "none";

/** A place to listen at. */
export interface ListenOptions {
  /** An address of this machine, `0.0.0.0` or `::` for all of a family. */
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
}

/** Options of {@link startNode}. */
export interface NodeOptions extends CookieOptions, Profile {
  /**
   * The full name, `name@host`. A host with a dot, or an address, makes it a long name, any other a short one; nodes of the
   * two kinds do not connect. `{ from: "shop@10.0.0.7" }` asks that node for a name: such a node does not listen, and stops
   * with `name_lost` when the connection to it is gone.
   */
  readonly name: string | DynamicName;
  /**
   * Where to listen. Default: a free port on all IPv4 addresses, on all IPv6 ones when the host part is one of those, on the
   * host part's address when that is a loopback one. With several places, the port of the first is registered.
   * `false`: not at all; then nobody can connect from outside, and no name is registered.
   */
  readonly listen?: ListenOptions | readonly ListenOptions[] | false;
  /** The port that others are to use, where it is not the one that is listened at: behind NAT, or in a container. */
  readonly advertisedPort?: number;
  /** Encrypts and authenticates connections between nodes; all nodes of a cluster have to. Default: plain TCP. */
  readonly tls?: TlsOptions;
  /** Nodes to connect to at the start, and again whenever they are lost. See {@link Node.keepConnected}. */
  readonly keepConnected?: readonly string[];
  /** How long to wait before such a node is tried again. */
  readonly reconnect?: BackoffOptions;
  readonly epmd?: EpmdMode;
  /** The port where every epmd is looked for. Default: `ERL_EPMD_PORT`, else 4369. */
  readonly epmdPort?: number;
  /** Says where other nodes listen, in place of epmd. */
  readonly resolve?: AddressResolver;
  /**
   * Hidden nodes (default) are not listed by `Node.list/0` and have no part in `global`. `true` is refused with `BADARG`: a
   * visible node has to speak all of `global`, and half of it would block name registration in the whole cluster.
   */
  readonly visible?: boolean;
  /** Visible without `global`. For tests of the visible handshake only. */
  readonly unsafeVisible?: boolean;
  /** The net tick time in milliseconds, default 60,000: a silent peer is lost after 0.75 to 1.25 times it. */
  readonly netTickTimeMs?: number;
  /** The time for each step of connecting, default 7,000 ms. */
  readonly setupTimeoutMs?: number;
  /** What a peer that knows the cookie may do here; asked once for each connection. Default: everything. */
  readonly rules?: (node: string) => PeerRules | undefined;
  /**
   * What processes of other nodes may ask of the servers and supervisors here beyond calls and messages: `:sys`, changes of
   * children. A server can be started with rules of its own. Default: everything.
   */
  readonly otp?: OtpRules;
  /** Stops the node when the process gets one of these signals. */
  readonly stopOn?: readonly NodeJS.Signals[];
  /**
   * Gets the messages that are sent to the node's own pid. It may be asynchronous: the messages behind wait. Default: they
   * are dropped.
   */
  readonly onMessage?: (message: Term) => void;
  /** `"share"` hands messages within the node over as they are, uncopied and unchecked. Default `"copy"`. */
  readonly localMessages?: "copy" | "share";
  /** Distinct atoms that one connection may make its peer remember, default 10,000. */
  readonly atomBudget?: number;
  /** Bounds on terms that arrive. */
  readonly decodeLimits?: Partial<DecodeLimits>;
  /** Bounds on frames and fragments that arrive. */
  readonly connectionLimits?: ConnectionLimits;
  /** Bytes queued for one node ahead of a process's next message above which its `send` returns a promise, default 1 MiB. */
  readonly highWaterBytes?: number;
  /**
   * Bytes that wait for one node ahead of a process's next message, the one that is leaving not counted, above which its `send`
   * fails with `BUSY`, default 16 MiB. A message of any size is taken when nothing waits.
   */
  readonly maxQueuedBytes?: number;
  /**
   * Bytes that one peer may have waiting in mailboxes here, and in arguments of functions that it has spawned and that still
   * run, default 256 MiB; above that its connection is closed with
   * `queue_limit`, and the log says `PEER_QUEUE_LIMIT`.
   */
  readonly maxQueuedBytesPerPeer?: number;
  /**
   * Monitors and links that processes of one peer may have made with processes here, default 1,000,000; above that its
   * connection is closed with `tie_limit`, and the log says `PEER_TIE_LIMIT`.
   */
  readonly maxTiesPerPeer?: number;
  /** Signals that may wait for one connection being made before `send` fails with `BUSY`, default 10,000. */
  readonly maxQueuedSignals?: number;
  /**
   * Gets what processes print that were spawned from here on other nodes, by `erpc`, `rpc` or `spawnRemote`: this node is
   * their group leader. Default: standard output.
   */
  readonly output?: Output;
  /** Default: warnings and errors to standard error. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  /** For connections to nodes, unless `tls` is given, and to epmd. Default: TCP. */
  readonly transport?: Transport;
}

export const DEFAULT_HIGH_WATER_BYTES = 1024 * 1024;
export const DEFAULT_MAX_QUEUED_BYTES = 16 * 1024 * 1024;
export const DEFAULT_MAX_QUEUED_BYTES_PER_PEER = 256 * 1024 * 1024;
export const DEFAULT_MAX_TIES_PER_PEER = 1_000_000;
export const DEFAULT_MAX_QUEUED_SIGNALS = 10_000;
export const DEFAULT_SETUP_TIMEOUT_MS = 7_000;
