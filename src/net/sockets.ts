import { createServer, isIPv6, type Socket } from "node:net";
import {
  type ByteStream,
  type ByteStreamHandler,
  type Clock,
  type Endpoint,
  type Listener,
  systemClock,
} from "../base/index.ts";
import { BusyWait } from "./busy-wait.ts";
import { NetError } from "./net-error.ts";
import { type Receive, SharedBuffer } from "./shared-buffer.ts";
import { SocketStream } from "./socket-stream.ts";

/** What both drivers of sockets, TCP and TLS, are made with. */
export interface DriverOptions {
  /**
   * How long a stream that was closed in order waits for the other side to close too, once its last byte is with the
   * kernel. Default 1,000.
   */
  readonly lingerMs?: number;
  readonly clock?: Clock;
}

export interface StreamSettings {
  readonly clock: Clock;
  readonly lingerMs: number;
  readonly reads: SharedBuffer;
  readonly busyWait: BusyWait;
}

/** What all streams of a transport have in common. */
export function settingsOf({ clock = systemClock, lingerMs = DEFAULT_LINGER_MS }: DriverOptions): StreamSettings {
  return { clock, lingerMs, reads: new SharedBuffer(), busyWait: new BusyWait(clock) };
}

const DEFAULT_LINGER_MS = 1_000;

/** What a driver has to say about a socket that is to be connected. */
export interface Opening {
  /** Makes the socket. */
  readonly open: (options: SocketOptions) => Socket;
  /** The event with which it is ready for use. */
  readonly ready: "connect" | "secureConnect";
  readonly endpoint: Endpoint;
  readonly signal: AbortSignal | undefined;
  /** The driver's error for one of the socket's. `doing` is what was tried, for the message. */
  readonly asError: (doing: string, cause: unknown) => Error;
}

/** The options of every socket that is connected from here. */
export interface SocketOptions {
  readonly host: string;
  readonly port: number;
  readonly noDelay: true;
  readonly allowHalfOpen: true;
  readonly onread: ReturnType<SharedBuffer["onread"]>;
}

/** Connects a socket and makes it a stream. */
export async function openStream(
  { open, ready, endpoint, signal, asError }: Opening,
  handler: ByteStreamHandler,
  settings: StreamSettings,
): Promise<ByteStream> {
  signal?.throwIfAborted();
  let stream: SocketStream | undefined;
  let socket: Socket;
  try {
    socket = open(socketOptions(endpoint, settings.reads, (bytes) => stream?.receive(bytes)));
  } catch (error) {
    throw asError("connecting to", error);
  }

  return new Promise((resolve, reject) => {
    const settle = () => {
      socket.off(ready, connected);
      socket.off("error", failed);
      signal?.removeEventListener("abort", aborted);
    };
    const connected = () => {
      settle();
      stream = new SocketStream(socket, { ...settings, asError: (cause) => asError("the stream with", cause) });
      stream.attach(handler);
      resolve(stream);
    };
    const failed = (error: Error) => {
      settle();
      reject(asError("connecting to", error));
    };
    const aborted = () => {
      settle();
      socket.on("error", () => {}); // what a destroyed socket still has to say concerns nobody
      socket.destroy();
      reject(signal!.reason);
    };
    socket.on(ready, connected);
    socket.on("error", failed);
    signal?.addEventListener("abort", aborted);
  });
}

function socketOptions(endpoint: Endpoint, reads: SharedBuffer, receive: Receive): SocketOptions {
  return {
    host: endpoint.host,
    port: endpoint.port,
    noDelay: true,
    allowHalfOpen: true,
    onread: reads.onread(receive),
  };
}

/** A socket that was accepted, with its two ends. */
export interface AcceptedSocket {
  readonly socket: Socket;
  readonly remote: Endpoint;
  readonly local: Endpoint;
}

/** Listens for sockets. An IPv6 address is listened at for IPv6 only. */
export function listenForSockets(endpoint: Endpoint, accept: (accepted: AcceptedSocket) => void): Promise<Listener> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {}); // a socket may fail before it has its stream
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    if (remoteAddress === undefined || localAddress === undefined) return void socket.destroy(); // already gone
    const remote = { host: plainAddress(remoteAddress), port: remotePort! };
    const local = { host: plainAddress(localAddress), port: localPort! };
    accept({ socket, remote, local });
  });

  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(new NetError("listening at", endpoint, error));
    server.once("error", failed);
    const listening = () => {
      server.off("error", failed);
      // Accepting can fail later (no file descriptors left); the listener stays and takes the next one.
      server.on("error", () => {});
      const bound = server.address() as { port: number };
      resolve({
        endpoint: { host: endpoint.host, port: bound.port },
        // The port is free as soon as this returns; the server's own callback waits for every accepted stream.
        close: async () => void server.close(),
      });
    };
    try {
      server.listen({ host: endpoint.host, port: endpoint.port, ipv6Only: isIPv6(endpoint.host) }, listening);
    } catch (error) {
      failed(error as Error);
    }
  });
}

/** The IPv4 address inside an IPv4-mapped IPv6 one, which a socket for both families reports. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice("::ffff:".length) : address;
}
