import { type Clock, systemClock, type Transport } from "../base/index.ts";
import { tcpTransport } from "../net/index.ts";
import { exchange } from "./exchange.ts";
import { type NewRegistration, Registration, type RegistrationOptions } from "./registration.ts";
import {
  type DumpedName,
  decodeDumpReply,
  decodeNamesReply,
  decodePortReply,
  decodeWord,
  type ListedName,
  type ReplyDecoder,
  Word,
} from "./replies.ts";
import type { EpmdRequest } from "./requests.ts";
import { epmdSettings } from "./settings.ts";
import { checkName, type NodeEntry } from "./wire.ts";

/** Options of an {@link EpmdClient}. */
export interface EpmdClientOptions {
  /** Where every epmd is looked for. Default: `ERL_EPMD_PORT`, else 4369. */
  readonly port?: number | undefined;
  /** The address of the own machine: `127.0.0.1`, or `::1` for a node that uses IPv6. Default `127.0.0.1`. */
  readonly loopback?: string | undefined;
  /** For every request that does not say otherwise, connecting included. Default 10,000; `Infinity` for none. */
  readonly timeoutMs?: number | undefined;
  readonly transport?: Transport | undefined;
  readonly clock?: Clock | undefined;
}

/** Options of one request. */
export interface EpmdRequestOptions {
  /** The machine whose epmd is asked. Default: the own one, by its loopback address. */
  readonly host?: string | undefined;
  /** Milliseconds for connecting and answer together. */
  readonly timeoutMs?: number | undefined;
  /** Gives up and rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Talks to epmds, the daemons that know on which port each node of a machine listens.
 *
 * Every request uses a connection of its own. All of them reject with {@link EpmdError}: `EPMD_UNREACHABLE`,
 * `EPMD_TIMEOUT`, `EPMD_CLOSED` (also how an epmd refuses a request that is not for everybody), `EPMD_PROTOCOL`.
 *
 * @example
 * const epmd = new EpmdClient();
 * const shop = await epmd.lookup("shop", { host: "10.0.0.7" });
 * if (shop !== undefined) console.log(shop.port);
 */
export class EpmdClient {
  readonly port: number;
  readonly loopback: string;
  readonly #timeoutMs: number;
  readonly #transport: Transport;
  readonly #clock: Clock;

  /** @throws {@link ArgumentError} when the port comes from `ERL_EPMD_PORT`, which is none. */
  constructor(options: EpmdClientOptions = {}) {
    this.port = options.port ?? epmdSettings().port;
    this.loopback = options.loopback ?? "127.0.0.1";
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#transport = options.transport ?? tcpTransport;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Registers a node with the epmd of this machine for as long as the registration is open.
   *
   * When the connection to the epmd is lost later, it is registered again as soon as that works; see {@link Registration}.
   *
   * @throws {@link EpmdError} as every request, and `EPMD_NAME_TAKEN`; {@link ArgumentError} for an impossible name.
   */
  async register(node: NewRegistration, options: RegistrationOptions = {}): Promise<Registration> {
    return Registration.open(node, {
      ...options,
      transport: this.#transport,
      clock: this.#clock,
      host: this.loopback,
      port: this.port,
      timeoutMs: options.timeoutMs ?? this.#timeoutMs,
    });
  }

  /** Looks up a node by the part of its name before `@`. Gives undefined when no such node is registered there. */
  async lookup(name: string, options?: EpmdRequestOptions): Promise<NodeEntry | undefined> {
    checkName(name);
    return this.#ask({ op: "lookup", name }, decodePortReply, options, name);
  }

  /** Lists the nodes that are registered. */
  async names(options?: EpmdRequestOptions): Promise<ListedName[]> {
    return this.#ask({ op: "names" }, decodeNamesReply, options);
  }

  /** Lists registered and remembered names. Only for the own machine. */
  async dump(options?: EpmdRequestOptions): Promise<DumpedName[]> {
    return this.#ask({ op: "dump" }, decodeDumpReply, options);
  }

  /** Asks the epmd of this machine to end, and says whether it does: it refuses while nodes are registered. */
  async kill(options?: EpmdRequestOptions): Promise<boolean> {
    return (await this.#ask({ op: "kill" }, decodeWord(Word.Ok, Word.No), options)) === Word.Ok;
  }

  /**
   * Asks the epmd of this machine to drop a name, and says whether it had it.
   * Most epmds do not do this and close the connection, so `EPMD_CLOSED` is the usual end.
   */
  async stop(name: string, options?: EpmdRequestOptions): Promise<boolean> {
    checkName(name);
    return (
      (await this.#ask({ op: "stop", name }, decodeWord(Word.Stopped, Word.NoExist), options, name)) === Word.Stopped
    );
  }

  async #ask<T>(
    request: EpmdRequest,
    decode: ReplyDecoder<T>,
    options: EpmdRequestOptions = {},
    nodeName?: string,
  ): Promise<T> {
    const { value } = await exchange(this.#transport, this.#clock, {
      request,
      decode,
      at: { host: options.host ?? this.loopback, port: this.port, nodeName },
      timeoutMs: options.timeoutMs ?? this.#timeoutMs,
      signal: options.signal,
    });
    return value;
  }
}
