import { connect } from "node:net";
import type { Transport } from "../base/index.ts";
import { NetError } from "./net-error.ts";
import { SocketStream } from "./socket-stream.ts";
import { type DriverOptions, listenForSockets, openStream, settingsOf } from "./sockets.ts";

/** Options of {@link createTcpTransport}. */
export type TcpTransportOptions = DriverOptions;

/**
 * Byte streams over TCP, IPv4 and IPv6, by `node:net`.
 *
 * Small writes go out at once (`TCP_NODELAY`) and no written byte is copied. A stream that is closed in order stops
 * giving data, sends what was written and then waits up to `lingerMs` for the other side's end: closing a socket with
 * bytes unread makes the kernel reset it, and the last bytes that were sent would be lost on the way.
 *
 * An IPv6 address is listened at for IPv6 only, so `0.0.0.0` and `::` can be held side by side.
 *
 * @returns a transport whose `connect` and `listen` reject with {@link NetError}.
 */
export function createTcpTransport(options: TcpTransportOptions = {}): Transport {
  const settings = settingsOf(options);
  return {
    connect(endpoint, handler, { signal } = {}) {
      const asError = (doing: string, cause: unknown) => new NetError(doing, endpoint, cause);
      return openStream({ open: connect, ready: "connect", endpoint, signal, asError }, handler, settings);
    },
    listen: (endpoint, accept) =>
      listenForSockets(endpoint, ({ socket, remote, local }) => {
        const asError = (cause: unknown) => new NetError("the stream with", remote, cause);
        const stream = new SocketStream(socket, { ...settings, asError });
        settings.reads.readInto(socket, (bytes) => stream.receive(bytes));
        stream.serve((stream) => accept(stream, remote, local));
      }),
  };
}

/** {@link createTcpTransport} with its defaults. */
export const tcpTransport: Transport = createTcpTransport();
