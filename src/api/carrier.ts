import type { Clock, Transport } from "../base/index.ts";
import { createTlsTransport, readTlsOptfile, type TlsRole, type TlsRoles, tcpTransport } from "../net/index.ts";

/**
 * TLS instead of plain TCP between nodes, as with `-proto_dist inet_tls`.
 *
 * - one role: the same certificate and checks towards those that connect and those that are connected to;
 * - `client` and `server`: one for each;
 * - `optfile`: the path of a file as BEAM nodes take it with `-ssl_dist_optfile`.
 */
export type TlsOptions = TlsRole | TlsRoles | { readonly optfile: string };

/** What connections between nodes run over. */
export interface Carrier {
  readonly transport: Transport;
  /** Bytes of the length before handshake packets. */
  readonly lengthBytes: 2 | 4;
}

interface CarrierOptions {
  readonly tls: TlsOptions | undefined;
  readonly transport: Transport | undefined;
  readonly clock: Clock;
  readonly setupTimeoutMs: number;
}

/** TLS where it is asked for, else the transport that is given, else TCP. epmd is never encrypted and has no part in it. */
export function carrierOf({ tls, transport = tcpTransport, clock, setupTimeoutMs }: CarrierOptions): Carrier {
  if (tls === undefined) return { transport, lengthBytes: 2 };
  const roles = { ...rolesOf(tls), clock, handshakeTimeoutMs: setupTimeoutMs };
  return { transport: createTlsTransport(roles), lengthBytes: 4 };
}

function rolesOf(tls: TlsOptions): TlsRoles {
  if ("optfile" in tls) return readTlsOptfile(tls.optfile);
  return "client" in tls ? tls : { client: tls, server: tls };
}
