import { ArgumentError, type Listener, type Logger } from "../base/index.ts";
import type { Connection } from "../dist/index.ts";
import type { Epmd, Registration } from "../epmd/index.ts";
import type { Exposed, ExposedFunction, ExposeOptions, Keeper, Peers } from "../node/index.ts";
import {
  type AnyServer,
  type ApiOf,
  Applications,
  addChild,
  type ChildSpec,
  type StartedServer,
  type StartOptions,
  SysClient,
  startServer,
} from "../otp/index.ts";
import { Erpc, Rpc } from "../remote/index.ts";
import {
  type Destination,
  infoOf,
  keepIn,
  Process,
  type ProcessCore,
  type ProcessInfo,
  type ProcessName,
  Reason,
  type Runtime,
} from "../runtime/index.ts";
import {
  ConsumerSupervisorProcess,
  type EventStream,
  StageProcess,
  type StageStats,
  type StreamOptions,
  stream,
} from "../stage/index.ts";
import type { Pid, Term } from "../term/index.ts";

/** Everything that a started node consists of; the parts are made by `startNode`. */
export interface NodeParts {
  readonly runtime: Runtime;
  readonly host: ProcessCore;
  readonly peers: Peers;
  readonly exposed: Exposed;
  readonly keeper: Keeper;
  readonly listeners: readonly Listener[];
  readonly registration: Registration | undefined;
  readonly epmd: Epmd | undefined;
  readonly logger: Logger;
  readonly netTickTimeMs: number;
  /** Handshakes that peers began and that are under way. */
  readonly accepting: { readonly size: number; drop(): void };
}

/** Figures about one connection. */
export interface PeerStats {
  readonly node: string;
  /** Both announced that they are visible. */
  readonly visible: boolean;
  readonly queuedBytes: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly packetsRead: number;
  readonly packetsWritten: number;
}

/** Figures about a node. Everything but `dials` and `refused` is zero or empty once it has stopped. */
export interface NodeStats {
  readonly peers: readonly PeerStats[];
  /** Connections that are being made, by us or by peers. */
  readonly connecting: number;
  /** Connections that were attempted from here since the start. */
  readonly dials: number;
  readonly processes: number;
  readonly names: number;
  readonly aliases: number;
  /** Monitors that others hold on processes here. */
  readonly monitored: number;
  /**
   * What other nodes have asked for since the start and did not get: functions that are not exposed, closures, requests of `sys`
   * and supervisors that are not granted, signals against their rules, names that nobody has, the end of the node's own processes.
   */
  readonly refused: number;
  /** The GenStage stages of this node, those that loops over streams are included, and ConsumerSupervisors. */
  readonly stages: readonly StageStats[];
}

/** As `net_kernel:set_net_ticktime/1`. */
const DEFAULT_TICK_TRANSITION_MS = 60_000;

/**
 * Why a node came to its end: `stopped` by `stop()`, `name_lost` when it had its name from a node to which the connection is
 * gone, `application_ended` when an application ended that it is not to run without, or the name of the signal that stopped it.
 */
export type NodeEnd = "stopped" | "name_lost" | "application_ended" | NodeJS.Signals;

/**
 * This process as a node of the cluster. It has the interface of a {@link Process}: `call`, `send`, `monitor` and the rest
 * act for a process of the host's own.
 *
 * Like a server, a node keeps the process alive while it runs. `await using` stops it at the end of a block; `closed` settles
 * when it has stopped.
 */
export class Node extends Process implements AsyncDisposable {
  readonly #parts: NodeParts;
  #netTickTimeMs: number;
  #stopping: Promise<void> | undefined;
  #end!: (end: NodeEnd) => void;

  /** Why the node stopped, once it has; does not reject. */
  readonly closed: Promise<NodeEnd>;
  /** Calls of functions on other nodes, whose failures keep their class and stack. */
  readonly erpc: Erpc;
  /** The same with the older rules of `:rpc`. */
  readonly rpc: Rpc;
  /** Named parts of the node that are started and stopped as a whole. */
  readonly applications: Applications;
  /** Looks into OTP processes of any node, and governs them, as Erlang's `sys` does. */
  readonly sys: SysClient;

