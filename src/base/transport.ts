import type { TiebeamError } from "./errors.ts";

/**
 * What the machines of the upper layers need from a byte stream. Drivers (`tcp`, `memory`, `tls`) implement it;
 * nothing above a driver knows a socket.
 */
export interface ByteStream {
  /**
   * Accepts bytes for sending; they must not be changed afterwards. After `close` it does nothing. `more`: others follow at once,
   * which may leave together with these.
   */
  write(bytes: Uint8Array, more?: boolean): void;
  /** Bytes accepted but not yet taken by the peer's side or the kernel. */
  readonly queuedBytes: number;
  /** Stops and restarts reading; the peer is slowed down by flow control. */
  pause(): void;
  resume(): void;
  /** Closes after what was written has been sent, or at once with `abort`. `closed` follows exactly once. */
  close(options?: { abort?: boolean }): void;
  /**
   * Whether the other side has proven to be `host`. Only where that is asked of those who connect: an encrypted stream
   * whose listener checks the names in certificates.
   */
  readonly certifies?: ((host: string) => boolean) | undefined;
}

/** What a {@link ByteStream} tells its owner. */
export interface ByteStreamHandler {
  /** Bytes that arrived. They are valid during the call only: what is kept must be copied. */
  data(bytes: Uint8Array): void;
  /** `queuedBytes` fell to zero after it had been above. */
  drained(): void;
  /** The stream is over: `error` when it did not end in order. Nothing follows. */
  closed(error?: Error): void;
}

/** Where to connect to or to listen at. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** A listening place. */
export interface Listener {
  readonly endpoint: Endpoint;
  /** Stops listening; streams that were accepted live on. Resolves once the port is free. */
  close(): Promise<void>;
}

/** Options of {@link Transport.connect}. */
export interface ConnectOptions {
  /** Gives up and rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Which host is meant, for drivers that check it. Default: the endpoint's. */
  readonly serverName?: string | undefined;
}

/** A way to make byte streams: TCP, TLS, or memory in tests. */
export interface Transport {
  /** Opens a stream. Rejects with the driver's error. */
  connect(endpoint: Endpoint, handler: ByteStreamHandler, options?: ConnectOptions): Promise<ByteStream>;
  /**
   * Accepts streams; `accept` returns the handler of each one. `remote` is where the stream comes from, `local` the
   * address it was accepted on, given by drivers for which that can differ from the endpoint. `refused` hears of those
   * whose stream the driver itself refuses, because they do not encrypt or show no acceptable certificate.
   */
  listen(
    endpoint: Endpoint,
    accept: (stream: ByteStream, remote: Endpoint, local?: Endpoint) => ByteStreamHandler,
    refused?: (error: TiebeamError, remote: Endpoint) => void,
  ): Promise<Listener>;
}
