import {
  type ByteStream,
  type Clock,
  type Logger,
  safeLogger,
  silentLogger,
  systemClock,
  type Timer,
  type Transport,
} from "../base/index.ts";
import { tcpTransport } from "../net/index.ts";
import { EpmdClient } from "./client.ts";
import { EpmdError } from "./errors.ts";
import { DEFAULT_EPMD_LIMITS, type EpmdLimits, EpmdServer } from "./server.ts";
import { epmdSettings } from "./settings.ts";

/** `server`: the epmd of this machine is ours. `client`: another one has the port. */
export type EpmdRole = "server" | "client";

/** Options of {@link startEpmd}. */
export interface StartEpmdOptions {
  /** Default: `ERL_EPMD_PORT`, else 4369. 0 takes a free one. */
  readonly port?: number | undefined;
  /** Where to listen beside loopback. Default: `ERL_EPMD_ADDRESS`, else everywhere, which an empty list says too. */
  readonly addresses?: readonly string[] | undefined;
  /** Whether to become the server when the other epmd goes away. Default true. */
  readonly takeOver?: boolean | undefined;
  /** Obeys STOP, and KILL while nodes are registered. Default false, whatever the environment says. */
  readonly relaxed?: boolean | undefined;
  readonly limits?: Partial<EpmdLimits> | undefined;
  /** Hears when the role changes. What it throws is dropped. */
  readonly onRole?: ((role: EpmdRole) => void) | undefined;
  readonly transport?: Transport | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
}

/** Shortest time between two tries to take over, and to find the other epmd again. */
const RETRY_MS = 2_000;

/** How long the other epmd has to show that it is one. */
const RECOGNISE_MS = 5_000;

/**
 * Makes sure that this machine has an epmd: starts one in this process, or stands aside when one already runs.
 *
 * It does what the stock daemon does, so BEAM nodes on this machine and elsewhere can use it in its place. While
 * another one has the port, it holds an idle connection to that one, and takes over when it goes away; nodes that
 * were registered there register again by themselves. Two that start at the same moment end with one server.
 *
 * Registrations and commands are taken from this machine only, look-ups and listings from everywhere.
 *
 * @returns once an epmd serves the port, ours or not.
 * @throws {@link EpmdError} `EPMD_LISTEN` when the port can not be listened at and what has it is no epmd.
 */
export async function startEpmd(options: StartEpmdOptions = {}): Promise<Epmd> {
  return Epmd.start(options);
}

type State =
  | { readonly is: "starting" }
  | { readonly is: "serving"; readonly server: EpmdServer }
  | { readonly is: "watching"; readonly stream: ByteStream | undefined }
  | { readonly is: "waiting"; readonly timer: Timer }
  | { readonly is: "closed" };

/** What {@link startEpmd} gives. */
export class Epmd {
  readonly #options: StartEpmdOptions;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #hosts: readonly string[];
  readonly #giveUp = new AbortController();
  #port: number;
  #state: State = { is: "starting" };
  #watchedSince = 0;
  #takingOver: Promise<void> | undefined;
  #ending: Promise<void> | undefined;
  #resolveClosed!: () => void;

  /** Resolves when it is closed, by {@link close} or by a KILL request. */
  readonly closed: Promise<void>;

  /** @internal Use {@link startEpmd}. */
  static async start(options: StartEpmdOptions): Promise<Epmd> {
    const epmd = new Epmd(options);
    await epmd.#start();
    return epmd;
  }