  constructor(parts: NodeParts) {
    super(parts.host);
    this.#parts = parts;
    this.#netTickTimeMs = parts.netTickTimeMs;
    this.erpc = new Erpc(parts.host);
    this.rpc = new Rpc(parts.host);
    this.sys = new SysClient(this);
    this.applications = new Applications(parts.host, () => void this.stop("application_ended"));
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** The node's own name, `name@host`. */
  get name(): string {
    return this.#parts.runtime.identity.node;
  }

  /** What tells this life of the node from others of the same name. */
  get creation(): number {
    return this.#parts.runtime.identity.creation;
  }

  /** The port it listens at, the first of several, undefined when it does not. */
  get port(): number | undefined {
    return this.#parts.listeners[0]?.endpoint.port;
  }

  /**
   * Starts a server, or a stage, and waits for its `init`.
   *
   * @throws ExitError with the reason that `init` gave, `{already_started, Pid}` when the name is taken, or `ignore`.
   */
  start<S extends AnyServer>(
    server: new () => S,
    ...[options]: undefined extends StartOptions<S>["args"] ? [options?: StartOptions<S>] : [options: StartOptions<S>]
  ): Promise<StartedServer<ApiOf<S>>> {
    return startServer(this.#parts.host, server, options ?? {});
  }

  /**
   * Starts a child of a supervisor of this node, which keeps it from then on. Same as `Supervisor.start_child/2` and
   * `DynamicSupervisor.start_child/2`.
   *
   * @returns the child's pid; undefined when its start function said `ignore`.
   * @throws ExitError with the reason that those give; ArgumentError for what is no supervisor here.
   */
  startChild(supervisor: Destination, spec: ChildSpec): Promise<Pid | undefined> {
    return addChild(this.#parts.host, supervisor, spec);
  }

  /**
   * The events of a GenStage producer, or of several, as something to loop over. The loop is the demand: a slow body slows
   * the producer down. Leaving the loop cancels the subscription.
   *
   * The loop ends when the producer ends with `normal`, and throws when it crashes or its node is lost (`NODEDOWN`).
   */
  stream<E = Term>(producer: Destination | readonly Destination[], options?: StreamOptions): EventStream<E> {
    return stream<E>(this.#parts.host, producer, options);
  }

  /**
   * Lets other nodes call these functions of a module by `:erpc`, `:rpc` and `Node.spawn`. Nothing else can be called.
   * A key `quote` takes any number of arguments, `"quote/1"` one. Returns a function that takes them back.
   */
  expose(
    module: ProcessName,
    functions: Readonly<Record<string, ExposedFunction>>,
    options?: ExposeOptions,
  ): () => void {
    return this.#parts.exposed.add(module, functions, options);
  }

  /** Keeps a value under a name for all processes of the node: what `process.env(name)` finds when nothing nearer has it. */
  override setEnv(name: string, value: unknown): void {
    keepIn(this.#parts.runtime.environment, name, value);
  }

  /** Connects to a node. Rejects with what went wrong: HandshakeError, EpmdError, NodeUnknownError, NetError. */
  connect(node: string): Promise<void> {
    return this.#parts.peers.connect(node);
  }

  /**
   * Connects to a node, and again whenever the connection is lost or cannot be made, after a wait that grows from try to try
   * (option `reconnect`). Returns a function that ends the keeping; the connection stays.
   *
   * @throws ArgumentError for what is no node name.
   */
  keepConnected(node: string): () => void {
    return this.#parts.keeper.keep(node);
  }

  /** Ends the connection to a node. False when there is none. */
  disconnect(node: string): boolean {
    return this.#parts.peers.disconnect(node);
  }

  /** The net tick time: a peer that is silent for about so long is lost. */
  get netTickTimeMs(): number {
    return this.#netTickTimeMs;
  }

  /**
   * Changes the net tick time of this node. The others of the cluster have to change theirs as well; as nothing of it goes
   * over the wire, ticks are sent in the shorter of the two rhythms until `transitionMs`, default 60,000, are over, and
   * silence is borne as long as the longer one says. Same as `net_kernel:set_net_ticktime/2`.
   */
  setNetTickTime(timeMs: number, options: { readonly transitionMs?: number } = {}): void {
    if (!(timeMs > 0)) throw new ArgumentError("timeMs", `must be above 0, got ${timeMs}`);
    this.#netTickTimeMs = timeMs;
    this.#parts.peers.changeTickTime(timeMs, options.transitionMs ?? DEFAULT_TICK_TRANSITION_MS);
  }

  /** The names of the nodes that are connected. */
  peers(): string[] {
    return this.#parts.peers.connections().map((connection) => connection.peer.name);
  }

  /** What a process of this node has to do with others, as `Process.info/2` tells it; undefined once it has ended. */
  processInfo(pid: Pid): ProcessInfo | undefined {
    const core = this.#parts.runtime.find(pid);
    return core && infoOf(core);
  }

  /** Figures about the node, as they are now. */
  stats(): NodeStats {
    const { peers, accepting, runtime } = this.#parts;
    const counts = runtime.counts();
    return {
      peers: peers.connections().map(peerStats),
      connecting: peers.connecting + accepting.size,
      dials: peers.dials,
      processes: counts.processes,
      names: counts.names,
      aliases: counts.aliases,
      monitored: counts.watches,
      refused: runtime.refused,
      stages: stagesOf(runtime),
    };
  }

  /**
   * Stops the node: its applications, the one that was started last first; then its processes with `shutdown`, which tells
   * those linked to them; then its connections, its name and its port. Resolves once nothing is left.
   */
  stop(end: NodeEnd = "stopped"): Promise<void> {
    // What the running callback has caused is to be told to others before the connections go.
    this.#stopping ??= Promise.resolve().then(() => this.#stop(end));
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(end: NodeEnd): Promise<void> {
    const { runtime, peers, keeper, accepting, listeners, registration, epmd } = this.#parts;
    await this.applications.stopAll();
    for (const core of [...runtime.processes()]) core.exit(Reason.shutdown);
    keeper.stop();
    accepting.drop();
    peers.stop();
    await Promise.all([...listeners.map((listener) => listener.close()), registration?.close()]);
    await epmd?.close();
    this.#end(end);
  }
}

function stagesOf(runtime: Runtime): StageStats[] {
  return [...runtime.processes()].flatMap(({ behaviour }) =>
    behaviour instanceof StageProcess || behaviour instanceof ConsumerSupervisorProcess ? [behaviour.stats()] : [],
  );
}

function peerStats(connection: Connection): PeerStats {
  const { peer, abilities, queuedBytes, bytesRead, bytesWritten, packetsRead, packetsWritten } = connection;
  const { visible } = abilities;
  return { node: peer.name, visible, queuedBytes, bytesRead, bytesWritten, packetsRead, packetsWritten };
}
