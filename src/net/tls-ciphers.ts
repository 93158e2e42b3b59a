import { getCiphers } from "node:tls";

/**
 * OpenSSL's name for a cipher suite that is given by that name or by its name in the RFCs, as Erlang's `ssl` takes both.
 * Undefined when Node.js does not have it.
 */
export function opensslCipher(name: string): string | undefined {
  const openssl = fromRfc(name);
  return getCiphers().includes(openssl.toLowerCase()) ? openssl : undefined;
}

/** `TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384` is ECDHE-RSA-AES256-SHA384. Suites of TLS 1.3 have one name only. */
function fromRfc(name: string): string {
  const [, exchange, cipher] = /^TLS_(\w+)_WITH_(\w+)$/.exec(name) ?? [];
  if (exchange === undefined || cipher === undefined) return name;
  const short = cipher.replace("AES_", "AES").replace("_CBC_", "_").replace("POLY1305_SHA256", "POLY1305");
  return (exchange === "RSA" ? short : `${exchange}_${short}`).replaceAll("_", "-");
}
