import { expect, test } from "vitest";
import { opensslCipher } from "../../src/net/tls-ciphers.ts";

// ssl:suite_to_openssl_str(ssl:str_to_suite(Name)) on OTP 25, 27 and 29: those of ssl:cipher_suites(all, 'tlsv1.2') that
// exchange keys by (EC)DHE or RSA, and that Node.js 20 has.
test.each([
  ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"],
  ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", "ECDHE-ECDSA-AES256-SHA384"],
  ["TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "ECDHE-RSA-AES256-SHA384"],
  ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"],
  ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"],
  ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"],
  ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"],
  ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"],
  ["TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "DHE-RSA-AES256-GCM-SHA384"],
  ["TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", "DHE-RSA-AES256-SHA256"],
  ["TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "DHE-RSA-CHACHA20-POLY1305"],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"],
  ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"],
  ["TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "DHE-RSA-AES128-SHA"],
  ["TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"],
  ["TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256"],
  ["TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"],
])("%s is what OpenSSL calls %s", (rfc, openssl) => {
  expect([opensslCipher(rfc), opensslCipher(openssl)]).toEqual([openssl, openssl]);
});

test("a suite of TLS 1.3 has one name", () => {
  expect(opensslCipher("TLS_CHACHA20_POLY1305_SHA256")).toBe("TLS_CHACHA20_POLY1305_SHA256");
});

test.each(["", "NOPE", "TLS_RSA_WITH_RC4_128_MD5", "RC4-MD5", "TLS_ECDHE_ECDSA_WITH_DES_CBC_SHA", "HIGH", "ALL"])(
  "%j is no cipher that Node.js has",
  (name) => {
    expect(opensslCipher(name)).toBeUndefined();
  },
);
