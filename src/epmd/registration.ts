import { ArgumentError, type ByteStream, type Clock, type Timer, type Transport } from "../base/index.ts";
import { EpmdError } from "./errors.ts";
import { exchange } from "./exchange.ts";
import { decodeAliveReply } from "./replies.ts";
import { checkName, DistVersion, MAX_EXTRA_BYTES, type NodeEntry, NodeType, Protocol } from "./wire.ts";

/** A node to register: its name before `@`, its port, and whatever differs from what a BEAM node of today says. */
export type NewRegistration = Pick<NodeEntry, "name" | "port"> & Partial<NodeEntry>;

/** What happens to a {@link Registration} after it was opened. */
export type RegistrationEvent =
  /** The connection to the epmd is gone, and the name with it. Tries to register again follow. */
  | { readonly type: "lost"; readonly error: Error | undefined }
  /** A try failed; the next one is in `retryMs`. */
  | { readonly type: "failed"; readonly error: Error; readonly retryMs: number }
  /** The name is registered again. The node keeps the creation it has. */
  | { readonly type: "restored" };

/** Options of {@link EpmdClient.register}. */
export interface RegistrationOptions {
  /** For each try, connecting included. */
  readonly timeoutMs?: number | undefined;
  /** Gives up the first try and rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Hears of everything that happens later. What it throws is dropped. */
  readonly onEvent?: ((event: RegistrationEvent) => void) | undefined;
  /** Wait before the first try after a loss, doubled for each further one. Default 2,000, as the BEAM. */
  readonly retryMs?: number | undefined;
  /** Longest wait between two tries. Default 16,000. */
  readonly maxRetryMs?: number | undefined;
}

interface OpenOptions extends RegistrationOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

const RETRY_MS = 2_000;
const MAX_RETRY_MS = 16_000;

type State =
  | { readonly is: "opening" }
  | { readonly is: "registered"; readonly stream: ByteStream }
  | { readonly is: "waiting"; readonly timer: Timer }
  | { readonly is: "trying"; readonly giveUp: AbortController }
  | { readonly is: "closing" }
  | { readonly is: "closed" };

/**
 * A node's name at the epmd of its machine. It lives as long as its connection to the epmd.
 *
 * When that is lost, the name is registered again, for ever, first after 2 s, then at growing intervals. The creation
 * is the one of the first answer for good, as on the BEAM: it tells this life of the node from others, not the epmd's.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> opening
 *   opening --> registered
 *   registered --> waiting: connection lost
 *   waiting --> trying
 *   trying --> registered
 *   trying --> waiting: failed
 *   registered --> closing: close
 *   waiting --> closed: close
 *   trying --> closed: close
 *   closing --> closed: connection over
 * ```
 */
export class Registration {
  readonly name: string;
  readonly #entry: NodeEntry;
  readonly #options: OpenOptions;
  #creation = 0;
  #state: State = { is: "opening" };
  #failures = 0;
  readonly #closed: Promise<void>;
  #resolveClosed!: () => void;

  /** Use {@link EpmdClient.register}. */
  static async open(node: NewRegistration, options: OpenOptions): Promise<Registration> {
    const registration = new Registration(node, options);
    const { value, stream } = await registration.#tryOnce(options.signal);
    registration.#creation = value;
    registration.#state = { is: "registered", stream };
    return registration;
  }

  private constructor(node: NewRegistration, options: OpenOptions) {
    this.name = node.name;
    this.#entry = entryOf(node);
    this.#options = options;
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** What tells this life of the node from earlier ones of the same name: given by the epmd at the first registration. */
  get creation(): number {
    return this.#creation;
  }

  /** Whether the epmd has the name just now. */
  get registered(): boolean {
    return this.#state.is === "registered";
  }

  /** Gives the name up. Resolves once the connection is closed on both sides. */
  close(): Promise<void> {
    const state = this.#state;
    switch (state.is) {
      case "registered":
        this.#state = { is: "closing" };
        state.stream.close();
        break;
      case "waiting":
        state.timer.cancel();
        this.#end();
        break;
      case "trying":
        state.giveUp.abort();
        this.#end();
        break;
    }
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #tryOnce(signal: AbortSignal | undefined): Promise<{ value: number; stream: ByteStream }> {
    const { transport, clock, host, port, timeoutMs } = this.#options;
    const at = { host, port, nodeName: this.name };
    const request = { op: "register", entry: this.#entry } as const;
    let lost: { readonly error: Error | undefined } | undefined;
    const onLost = (error?: Error) => {
      lost = { error };
      this.#lost(error);
    };
    const { value, stream } = await exchange(transport, clock, {
      request,
      decode: decodeAliveReply,
      at,
      timeoutMs,
      signal,
      onLost,
    });
    if (value === "refused") {
      stream.close();
      throw new EpmdError("EPMD_NAME_TAKEN", `register ${this.name}: the epmd at ${host}:${port} has that name`, at);
    }
    if (lost !== undefined) {
      const message = `register ${this.name}: the epmd at ${host}:${port} closed right after its answer`;
      throw new EpmdError("EPMD_CLOSED", message, at, { cause: lost.error });
    }
    return { value, stream };
  }

  #lost(error: Error | undefined): void {
    if (this.#state.is === "closing") {
      this.#end();
    } else if (this.#state.is === "registered") {
      this.#failures = 0;
      this.#wait(this.#nextDelay());
      this.#tell({ type: "lost", error });
    }
  }

  #nextDelay(): number {
    const { retryMs = RETRY_MS, maxRetryMs = MAX_RETRY_MS } = this.#options;
    return Math.min(retryMs * 2 ** Math.min(this.#failures, 30), maxRetryMs);
  }

  #wait(retryMs: number): void {
    this.#state = { is: "waiting", timer: this.#options.clock.setTimer(retryMs, () => void this.#retry()) };
  }

  async #retry(): Promise<void> {
    if (this.#state.is !== "waiting") return;
    const giveUp = new AbortController();
    this.#state = { is: "trying", giveUp };
    try {
      const { stream } = await this.#tryOnce(giveUp.signal);
      if (giveUp.signal.aborted) return stream.close();
      this.#state = { is: "registered", stream };
      this.#tell({ type: "restored" });
    } catch (error) {
      if (giveUp.signal.aborted) return;
      this.#failures++;
      const retryMs = this.#nextDelay();
      this.#wait(retryMs);
      this.#tell({ type: "failed", error: error as Error, retryMs });
    }
  }

  #tell(event: RegistrationEvent): void {
    try {
      this.#options.onEvent?.(event);
    } catch {
      // The listener's failure is not the registration's: trying goes on.
    }
  }

  #end(): void {
    this.#state = { is: "closed" };
    this.#resolveClosed();
  }
}

function entryOf(node: NewRegistration): NodeEntry {
  checkName(node.name);
  if (!Number.isInteger(node.port) || node.port < 0 || node.port > 65_535) {
    throw new ArgumentError("port", `a node's port is an integer from 0 to 65535, not ${node.port}`);
  }
  const extra = node.extra ?? new Uint8Array(0);
  if (extra.length > MAX_EXTRA_BYTES) {
    throw new ArgumentError("extra", `at most ${MAX_EXTRA_BYTES} extra bytes can be registered, not ${extra.length}`);
  }
  return {
    name: node.name,
    port: node.port,
    nodeType: node.nodeType ?? NodeType.Visible,
    protocol: node.protocol ?? Protocol.Tcp,
    highest: node.highest ?? DistVersion.Current,
    lowest: node.lowest ?? DistVersion.Old,
    extra,
  };
}
