import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import { ArgumentError } from "../base/index.ts";

/** Certificates or keys as PEM: text, bytes, or several of them. */
export type Pem = string | Uint8Array | readonly (string | Uint8Array)[];

/** How a node proves who it is and what it asks of others, as one side of TLS. */
export interface TlsRole {
  /** The node's certificate, and those between it and the authority. */
  readonly cert?: Pem | undefined;
  /** The certificate's key. */
  readonly key?: Pem | undefined;
  /** The word that the key is encrypted with. */
  readonly passphrase?: string | undefined;
  /** The authorities whose signature is trusted. Needed unless `verifyPeer` is false: a cluster is no public place. */
  readonly ca?: Pem | undefined;
  /**
   * Whether the other side has to show a certificate that is valid and signed by one of `ca`. `"if-given"`: one that
   * is shown has to be, but a client need not show one. Default true.
   */
  readonly verifyPeer?: boolean | "if-given" | undefined;
  /**
   * Whether the other side's certificate has to be one for the host part of its node name. Default: true for nodes that
   * are connected to, false for those that connect to us, since certificates of clients often name no host.
   */
  readonly verifyHost?: boolean | undefined;
  /** Default: TLS 1.2 to 1.3. */
  readonly minVersion?: TlsVersion | undefined;
  readonly maxVersion?: TlsVersion | undefined;
  /** In OpenSSL's words. Default: those of Node.js; TLS 1.3 keeps its own as long as none of that version is named. */
  readonly ciphers?: string | undefined;
}

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** How a node uses TLS towards those it connects to (`client`) and those that connect to it (`server`). */
export interface TlsRoles {
  readonly client: TlsRole;
  readonly server: TlsRole;
}

/** Loads certificates and keys. Throws ArgumentError `tls` when they do not fit or cannot be read. */
export function loadContext(role: TlsRole): SecureContext {
  if (role.verifyPeer !== false && role.ca === undefined) {
    throw new ArgumentError("tls", "TLS needs `ca`, the authorities to trust, or has to be told `verifyPeer: false`");
  }
  try {
    return createSecureContext(contextOptions(role));
  } catch (cause) {
    const { message } = cause as Error;
    throw new ArgumentError("tls", `the certificates or options of TLS cannot be used: ${message}`, { cause });
  }
}

/** A role's part of what Node.js makes a context of. */
export function contextOptions(role: TlsRole): SecureContextOptions {
  const { passphrase, ciphers, minVersion = "TLSv1.2", maxVersion = "TLSv1.3" } = role;
  const [cert, key, ca] = [asNode(role.cert), asNode(role.key), asNode(role.ca)];
  return { cert, key, ca, passphrase, ciphers, minVersion, maxVersion };
}

/** As Node.js types it, which takes bytes only as a Buffer. */
function asNode(pem: Pem | undefined): string | Buffer | (string | Buffer)[] | undefined {
  if (pem === undefined || typeof pem === "string") return pem;
  if (pem instanceof Uint8Array) return Buffer.from(pem);
  return pem.map((one) => (typeof one === "string" ? one : Buffer.from(one)));
}
