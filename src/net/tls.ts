import { isIP } from "node:net";
import {
  checkServerIdentity,
  connect,
  createServer,
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import type { Endpoint, Transport } from "../base/index.ts";
import { NetError } from "./net-error.ts";
import { SocketStream } from "./socket-stream.ts";
import { type DriverOptions, listenForSockets, type Opening, openStream, plainAddress, settingsOf } from "./sockets.ts";
import { TlsError, tlsCodeOf } from "./tls-error.ts";
import { contextOptions, loadContext, type TlsRole, type TlsRoles } from "./tls-options.ts";

/** Options of {@link createTlsTransport}. */
export interface TlsTransportOptions extends TlsRoles, DriverOptions {
  /** How long a peer that connects may take until TLS is established. Default 7,000. */
  readonly handshakeTimeoutMs?: number;
}

const DEFAULT_HANDSHAKE_TIMEOUT_MS = 7_000;

/** Peers that may be establishing TLS with one listener at the same time. */
const MAX_HANDSHAKES = 1_000;

/** Where a failed peer came from, when its socket does not know any more. */
const GONE: Endpoint = { host: "a peer that is gone", port: 0 };

/**
 * Byte streams over TLS 1.2 and 1.3, by `node:tls`, with the flow control and the orderly close of the TCP driver.
 *
 * Who connects names the host that it means (SNI) and checks that the certificate is one for it; `serverName` of
 * `connect` says which that is when it is not the address itself. An accepted stream is given to the listener's owner
 * when TLS is established and the client's certificate was found in order; everything else goes to `refused`.
 *
 * @returns a transport that rejects with {@link TlsError}, or with {@link NetError} where TLS was not yet reached.
 * @throws ArgumentError `tls` for certificates and keys that cannot be used.
 */
export function createTlsTransport(options: TlsTransportOptions): Transport {
  const { client, server, handshakeTimeoutMs = DEFAULT_HANDSHAKE_TIMEOUT_MS } = options;
  const settings = settingsOf(options);
  const clientContext = loadContext(client);
  if (server !== client) loadContext(server); // so that what cannot be used is found now

  return {
    connect(endpoint, handler, { signal, serverName = endpoint.host } = {}) {
      const asked = clientOptions(client, clientContext, serverName);
      const opening: Opening = {
        // `tls.connect` does not pass `noDelay` on; without it a call took 45 ms.
        open: (socket) => connect({ ...socket, ...asked }).setNoDelay(true),
        ready: "secureConnect",
        endpoint,
        signal,
        asError: (doing, cause) => asError(doing, endpoint, cause),
      };
      return openStream(opening, handler, settings);
    },

    listen(endpoint, accept, refused = () => {}) {
      // Handshakes under way are the difference: some sockets end without either of the events below.
      const count = { open: 0, secure: 0 };
      const secure = createServer({
        ...contextOptions(server),
        requestCert: server.verifyPeer !== false,
        rejectUnauthorized: false, // Node.js would drop such a client without saying why; see problemOf
        handshakeTimeout: handshakeTimeoutMs,
      });
      secure.on("tlsClientError", (error, socket) => {
        const remote = remoteOf(socket) ?? GONE;
        socket.destroy(); // one that took too long is still open
        refused(asError("accepting", remote, error), remote);
      });
      secure.on("secureConnection", (socket) => {
        count.secure++;
        socket.once("close", () => count.secure--);
        socket.on("error", () => {}); // it may fail before it has its stream
        const remote = remoteOf(socket);
        if (remote === undefined) return void socket.destroy(); // already gone
        const problem = problemOf(socket, server, remote);
        if (problem !== undefined) {
          socket.destroy();
          return refused(problem, remote);
        }
        const stream = new SocketStream(socket, {
          ...settings,
          asError: (cause) => asError("the stream with", remote, cause),
          ...(server.verifyHost && { certifies: (host: string) => isFor(host, socket) }),
        });
        stream.serve((stream) => accept(stream, remote));
        socket.on("data", (bytes) => stream.receive(bytes));
      });
      return listenForSockets(endpoint, ({ socket }) => {
        if (count.open - count.secure >= MAX_HANDSHAKES) return void socket.destroy();
        count.open++;
        socket.once("close", () => count.open--);
        secure.emit("connection", socket);
      });
    },
  };
}

/** Whom a client means, and what it asks of the certificate. */
function clientOptions(role: TlsRole, secureContext: SecureContext, serverName: string) {
  const { verifyHost = true } = role;
  return {
    secureContext,
    rejectUnauthorized: role.verifyPeer !== false,
    // An address is no server name (RFC 6066); the certificate has to be one for it all the same.
    ...(isIP(serverName) === 0 && { servername: serverName }),
    checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
      verifyHost ? checkServerIdentity(serverName, certificate) : undefined,
  };
}

/** What is wrong with an accepted client's certificate, if anything. */
function problemOf(socket: TLSSocket, role: TlsRole, remote: Endpoint): TlsError | undefined {
  if (socket.authorized || role.verifyPeer === false) return undefined;
  const given = Object.keys(socket.getPeerCertificate()).length > 0;
  if (!given) return role.verifyPeer === "if-given" ? undefined : new TlsError("TLS_NO_CERTIFICATE", remote, undefined);
  const problem = String(socket.authorizationError);
  return new TlsError(tlsCodeOf(problem) ?? "TLS_FAILED", remote, problem);
}

function isFor(host: string, socket: TLSSocket): boolean {
  return checkServerIdentity(host, socket.getPeerCertificate()) === undefined;
}

function remoteOf({ remoteAddress, remotePort }: TLSSocket): Endpoint | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { host: plainAddress(remoteAddress), port: remotePort };
}

function asError(doing: string, endpoint: Endpoint, cause: unknown): TlsError | NetError {
  const name = (cause as { code?: string } | undefined)?.code;
  const code = tlsCodeOf(name);
  if (code !== undefined) return new TlsError(code, endpoint, cause);
  if (name === "ECONNRESET" && doing !== "the stream with") return new TlsError("TLS_CLOSED", endpoint, cause);
  return new NetError(doing, endpoint, cause);
}
