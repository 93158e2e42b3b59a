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
      %% Written by hand, as they are.
      [{server, [{cacertfile, "${ca}"}, {certfile, "${cert}"}, {keyfile, "${key}"}, {password, "open"},
                 {verify, verify_peer}, {fail_if_no_peer_cert, true},
                 {secure_renegotiate, true}, {depth, 3}]},
       {client, [{cacertfile, "${ca}"}, {verify, verify_none}, {versions, ['tlsv1.3', 'tlsv1.2']}]}].
    `);

    expect(readTlsOptfile(path)).toEqual({
      server: { ca: "the ca", cert: "the cert", key: "the key", passphrase: "open", verifyPeer: true },
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

  test.each([
    ["an option that is not known", '[{server, [{verify_fun, "x"}]}].', /verify_fun/],
    ["no pair", "[{server, [inet6]}].", /pair/],
    ["versions that nobody should speak", "[{client, [{versions, ['tlsv1.1']}]}].", /versions/],
    ["a file that is not there", '[{server, [{certfile, "/nowhere/at/all"}]}].', /ENOENT/],
    ["a path that is no string", "[{server, [{certfile, 1}]}].", /string/],
    ["no list", "server.", /list/],
    ["what is no term", "[{server, ", /cannot be used/],
  ])("is refused with %s", (_, text, message) => {
    expect(() => readTlsOptfile(file(text))).toThrow(expect.objectContaining({ code: "BADARG", argument: "tls" }));
    expect(() => readTlsOptfile(file(text))).toThrow(message);
  });
});
