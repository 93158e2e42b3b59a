import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readTlsOptfile } from "../../src/net/index.ts";

const folder = mkdtempSync(join(tmpdir(), "tiebeam-optfile-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

function file(text: string): string {
  const path = join(folder, String(files++));
  writeFileSync(path, text);
  return path;
}

const [ca, cert, key] = [file("the ca"), file("the cert"), file("the key")];

describe("an ssl_dist_optfile", () => {
  // The example of Erlang's "Using TLS for Erlang Distribution", with everything that is read in it
  test("gives both roles", () => {
    const path = file(`
      %% Written by hand, as they are: it's all there.
      [{server, [{cacertfile, "${ca}"}, {certfile, "${cert}"}, % what {verify, verify_none} would not need
                 {keyfile, <<"${key}">>}, {password, "100% \\"open\\""}, % "
                 {verify, verify_peer}, {fail_if_no_peer_cert, true},
                 {secure_renegotiate, true}]},
       {client, [{cacertfile, "${ca}"}, {verify, verify_none}, {versions, ['tlsv1.3', 'tlsv1.2', 'tlsv1.1']}]}].
      % The end.`);

    expect(readTlsOptfile(path)).toEqual({
      server: { ca: "the ca", cert: "the cert", key: "the key", passphrase: '100% "open"', verifyPeer: true },
      client: { ca: "the ca", verifyPeer: false, minVersion: "TLSv1.2", maxVersion: "TLSv1.3" },
    });
  });

  test("reads a key from the certificate's file when it names no other, wherever the key stands", () => {
    const one = file(`[{server, [{certfile, "${cert}"}]}].`);
    const two = file(`[{server, [{keyfile, "${key}"}, {certfile, "${cert}"}]}].`);
    expect(readTlsOptfile(one).server).toMatchObject({ cert: "the cert", key: "the cert" });
    expect(readTlsOptfile(two).server).toMatchObject({ cert: "the cert", key: "the key" });
  });

  test("without verify means that a client verifies and a server does not, as since OTP 26", () => {
    expect(readTlsOptfile(file("[{server, []}, {client, []}]."))).toEqual({
      server: { verifyPeer: false },
      client: { verifyPeer: true },
    });
  });

  test("takes a client without a certificate unless fail_if_no_peer_cert is true", () => {
    const path = file("[{server, [{verify, verify_peer}, {fail_if_no_peer_cert, false}]}].");
    expect(readTlsOptfile(path).server).toEqual({ verifyPeer: "if-given" });
  });

  test("asks no client for a certificate where the file has no server", () => {
    expect(readTlsOptfile(file("[]."))).toEqual({ server: { verifyPeer: false }, client: { verifyPeer: true } });
  });

  test("names ciphers in the words of OpenSSL or of the RFCs, in a list or with colons, of which none is the default", () => {
    const list = '["TLS_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"]';
    const ciphers = "TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384";

    expect(readTlsOptfile(file(`[{client, [{ciphers, ${list}}]}].`)).client.ciphers).toBe(ciphers);
    expect(readTlsOptfile(file(`[{client, [{ciphers, "${ciphers}"}]}].`)).client.ciphers).toBe(ciphers);
    expect(readTlsOptfile(file("[{client, [{ciphers, []}]}].")).client.ciphers).toBeUndefined();
  });

  test.each([
    ["", "ECDHE-RSA-AES128-SHA256", "TLSv1.2", "TLSv1.2"],
    ["", "TLS_AES_256_GCM_SHA384", "TLSv1.3", "TLSv1.3"],
    ["", "ECDHE-RSA-AES128-SHA256:TLS_AES_256_GCM_SHA384", "TLSv1.2", "TLSv1.3"],
    ["{versions, ['tlsv1.2']}, ", "ECDHE-RSA-AES128-SHA256:TLS_AES_256_GCM_SHA384", "TLSv1.2", "TLSv1.2"],
  ])("speaks no version that it has no cipher of: %s%s", (versions, ciphers, minVersion, maxVersion) => {
    const path = file(`[{client, [${versions}{ciphers, "${ciphers}"}]}].`);
    expect(readTlsOptfile(path).client).toMatchObject({ minVersion, maxVersion });
  });

  // Where OTP 25 and 29 refuse a file as well, ssl:listen/2 and ssl:connect/4 said so.
  test.each([
    ["an option that is not known", '[{server, [{verify_fun, "x"}]}].', /verify_fun/],
    ["an option that bounds chains of certificates", "[{client, [{depth, 1}]}].", /depth/],
    ["no pair", "[{server, [inet6]}].", /pair/],
    ["a verify that is none", "[{client, [{verify, true}]}].", /verify_peer or verify_none/],
    ["a misspelt verify", "[{server, [{verify, verify_pear}]}].", /verify_peer or verify_none/],
    ["a fail_if_no_peer_cert that is none", "[{server, [{fail_if_no_peer_cert, 1}]}].", /true or false/],
    ["fail_if_no_peer_cert without verify", "[{server, [{fail_if_no_peer_cert, true}]}].", /needs \{verify/],
    ["an option twice", "[{client, [{verify, verify_peer}, {verify, verify_none}]}].", /verify twice/],
    ["a side twice", "[{server, []}, {server, []}].", /server twice/],
    ["a misspelt side", "[{sever, [{verify, verify_peer}]}].", /sever is neither/],
    ["a side without a list", "[{server, verify_peer}].", /server has to be a list/],
    ["versions that nobody should speak", "[{client, [{versions, ['tlsv1.1']}]}].", /versions/],
    ["versions that do not exist", "[{client, [{versions, ['tlsv1.3', 'tlsv1.9']}]}].", /versions/],
    ["a version without its list", "[{client, [{versions, 'tlsv1.3'}]}].", /versions/],
    ["a cipher that is not known", '[{client, [{ciphers, ["TLS_AES_256_GCM_SHA384", "NOPE"]}]}].', /cipher NOPE/],
    [
      "a version that it has no cipher of",
      `[{client, [{versions, ['tlsv1.3']}, {ciphers, "ECDHE-RSA-AES128-SHA256"}]}].`,
      /neither/,
    ],
    ["ciphers that are no texts", "[{client, [{ciphers, [a]}]}].", /ciphers has to be a string/],
    ["a file that is not there", '[{server, [{certfile, "/nowhere/at/all"}]}].', /certfile: ENOENT/],
    ["a path that is no string", "[{server, [{certfile, 1}]}].", /string/],
    ["a path of numbers that are no characters", "[{server, [{certfile, [-1]}]}].", /string/],
    ["no list", "server.", /list/],
    ["what is no term", "[{server, ", /cannot be used/],
  ])("is refused with %s", (_, text, message) => {
    expect(() => readTlsOptfile(file(text))).toThrow(expect.objectContaining({ code: "BADARG", argument: "tls" }));
    expect(() => readTlsOptfile(file(text))).toThrow(message);
  });

  test("says where it is no term, but not what stands there", () => {
    const path = file('[{server,\n  [{password, "hush" "hush"}]}].');
    expect(() => readTlsOptfile(path)).toThrow(/cannot be used: line 2 /);
    expect(() => readTlsOptfile(path)).not.toThrow(/hush/);
  });
});
