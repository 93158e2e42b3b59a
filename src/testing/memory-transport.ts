import type { ByteStream, ByteStreamHandler, Clock, Endpoint, Listener, Transport } from "../base/index.ts";
import { MemoryStream, type Path, systemError } from "./memory-stream.ts";

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
  return new MemoryNetwork(options, () => NEXT_TURN);
}

/** A path without delay. */
const NEXT_TURN: Path = { blocked: false, arrival: () => 0 };

/** Hosts that stand for every host when listened at. Both families can be listened at side by side, as with TCP. */
const ANY_HOSTS = ["0.0.0.0", "::"];

const DEFAULT_CHUNK_BYTES = 64 * 1024;

/** The streams and listening places of a network whose paths are given. */
export class MemoryNetwork implements MemoryTransport {
  readonly #clock: Clock;
  readonly #maxChunkBytes: number;
  readonly #path: (from: string, to: string) => Path;
  readonly #places = new Map<string, Place>();
  /** One end of each stream, the one that connected. */
  readonly #streams = new Map<MemoryStream, MemoryStream>();
  /** Connects, and their answers, that wait for a path to be free. */
  #held: { readonly path: Path; readonly arrive: () => void }[] = [];
  #lastPort = 32_768;

  constructor(options: MemoryTransportOptions, path: (from: string, to: string) => Path) {
    this.#clock = options.clock;
    this.#maxChunkBytes = options.maxChunkBytes ?? DEFAULT_CHUNK_BYTES;
    this.#path = path;
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
    const key = placeKey(endpoint.host || "0.0.0.0", port);
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
    for (const stream of [...this.#streams.keys()]) {
      if (match(stream.local, stream.remote)) stream.break(systemError("ECONNRESET", "the network was cut"));
    }
  }

  /** The ends of streams at a host are no more, and nobody is told. */
  vanish(host: string): void {
    for (const ends of [...this.#streams]) for (const end of ends) if (end.local.host === host) end.vanish();
  }

  /** Paths have changed: what waited for one that is free now moves on. */
  resume(): void {
    const held = this.#held;
    this.#held = [];
    for (const { path, arrive } of held) this.#travel(path, arrive);
    for (const ends of this.#streams) for (const end of ends) end.pump();
  }

  #connect(
    host: string,
    endpoint: Endpoint,
    handler: ByteStreamHandler,
    signal: AbortSignal | undefined,
  ): Promise<ByteStream> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      let stream: MemoryStream | undefined;
      const onAbort = () => {
        stream?.close({ abort: true });
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      const answer = (settle: () => void) => {
        this.#travel(this.#path(endpoint.host, host), () => {
          signal?.removeEventListener("abort", onAbort);
          if (!signal?.aborted) settle();
        });
      };
      this.#travel(this.#path(host, endpoint.host), () => {
        if (signal?.aborted) return;
        const place = this.#placeAt(endpoint);
        if (place === undefined) {
          const error = systemError("ECONNREFUSED", `nothing listens at ${endpoint.host}:${endpoint.port}`);
          return answer(() => reject(error));
        }
        const opened = this.#open(place, { host, port: ++this.#lastPort }, endpoint);
        stream = opened;
        answer(() => {
          opened.attach(handler);
          resolve(opened);
        });
      });
    });
  }

  #placeAt({ host, port }: Endpoint): Place | undefined {
    for (const at of [host, ...ANY_HOSTS]) {
      const place = this.#places.get(placeKey(at, port));
      if (place !== undefined) return place;
    }
    return undefined;
  }

  #open(place: Place, local: Endpoint, remote: Endpoint): MemoryStream {
    const onEnded = () => void this.#streams.delete(near);
    const common = { clock: this.#clock, maxChunkBytes: this.#maxChunkBytes, onEnded };
    const near = new MemoryStream({ ...common, local, remote, path: this.#path(local.host, remote.host) });
    const far = new MemoryStream({
      ...common,
      local: remote,
      remote: local,
      path: this.#path(remote.host, local.host),
    });
    near.join(far);
    this.#streams.set(near, far);
    far.attach(place.accept(far, local));
    return near;
  }

  /** Calls `arrive` when what leaves now arrives. */
  #travel(path: Path, arrive: () => void): void {
    const arrived = () => {
      if (path.blocked) this.#held.push({ path, arrive });
      else arrive();
    };
    const wait = path.arrival(0) - this.#clock.now();
    if (wait > 0) this.#clock.setTimer(wait, arrived);
    else this.#clock.defer(arrived);
  }
}

interface Place {
  accept(stream: ByteStream, remote: Endpoint): ByteStreamHandler;
}

function placeKey(host: string, port: number): string {
  return `${host}:${port}`;
}
