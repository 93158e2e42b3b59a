import { type Endpoint, TiebeamError } from "../base/index.ts";

/**
 * Why TLS was not established, or broke.
 *
 * | code | what happened |
 * | --- | --- |
 * | `TLS_UNTRUSTED` | the other side's certificate is not signed by an authority that we trust |
 * | `TLS_EXPIRED` | the other side's certificate is not valid any more, or not yet |
 * | `TLS_HOST_NAME` | the other side's certificate is not one for the host part of its node name |
 * | `TLS_NO_CERTIFICATE` | the other side showed no certificate |
 * | `TLS_REFUSED` | the other side does not accept our certificate, or the handshake; the message has its word for why |
 * | `TLS_VERSION` | the two sides have no version or cipher in common |
 * | `TLS_NOT_TLS` | what came is not TLS: the other side speaks plain TCP |
 * | `TLS_CLOSED` | the other side closed before TLS was established, as one that speaks plain TCP does |
 * | `TLS_TIMEOUT` | the other side was silent before TLS was established |
 * | `TLS_FAILED` | anything else; `cause` says what |
 */
export type TlsErrorCode =
  | "TLS_UNTRUSTED"
  | "TLS_EXPIRED"
  | "TLS_HOST_NAME"
  | "TLS_NO_CERTIFICATE"
  | "TLS_REFUSED"
  | "TLS_VERSION"
  | "TLS_NOT_TLS"
  | "TLS_CLOSED"
  | "TLS_TIMEOUT"
  | "TLS_FAILED";

/** See {@link TlsErrorCode}. `host` and `port` say with whom, `cause` is the error as Node.js gave it. */
export class TlsError extends TiebeamError {
  declare readonly code: TlsErrorCode;
  readonly host: string;
  readonly port: number;

  constructor(code: TlsErrorCode, endpoint: Endpoint, cause: unknown) {
    super(code, `TLS with ${endpoint.host}:${endpoint.port} failed: ${describe(code, cause)}`, { cause });
    this.host = endpoint.host;
    this.port = endpoint.port;
  }
}

/** The code for OpenSSL's or Node.js's name of a failure, undefined when it is not one of TLS. */
export function tlsCodeOf(name: string | undefined): TlsErrorCode | undefined {
  if (name === undefined) return undefined;
  const known = CODES.get(name);
  if (known !== undefined) return known;
  if (/^ERR_SSL_.*_ALERT_/.test(name)) return "TLS_REFUSED";
  return name.startsWith("ERR_SSL_") || name.startsWith("ERR_TLS_") ? "TLS_FAILED" : undefined;
}

const CODES = new Map<string, TlsErrorCode>([
  // X509 verification results of OpenSSL
  ["CERT_CHAIN_TOO_LONG", "TLS_UNTRUSTED"],
  ["CERT_REJECTED", "TLS_UNTRUSTED"],
  ["CERT_SIGNATURE_FAILURE", "TLS_UNTRUSTED"],
  ["CERT_UNTRUSTED", "TLS_UNTRUSTED"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "TLS_UNTRUSTED"],
  ["INVALID_CA", "TLS_UNTRUSTED"],
  ["INVALID_PURPOSE", "TLS_UNTRUSTED"],
  ["PATH_LENGTH_EXCEEDED", "TLS_UNTRUSTED"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "TLS_UNTRUSTED"],
  ["UNABLE_TO_GET_ISSUER_CERT", "TLS_UNTRUSTED"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "TLS_UNTRUSTED"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "TLS_UNTRUSTED"],
  ["CERT_HAS_EXPIRED", "TLS_EXPIRED"],
  ["CERT_NOT_YET_VALID", "TLS_EXPIRED"],
  // Node.js and OpenSSL
  ["ERR_TLS_CERT_ALTNAME_INVALID", "TLS_HOST_NAME"],
  ["ERR_TLS_HANDSHAKE_TIMEOUT", "TLS_TIMEOUT"],
  ["ERR_SSL_HTTP_REQUEST", "TLS_NOT_TLS"],
  ["ERR_SSL_HTTPS_PROXY_REQUEST", "TLS_NOT_TLS"],
  ["ERR_SSL_PACKET_LENGTH_TOO_LONG", "TLS_NOT_TLS"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "TLS_NOT_TLS"],
  ["ERR_SSL_NO_PROTOCOLS_AVAILABLE", "TLS_VERSION"],
  ["ERR_SSL_NO_SHARED_CIPHER", "TLS_VERSION"],
  ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "TLS_VERSION"],
  ["ERR_SSL_UNSUPPORTED_PROTOCOL", "TLS_VERSION"],
]);

function describe(code: TlsErrorCode, cause: unknown): string {
  if (code === "TLS_CLOSED") return "the other side closed before it was established";
  if (code === "TLS_NO_CERTIFICATE") return "the other side showed no certificate";
  const { reason, message } = (cause ?? {}) as { reason?: string; message?: string };
  return reason ?? message ?? String(cause);
}
