import type { NameTable } from "./name-table.ts";
import { encodeAliveReply, encodeDumpReply, encodeNamesReply, encodePortReply, Word } from "./replies.ts";
import { decodeRequest, type ReceivedRequest, RequestReader } from "./requests.ts";
import { encodeText, type NodeEntry } from "./wire.ts";

/** What an epmd's connections share. */
export interface EpmdService {
  readonly table: NameTable;
  /** The epmd's own port, which listings start with. */
  readonly port: number;
  /** Allows STOP, and KILL while nodes are registered. */
  readonly relaxed: boolean;
  /** The listing of live names, made once for as long as they stay the same. */
  listing(): Uint8Array;
}

/** What a connection does next. */
export interface ServerStep {
  /** Bytes to send first. */
  readonly reply?: Uint8Array;
  /**
   * `wait`: read on, within the time that a connection without a name has. `keep`: hold the connection for as long
   * as the node lives. `close`: after the reply. `shutdown`: after the reply, the whole epmd.
   */
  readonly next: "wait" | "keep" | "close" | "shutdown";
  /** Another connection to close, whose name was taken away. */
  readonly drop?: number;
}

type ConnectionState =
  | { readonly is: "reading"; readonly reader: RequestReader }
  | { readonly is: "holding"; readonly name: string | undefined }
  | { readonly is: "over" };

/**
 * The server's side of one connection, without I/O.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> reading
 *   reading --> holding: registration, granted or refused
 *   reading --> over: any other request, answered or not
 *   holding --> over: any byte, or closed (the name is released)
 *   reading --> over: closed
 * ```
 */
export class ServerConnection {
  readonly #service: EpmdService;
  readonly #id: number;
  readonly #local: boolean;
  #state: ConnectionState = { is: "reading", reader: new RequestReader() };

  /** `local` says that the other side is on this machine, which registrations and commands need. */
  constructor(service: EpmdService, id: number, local: boolean) {
    this.#service = service;
    this.#id = id;
    this.#local = local;
  }

  data(bytes: Uint8Array): ServerStep {
    switch (this.#state.is) {
      case "reading": {
        const progress = this.#state.reader.data(bytes);
        if (progress === "incomplete") return { next: "wait" };
        const request = progress === "malformed" ? undefined : decodeRequest(progress);
        this.#state = { is: "over" };
        return request === undefined ? CLOSE : this.#answer(request);
      }
      case "holding": // a registered node has nothing to say; the stock daemon unregisters one that does
        this.closed();
        return CLOSE;
      case "over":
        return CLOSE;
    }
  }

  /** The connection is gone, and the name with it. */
  closed(): void {
    if (this.#state.is === "holding" && this.#state.name !== undefined) {
      this.#service.table.release(this.#state.name, this.#id);
    }
    this.#state = { is: "over" };
  }

  #answer(request: ReceivedRequest): ServerStep {
    switch (request.op) {
      case "lookup":
        return { reply: encodePortReply(this.#service.table.find(request.name)), next: "close" };
      case "names":
        return { reply: this.#service.listing(), next: "close" };
      default:
        return this.#local ? this.#answerLocal(request) : CLOSE;
    }
  }

  #answerLocal(request: Exclude<ReceivedRequest, { op: "lookup" | "names" }>): ServerStep {
    switch (request.op) {
      case "register":
        return this.#register(request.entry);
      case "unfit":
        return this.#refuse(request.highest);
      case "dump":
        return { reply: this.#dump(), next: "close" };
      case "kill":
        return this.#service.relaxed || this.#service.table.size === 0
          ? { reply: encodeText(Word.Ok), next: "shutdown" }
          : { reply: encodeText(Word.No), next: "close" };
      case "stop":
        return this.#service.relaxed ? this.#stop(request.name) : CLOSE;
    }
  }

  #register(entry: NodeEntry): ServerStep {
    const creation = this.#service.table.register(entry, this.#id);
    if (creation === undefined) return this.#refuse(entry.highest);
    this.#state = { is: "holding", name: entry.name };
    return { reply: encodeAliveReply(entry.highest, creation), next: "keep" };
  }

  /** The stock daemon leaves the connection of a refused registration open, so nodes expect to close it themselves. */
  #refuse(highest: number): ServerStep {
    this.#state = { is: "holding", name: undefined };
    return { reply: encodeAliveReply(highest, undefined), next: "wait" };
  }

  #stop(name: string): ServerStep {
    const drop = this.#service.table.release(name);
    if (drop === undefined) return { reply: encodeText(Word.NoExist), next: "close" };
    return { reply: encodeText(Word.Stopped), next: "close", drop };
  }

  #dump(): Uint8Array {
    const { table, port } = this.#service;
    const line = (active: boolean) => (live: ReturnType<NameTable["live"]>[number]) => ({
      name: live.entry.name,
      port: live.entry.port,
      active,
      fd: live.connection,
    });
    return encodeDumpReply(port, [...table.live().map(line(true)), ...table.released().map(line(false))]);
  }
}

const CLOSE: ServerStep = { next: "close" };

/** The service of an epmd at `port`. */
export function epmdService(table: NameTable, port: number, relaxed: boolean): EpmdService {
  let listing: { readonly version: number; readonly bytes: Uint8Array } | undefined;
  return {
    table,
    port,
    relaxed,
    listing() {
      if (listing?.version !== table.version) {
        const names = table.live().map(({ entry }) => entry);
        listing = { version: table.version, bytes: encodeNamesReply(port, names) };
      }
      return listing.bytes;
    },
  };
}

/** Whether a connection comes from this machine: from a loopback address, or from the address it was accepted on. */
export function isLocal(remote: string, local: string | undefined): boolean {
  return /^127\.\d+\.\d+\.\d+$/.test(remote) || remote === "::1" || remote === local;
}