  private constructor(options: StartEpmdOptions) {
    const settings = epmdSettings();
    this.#options = options;
    this.#port = options.port ?? settings.port;
    this.#hosts = hostsFor(options.addresses ?? settings.addresses);
    this.#transport = options.transport ?? tcpTransport;
    this.#clock = options.clock ?? systemClock;
    this.#logger = safeLogger(options.logger ?? silentLogger);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Whether the epmd of this machine is ours. It can change from `client` to `server`. */
  get role(): EpmdRole {
    return this.#state.is === "serving" ? "server" : "client";
  }

  get port(): number {
    return this.#port;
  }

  /** Names registered with our server, 0 as a client. */
  get names(): number {
    return this.#state.is === "serving" ? this.#state.server.names : 0;
  }

  /** Connections open to our server, 0 as a client. */
  get connections(): number {
    return this.#state.is === "serving" ? this.#state.server.connections : 0;
  }

  /** Ends it: the server with all its connections, or the watching. Resolves once nothing of it is left. */
  close(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<void> {
    try {
      await this.#serve();
    } catch (cause) {
      if (!(await this.#isEpmdThere())) {
        const at = { host: this.#hosts[0]!, port: this.#port };
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new EpmdError("EPMD_LISTEN", `no epmd can be started at ${at.host}:${at.port}: ${why}`, at, { cause });
      }
      this.#state = { is: "watching", stream: undefined };
      if (this.#options.takeOver ?? true) await this.#watch();
    }
  }

  async #serve(): Promise<void> {
    const server = await EpmdServer.listen({
      port: this.#port,
      hosts: this.#hosts,
      transport: this.#transport,
      clock: this.#clock,
      relaxed: this.#options.relaxed ?? false,
      limits: { ...DEFAULT_EPMD_LIMITS, ...this.#options.limits },
      onKilled: () => void this.close(),
    });
    if (this.#state.is === "closed") return server.close();
    this.#port = server.port;
    this.#state = { is: "serving", server };
  }

  async #isEpmdThere(): Promise<boolean> {
    const client = new EpmdClient({ port: this.#port, transport: this.#transport, clock: this.#clock });
    try {
      await client.names({ timeoutMs: RECOGNISE_MS });
      return true;
    } catch {
      return false;
    }
  }

  /** Holds a connection to the other epmd. It ends when that one ends, or after the idle time it grants. */
  async #watch(): Promise<void> {
    this.#watchedSince = this.#clock.now();
    this.#state = { is: "watching", stream: undefined };
    const handler = { data() {}, drained() {}, closed: () => this.#lost() };
    try {
      const endpoint = { host: "127.0.0.1", port: this.#port };
      const stream = await this.#transport.connect(endpoint, handler, { signal: this.#giveUp.signal });
      if (this.#giveUp.signal.aborted) stream.close({ abort: true });
      else this.#state = { is: "watching", stream };
    } catch {
      this.#tryLater(RETRY_MS);
    }
  }

  #lost(): void {
    if (this.#state.is === "watching") this.#tryLater(0);
  }

  #tryLater(ms: number): void {
    if (this.#state.is === "closed") return;
    const timer = this.#clock.setTimer(ms, () => {
      this.#takingOver = this.#takeOver();
    });
    this.#state = { is: "waiting", timer };
  }

  async #takeOver(): Promise<void> {
    try {
      await this.#serve();
    } catch {
      // One that closes its connections at once, or is none, must not be asked in a loop.
      if (this.#clock.now() - this.#watchedSince < RETRY_MS) this.#tryLater(RETRY_MS);
      else if (this.#state.is !== "closed") await this.#watch();
      return;
    }
    if (this.#state.is !== "serving") return;
    this.#logger.info(`the epmd at port ${this.#port} went away, this process is the epmd now`);
    try {
      this.#options.onRole?.("server");
    } catch {
      // The listener's failure is not the epmd's.
    }
  }

  async #end(): Promise<void> {
    const state = this.#state;
    this.#state = { is: "closed" };
    this.#giveUp.abort();
    if (state.is === "serving") await state.server.close();
    else if (state.is === "watching") state.stream?.close({ abort: true });
    else if (state.is === "waiting") state.timer.cancel();
    await this.#takingOver;
    this.#resolveClosed();
  }
}

const EVERYWHERE = ["0.0.0.0", "::"];
const LOOPBACK = ["127.0.0.1", "::1"];

/** Loopback always, unless the address that stands for all of its family is in the list. */
function hostsFor(addresses: readonly string[]): readonly string[] {
  if (addresses.length === 0) return EVERYWHERE;
  const loopback = LOOPBACK.filter((_, family) => !addresses.includes(EVERYWHERE[family]!));
  return [...new Set([...addresses, ...loopback])];
}
