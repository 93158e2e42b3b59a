import type { ByteStream, ByteStreamHandler, Clock, Endpoint, Listener, Transport } from "../base/index.ts";

/** Options of {@link memoryTransport}. */
export interface MemoryTransportOptions {
  readonly clock: Clock;
  /** Longest piece given to `data` at once, default 64 KiB. With 1 every reader is tried at every split. */
  readonly maxChunkBytes?: number;
}

/** A network of byte streams in memory. As a Transport it is the view of the host `127.0.0.1`. */
export interface MemoryTransport extends Transport {
  /** The network as seen from another host, which is the address its connections come from. */
  from(host: string): Transport;
  /** Breaks open streams, as a lost network does: those for which `match` says so, by default all. */
  cut(match?: (one: Endpoint, other: Endpoint) => boolean): void;
  /** Streams that are open, each with its two ends. */
  readonly openStreams: number;
  /** Places that listen. */
  readonly listeners: number;
}

/**
 * Makes a network in memory for one simulated cluster.
 *
 * Bytes, connects and closes arrive in a later turn of the clock (`defer`), in the order they were sent, so that
 * with a simulated clock every run is the same. What `data` gets is a copy that is overwritten when the call
 * returns: code that keeps bytes it must not keep fails here rather than in production.
 */
export function memoryTransport(options: MemoryTransportOptions): MemoryTransport {
  return new MemoryNetwork(options);
}

/** Hosts that stand for every host when listened at. */
const ANY_HOST = new Set(["0.0.0.0", "::", ""]);

const DEFAULT_CHUNK_BYTES = 64 * 1024;

/** What a delivered piece is overwritten with. */
const STALE = 0xdd;

class MemoryNetwork implements MemoryTransport {
  readonly #clock: Clock;
  readonly #maxChunkBytes: number;
  readonly #places = new Map<string, Place>();
  readonly #streams = new Set<MemoryStream>();
  #lastPort = 32_768;

  constructor(options: MemoryTransportOptions) {
    this.#clock = options.clock;
    this.#maxChunkBytes = options.maxChunkBytes ?? DEFAULT_CHUNK_BYTES;
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  get listeners(): number {
    return this.#places.size;
  }

  from(host: string): Transport {
    return {
      connect: (endpoint, handler, options) => this.#connect(host, endpoint, handler, options?.signal),
      listen: (endpoint, accept) => this.listen(endpoint, accept),
    };
  }

  connect(
    endpoint: Endpoint,
    handler: ByteStreamHandler,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<ByteStream> {
    return this.#connect("127.0.0.1", endpoint, handler, options?.signal);
  }

  async listen(endpoint: Endpoint, accept: Place["accept"]): Promise<Listener> {
    const port = endpoint.port === 0 ? ++this.#lastPort : endpoint.port;
    const host = ANY_HOST.has(endpoint.host) ? "*" : endpoint.host;
    const key = placeKey(host, port);
    if (this.#places.has(key)) throw systemError("EADDRINUSE", `${endpoint.host}:${port} is in use`);
    this.#places.set(key, { accept });
    return {
      endpoint: { host: endpoint.host, port },
      close: async () => {
        this.#places.delete(key);
      },
    };
  }

  cut(match: (one: Endpoint, other: Endpoint) => boolean = () => true): void {
    for (const stream of [...this.#streams]) {
      if (match(stream.local, stream.remote)) stream.break(systemError("ECONNRESET", "the network was cut"));
    }
  }

  #connect(
    host: string,
    endpoint: Endpoint,
    handler: ByteStreamHandler,
    signal: AbortSignal | undefined,
  ): Promise<ByteStream> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => reject(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#clock.defer(() => {
        signal?.removeEventListener("abort", onAbort);
        if (signal?.aborted) return;
        const place =
          this.#places.get(placeKey(endpoint.host, endpoint.port)) ?? this.#places.get(placeKey("*", endpoint.port));
        if (place === undefined) {
          return reject(systemError("ECONNREFUSED", `nothing listens at ${endpoint.host}:${endpoint.port}`));
        }
        resolve(this.#open(place, handler, { host, port: ++this.#lastPort }, endpoint));
      });
    });
  }

