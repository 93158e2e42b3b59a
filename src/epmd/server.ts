import type { ByteStream, ByteStreamHandler, Clock, Endpoint, Listener, Timer, Transport } from "../base/index.ts";
import { NameTable } from "./name-table.ts";
import { type EpmdService, epmdService, isLocal, ServerConnection, type ServerStep } from "./server-connection.ts";

/** Bounds of an embedded epmd. */
export interface EpmdLimits {
  /** Connections from this machine, registered nodes included. Default 8,192. */
  readonly localConnections: number;
  /** Connections from elsewhere. Default 1,024. They never take a place of those from this machine. */
  readonly remoteConnections: number;
  /** Milliseconds in which a connection has to bring a request and take the answer. Default 60,000. */
  readonly idleMs: number;
}

export const DEFAULT_EPMD_LIMITS: EpmdLimits = {
  localConnections: 8_192,
  remoteConnections: 1_024,
  idleMs: 60_000,
};

export interface ServerOptions {
  readonly port: number;
  /** Where to listen; the first one has to work. */
  readonly hosts: readonly string[];
  readonly transport: Transport;
  readonly clock: Clock;
  readonly relaxed: boolean;
  readonly limits: EpmdLimits;
  /** A KILL was obeyed: the server is about to close. */
  readonly onKilled: () => void;
}

/** Tries to get the same free port on every address, when the port is ours to choose. */
const FREE_PORT_TRIES = 10;

/** How long closing waits for the other sides before it aborts what is left. */
const CLOSE_MS = 1_000;

/** The listening epmd: drives a {@link ServerConnection} for every stream. */
export class EpmdServer {
  readonly port: number;
  readonly #options: ServerOptions;
  readonly #service: EpmdService;
  readonly #connections = new Map<number, Connection>();
  readonly #counts = { local: 0, remote: 0 };
  #listeners: readonly Listener[] = [];
  #lastId = 0;
  #allGone: (() => void) | undefined;

  /** @throws the transport's error when the first address cannot be listened at, or another one is in use. */
  static async listen(options: ServerOptions): Promise<EpmdServer> {
    for (let tries = 1; ; tries++) {
      try {
        return await EpmdServer.#listenOnce(options);
      } catch (error) {
        if (options.port !== 0 || tries === FREE_PORT_TRIES || !isAddressInUse(error)) throw error;
      }
    }
  }

  static async #listenOnce(options: ServerOptions): Promise<EpmdServer> {
    const listeners: Listener[] = [];
    let server: EpmdServer | undefined;
    const accept = (stream: ByteStream, remote: Endpoint, local?: Endpoint): ByteStreamHandler => {
      if (server !== undefined) return server.#accept(stream, remote, local);
      stream.close({ abort: true }); // not listening everywhere yet
      return DEAF;
    };
    try {
      for (const host of options.hosts) {
        const port = listeners[0]?.endpoint.port ?? options.port;
        try {
          listeners.push(await options.transport.listen({ host, port }, accept));
        } catch (error) {
          if (listeners.length === 0 || !isNoSuchAddress(error)) throw error; // a machine without IPv6
        }
      }
    } catch (error) {
      await Promise.all(listeners.map((listener) => listener.close()));
      throw error;
    }
    server = new EpmdServer(options, listeners);
    return server;
  }

  private constructor(options: ServerOptions, listeners: readonly Listener[]) {
    this.#options = options;
    this.#listeners = listeners;
    this.port = listeners[0]!.endpoint.port;
    this.#service = epmdService(new NameTable(() => options.clock.wallTime()), this.port, options.relaxed);
  }

  /** Names that are registered. */
  get names(): number {
    return this.#service.table.size;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Closes everything. Registered nodes see their connection end, and register again with whoever comes next. */
  async close(): Promise<void> {
    const listeners = this.#listeners;
    this.#listeners = [];
    await Promise.all(listeners.map((listener) => listener.close()));
    if (this.#connections.size === 0) return;
    const gone = new Promise<void>((resolve) => {
      this.#allGone = resolve;
    });
    const timer = this.#options.clock.setTimer(CLOSE_MS, () => this.#closeAll({ abort: true }));
    this.#closeAll();
    await gone;
    timer.cancel();
  }

  #closeAll(options?: { abort?: boolean }): void {
    for (const connection of [...this.#connections.values()]) connection.stream.close(options);
  }

  #accept(stream: ByteStream, remote: Endpoint, local: Endpoint | undefined): ByteStreamHandler {
    const isLocalPeer = isLocal(remote.host, local?.host);
    const { limits } = this.#options;
    const kind = isLocalPeer ? "local" : "remote";
    if (this.#counts[kind] >= (isLocalPeer ? limits.localConnections : limits.remoteConnections)) {
      stream.close({ abort: true });
      return DEAF;
    }
    const id = ++this.#lastId;
    const machine = new ServerConnection(this.#service, id, isLocalPeer);
    const connection = new Connection(stream, machine, {
      after: (step) => this.#after(step),
      closed: () => {
        this.#connections.delete(id);
        this.#counts[kind]--;
        if (this.#connections.size === 0) this.#allGone?.();
      },
    });
    connection.startTimer(this.#options.clock, limits.idleMs);
    this.#connections.set(id, connection);
    this.#counts[kind]++;
    return connection;
  }

  #after(step: ServerStep): void {
    if (step.drop !== undefined) this.#connections.get(step.drop)?.stream.close();
    if (step.next === "shutdown") this.#options.onKilled();
  }
}

interface ConnectionOwner {
  after(step: ServerStep): void;
  closed(): void;
}

/** One stream, its machine, and the time that it has until it holds a name. */
class Connection implements ByteStreamHandler {
  readonly stream: ByteStream;
  readonly #machine: ServerConnection;
  readonly #owner: ConnectionOwner;
  #timer: Timer | undefined;

  constructor(stream: ByteStream, machine: ServerConnection, owner: ConnectionOwner) {
    this.stream = stream;
    this.#machine = machine;
    this.#owner = owner;
  }

  startTimer(clock: Clock, idleMs: number): void {
    this.#timer = clock.setTimer(idleMs, () => this.stream.close({ abort: true }));
  }

  data(bytes: Uint8Array): void {
    const step = this.#machine.data(bytes);
    if (step.reply !== undefined) this.stream.write(step.reply);
    // The timer outlives an answer, because the other side may never take it.
    if (step.next === "keep") this.#timer?.cancel();
    else if (step.next !== "wait") this.stream.close();
    this.#owner.after(step);
  }

  drained(): void {}

  closed(): void {
    this.#timer?.cancel();
    this.#machine.closed();
    this.#owner.closed();
  }
}

/** The handler of a stream that was refused. */
const DEAF: ByteStreamHandler = { data() {}, drained() {}, closed() {} };

function isAddressInUse(error: unknown): boolean {
  return /^(EADDRINUSE|NET_ADDRESS_IN_USE)$/.test((error as { code?: string }).code ?? "");
}

function isNoSuchAddress(error: unknown): boolean {
  return (error as { code?: string }).code === "NET_NO_SUCH_ADDRESS";
}