  #open(place: Place, handler: ByteStreamHandler, local: Endpoint, remote: Endpoint): ByteStream {
    const forget = () => void this.#streams.delete(near);
    const near: MemoryStream = new MemoryStream(this.#clock, this.#maxChunkBytes, local, remote, forget);
    const far = new MemoryStream(this.#clock, this.#maxChunkBytes, remote, local, forget);
    near.join(far);
    near.attach(handler);
    this.#streams.add(near);
    far.attach(place.accept(far, local));
    return near;
  }
}

interface Place {
  accept(stream: ByteStream, remote: Endpoint): ByteStreamHandler;
}

function placeKey(host: string, port: number): string {
  return `${host}:${port}`;
}

/** An error as the host's sockets make them: its `code` is the system's name for it. */
function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** One end of a stream. It holds what it sent and the other end has not yet taken. */
class MemoryStream implements ByteStream {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #clock: Clock;
  readonly #maxChunkBytes: number;
  readonly #forget: () => void;
  readonly #queue: Uint8Array[] = [];
  #peer!: MemoryStream;
  #handler: ByteStreamHandler | undefined;
  #queuedBytes = 0;
  #paused = false;
  #pumping = false;
  #state: "open" | "closing" | "closed" = "open";

  constructor(clock: Clock, maxChunkBytes: number, local: Endpoint, remote: Endpoint, forget: () => void) {
    this.#clock = clock;
    this.#maxChunkBytes = maxChunkBytes;
    this.local = local;
    this.remote = remote;
    this.#forget = forget;
  }

  join(peer: MemoryStream): void {
    this.#peer = peer;
    peer.#peer = this;
  }

  /** Gives the stream its owner; what arrived before waits for it. */
  attach(handler: ByteStreamHandler): void {
    this.#handler = handler;
    this.#peer.#pump();
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  write(bytes: Uint8Array): void {
    if (this.#state !== "open" || bytes.length === 0) return;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#pump();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#peer.#pump();
  }

  close(options?: { abort?: boolean }): void {
    if (this.#state === "closed") return;
    if (options?.abort) {
      this.break(undefined, systemError("ECONNRESET", "the other side aborted the stream"));
    } else {
      this.#state = "closing";
      this.#pump();
    }
  }

  /** Ends both sides in a later turn, whatever is still queued. */
  break(ownError: Error | undefined, peerError: Error | undefined = ownError): void {
    this.#end(ownError);
    this.#peer.#end(peerError);
  }

  #end(error: Error | undefined): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#forget();
    this.#peer.#forget();
    this.#clock.defer(() => this.#handler?.closed(error));
  }

  /** Moves what is queued to the other end, one turn later, as far as that one reads. */
  #pump(): void {
    if (this.#pumping || this.#state === "closed") return;
    this.#pumping = true;
    this.#clock.defer(() => {
      this.#pumping = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const held = this.#queuedBytes > 0;
    // Only what was queued when the turn began: an endless exchange of two ends must not keep the clock in one turn.
    let budget = this.#queuedBytes;
    while (budget > 0 && this.#queue.length > 0 && this.#peer.#reads()) budget -= this.#deliverChunk();
    if (this.#state === "closed") return;
    if (this.#queue.length > 0) {
      if (this.#peer.#reads()) this.#pump();
      else if (this.#peer.#state !== "open") this.#dropQueue();
    }
    if (held && this.#queuedBytes === 0) this.#handler?.drained();
    if (this.#state === "closing" && this.#queue.length === 0) this.break(undefined);
  }

  #deliverChunk(): number {
    const first = this.#queue[0]!;
    const chunk = first.slice(0, this.#maxChunkBytes);
    if (chunk.length === first.length) this.#queue.shift();
    else this.#queue[0] = first.subarray(chunk.length);
    this.#queuedBytes -= chunk.length;
    this.#peer.#handler!.data(chunk);
    chunk.fill(STALE);
    return chunk.length;
  }

  #dropQueue(): void {
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }

  #reads(): boolean {
    return this.#handler !== undefined && !this.#paused && this.#state === "open";
  }
}
