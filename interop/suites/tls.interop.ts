import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lend, tuple } from "../../src/index.ts";
import { readTlsOptfile } from "../../src/net/index.ts";
import { buildBinary, runBinary, startBinary } from "../../test/cli/binary.ts";
import type { Issued } from "../../test/support/certificates.ts";
import { type Beam, describePeers, startBeam, uniqueName } from "../harness/index.ts";
import { Echo, KeptLog, nodeBeside } from "../support/our-node.ts";
import { TlsPeers } from "../support/tls.ts";

const BYTES = Uint8Array.from({ length: 3_000_000 }, (_, i) => Math.imul(i, 2_654_435_761) >>> 24);

/** Of messages that are lent and leave in one frame, at the border, and in fragments. */
const LENT_SIZES = [16_384, 100_000, 131_000, 131_072, 500_000, 3_000_000];

describePeers("TLS with certificates on both sides", { otp: ["25", "27", "29"] }, (release) => {
  const peers = new TlsPeers(release);
  afterAll(() => peers[Symbol.dispose]());

  describe.each(["'tlsv1.2'", "'tlsv1.3'"])("%s", (versions) => {
    test("we connect: calls, and 5 MB both ways", async () => {
      await using beam = await peers.startBeam({ versions });
      await using node = await nodeBeside(beam, { tls: peers.role() });
      await node.start(Echo, { name: "echo" });

      await node.connect(beam.name);
      const size = await beam.eval<number>(
        `{:ok, {:echo, bytes}} = {:ok, GenServer.call({:echo, :"${node.name}"}, {:echo, {:echo, :binary.copy("x", 5_000_000)}}, 30_000)}
         byte_size(bytes)`,
      );

      expect(size).toBe(5_000_000);
      expect(node.peers()).toEqual([beam.name]);
      expect(await beam.inspect(":erlang.nodes(:connected)")).toBe(`[:"${node.name}"]`);
    });

    test("bytes that are lent arrive as they were, in one frame and in fragments, between what is sent around them", async () => {
      await using beam = await peers.startBeam({ versions });
      await using node = await nodeBeside(beam, { tls: peers.role() });
      await beam.eval("recorder = Fixtures.Probe.start(name: :recorder); bytes = input; nil", { input: BYTES });
      const recorder = { name: "recorder", node: beam.name };
      await node.connect(beam.name); // what waits for a connection is copied

      for (const size of LENT_SIZES) {
        void node.send(recorder, size);
        await node.send(recorder, tuple("lent", lend(BYTES.subarray(0, size))));
      }

      const same = await beam.eval(`
        expected = for size <- [${LENT_SIZES}], part <- [size, {"lent", binary_part(bytes, 0, size)}], do: part
        Fixtures.Probe.await(recorder, length(expected), 10_000) == expected
      `);
      expect(same).toBe(true);
      expect(node.stats().peers).toMatchObject([{ queuedBytes: 0 }]);
    });

    test("the BEAM connects", async () => {
      await using beam = await peers.startBeam({ versions });
      await using node = await nodeBeside(beam, { tls: peers.role() });

      expect(await beam.inspect(`:net_adm.ping(:"${node.name}")`)).toBe(":pong");
      expect([node.peers(), node.stats().dials]).toEqual([[beam.name], 0]);
    });
  });

  test.each([
    ["as it stands", []],
    ["with a cipher in the RFC's words", ['{ciphers, ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]}']],
    ["with ciphers in OpenSSL's", ['{ciphers, "ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_256_GCM_SHA384"}']],
  ])("the very ssl_dist_optfile that the BEAM has is taken %s, in both directions", async (_, both) => {
    const optfile = peers.optfile({ both });
    await using beam = await peers.startBeam({ optfile });
    await using node = await nodeBeside(beam, { tls: { optfile: peers.ours(optfile) } });

    await node.connect(beam.name);
    node.disconnect(beam.name);
    await beam.until(`:erlang.nodes(:connected) == []`);

    expect(await beam.inspect(`:net_adm.ping(:"${node.name}")`)).toBe(":pong");
    expect(node.stats().dials).toBe(1);
  });

  test("the key of an optfile may have a password", async () => {
    const optfile = peers.optfile({
      certificate: peers.lock(peers.issue("locked"), "hush"),
      both: ['{password, "hush"}'],
    });
    await using beam = await peers.startBeam({ optfile });
    await using node = await nodeBeside(beam, { tls: { optfile: peers.ours(optfile) } });

    await node.connect(beam.name);

    expect(await beam.inspect(":erlang.nodes(:connected)")).toBe(`[:"${node.name}"]`);
  });

  test("a cipher of an optfile is the only one that is spoken", async () => {
    await using beam = await peers.startBeam({ both: ['{ciphers, ["TLS_AES_256_GCM_SHA384"]}'] });
    const other = peers.ours(peers.optfile({ both: ['{ciphers, ["TLS_CHACHA20_POLY1305_SHA256"]}'] }));
    await using node = await nodeBeside(beam, { tls: { optfile: other } });

    await expect(node.connect(beam.name)).rejects.toMatchObject({ code: expect.stringMatching(/^TLS_/) });
    expect(await beam.inspect(`:net_adm.ping(:"${node.name}")`)).toBe(":pang");
  });

  test("what the BEAM's own ssl takes or refuses of a listener's options is taken or refused in an optfile", async () => {
    await using beam = await peers.startBeam();
    await beam.eval("{:ok, _} = :application.ensure_all_started(:ssl); nil");
    const verdicts: unknown[] = [];
    for (const options of LISTENER_OPTIONS) {
      const authority = `{cacertfile, "${peers.there(peers.authority.root.certFile)}"}`;
      const optfile = peers.file(`[{server, [${authority}, ${options}]}].`);
      const theirs = await beam.eval<boolean>(`
        {:ok, [[server: options]]} = :file.consult(~c"${peers.there(optfile)}")
        try do
          {:ok, socket} = :ssl.listen(0, options)
          :ssl.close(socket) == :ok
        rescue
          _ -> false
        end
      `);
      verdicts.push({ options, theirs, ours: isTaken(peers.ours(optfile)) });
    }

    expect(verdicts).toEqual(
      LISTENER_OPTIONS.map((options, i) => ({ options, theirs: i < IN_ORDER, ours: i < IN_ORDER })),
    );
  });
});

/** How many of the options below are in order; the others are not. */
const IN_ORDER = 6;
const LISTENER_OPTIONS = [
  "{verify, verify_none}",
  "{verify, verify_peer}, {fail_if_no_peer_cert, true}",
  "{verify, verify_peer}, {fail_if_no_peer_cert, false}, {secure_renegotiate, true}",
  "{versions, ['tlsv1.2', 'tlsv1.1']}",
  "{ciphers, []}",
  '{ciphers, ["ECDHE-RSA-AES128-GCM-SHA256"]}, {password, "x"}',
  "{verify, true}",
  "{verify, verify_pear}",
  "{fail_if_no_peer_cert, true}",
  "{verify, verify_none}, {fail_if_no_peer_cert, true}",
  "{verify, verify_peer}, {fail_if_no_peer_cert, 1}",
  "{versions, ['tlsv1.9']}",
  "{ciphers, [1]}",
  "{password, abc}",
];

function isTaken(optfile: string): boolean {
  try {
    readTlsOptfile(optfile);
    return true;
  } catch {
    return false;
  }
}

describePeers("the command line with TLS", { otp: ["25", "27", "29"] }, (release) => {
  const peers = new TlsPeers(release);
  const certificate = peers.issue("shell");
  const files = ["--tls-ca", peers.authority.root.certFile, ...showing(certificate)];
  let beam: Beam;
  const env = () => ({ TIEBEAM_COOKIE: beam.cookie, ERL_EPMD_PORT: String(beam.epmdPort) });
  const run = (...args: string[]) => runBinary(args, { env: env() });

  beforeAll(async () => {
    buildBinary();
    beam = await peers.startBeam();
    await beam.eval("{:ok, _} = Fixtures.Echo.start(name: Shop.Echo); nil");
  }, 120_000);

  afterAll(async () => {
    await beam[Symbol.asyncDispose]();
    peers[Symbol.dispose]();
  });

  test("calls by certificates, and by the BEAM's own optfile", async () => {
    const optfile = peers.ours(peers.optfile());
    const answer = { code: 0, stdout: ":hello\n", stderr: "" };
    const call = (...how: string[]) => run("call", `Shop.Echo@${beam.name}`, "{:echo, :hello}", ...how);

    expect(await call(...files)).toEqual(answer);
    expect(await call("--tls-optfile", optfile)).toEqual(answer);
  });

  test("is connected to by the BEAM", async () => {
    const name = `${uniqueName("p")}@127.0.0.1`;
    await using producer = startBinary(["produce", "lines", "--name", name, ...files], { env: env() });
    await producer.until("stderr", /producing/);

    expect(await beam.inspect(`:net_adm.ping(:"${name}")`)).toBe(":pong");
    expect((await producer.interrupt()).code).toBe(130);
  });

  test("says what is wrong: no TLS, another authority on either side, no certificate", async () => {
    const ca = ["--tls-ca", peers.authority.root.certFile];
    const stranger = ["--tls-ca", peers.stranger.root.certFile];
    const failed = (code: string) => ({
      code: 4,
      stdout: "",
      stderr: expect.stringMatching(new RegExp(`\\(${code}\\)\nhint: .+\n$`)),
    });

    expect(await run("ping", beam.name)).toEqual(failed("HANDSHAKE_TLS"));
    expect(await run("ping", beam.name, ...stranger, ...showing(certificate))).toEqual(failed("TLS_UNTRUSTED"));
    expect(await run("ping", beam.name, ...ca, ...showing(peers.stranger.issue("foreign")))).toEqual(
      failed("TLS_REFUSED"),
    );
    expect(await run("ping", beam.name, ...ca)).toEqual(failed("TLS_REFUSED"));
  });
});

const showing = ({ certFile, keyFile }: Issued) => ["--tls-cert", certFile, "--tls-key", keyFile];

describePeers("TLS that fails", { otp: ["25", "29"] }, (release) => {
  const peers = new TlsPeers(release);
  afterAll(() => peers[Symbol.dispose]());
  const ping = (name: string) => `:net_adm.ping(:"${name}")`;

  test("when we connect, has a code for each cause that is on the BEAM's side", async () => {
    const elsewhere = peers.issue("elsewhere", { names: "DNS:elsewhere.example" });
    const expired = peers.issue("expired", { days: -1 });
    const codes: Record<string, unknown> = {};
    for (const [cause, certificate] of Object.entries({ elsewhere, expired, good: peers.issue("good") })) {
      await using beam = await peers.startBeam({ certificate });
      await using node = await nodeBeside(beam, { tls: peers.role() });
      await using doubting = await nodeBeside(beam, { tls: peers.role(undefined, { ca: peers.stranger.ca }) });
      const code = (error: { code: string }) => error.code;
      codes[cause] = await node.connect(beam.name).then(() => "connected", code);
      if (cause === "good") codes.stranger = await doubting.connect(beam.name).catch(code);
      expect(node.stats().connecting).toBe(0);
    }

    expect(codes).toEqual({
      elsewhere: "TLS_HOST_NAME",
      expired: "TLS_EXPIRED",
      good: "connected",
      stranger: "TLS_UNTRUSTED",
    });
  });

  test("when the BEAM does not accept our certificate, says that it refused", async () => {
    await using beam = await peers.startBeam();
    const { cert, key } = peers.stranger.issue("foreign");
    const foreign = await nodeBeside(beam, { tls: peers.role(undefined, { cert, key }) });
    const expired = await nodeBeside(beam, { tls: peers.role(peers.issue("expired", { days: -1 })) });
    const anonymous = await nodeBeside(beam, { tls: { client: { ca: peers.authority.ca }, server: peers.role() } });

    const errors: unknown[] = [];
    for (const node of [foreign, expired, anonymous]) {
      errors.push(await node.connect(beam.name).catch((error: unknown) => error));
      await node.stop();
    }

    expect(errors).toEqual(Array(3).fill(expect.objectContaining({ code: "TLS_REFUSED" })));
  });

  test("when the BEAM connects with a certificate that is not accepted, says why in the log", async () => {
    const logger = new KeptLog();
    for (const certificate of [peers.issue("expired", { days: -1 }), peers.stranger.issue("foreign")]) {
      await using beam = await peers.startBeam({ certificate });
      await using node = await nodeBeside(beam, { tls: peers.role(), logger });

      expect(await beam.inspect(ping(node.name))).toBe(":pang");
    }

    expect(logger.lines.map(({ facts }) => facts)).toEqual([{ code: "TLS_EXPIRED" }, { code: "TLS_UNTRUSTED" }]);
  });

  test("when the BEAM does not accept the certificate that we show as listener, says that it refused", async () => {
    const logger = new KeptLog();
    await using beam = await peers.startBeam();
    await using node = await nodeBeside(beam, { tls: peers.role(peers.stranger.issue("foreign")), logger });

    expect(await beam.inspect(ping(node.name))).toBe(":pang");
    expect(logger.lines.map(({ facts }) => facts)).toEqual([{ code: "TLS_REFUSED" }]);
  });

  test("when a client's certificate is one for another host than its node name says, refuses it", async () => {
    const logger = new KeptLog();
    const certificate = peers.issue("elsewhere", { names: "DNS:elsewhere.example" });
    await using beam = await peers.startBeam({ certificate });
    const server = peers.role(undefined, { verifyHost: true });
    await using node = await nodeBeside(beam, { tls: { client: peers.role(), server }, logger });

    expect(await beam.inspect(ping(node.name))).toBe(":pang");
    expect(logger.lines.map(({ facts }) => facts)).toEqual([{ code: "HANDSHAKE_NOT_ALLOWED" }]);
  });

  test("when one side has no TLS at all, is noticed by who expected it, and by who did not", async () => {
    const logger = new KeptLog();
    await using secure = await peers.startBeam();
    await using plain = await startBeam(release, { cookie: secure.cookie });
    await using plainOurs = await nodeBeside(secure, { logger });
    await using secureOurs = await nodeBeside(secure, { tls: peers.role(), logger, setupTimeoutMs: 500 });
    const code = (error: { code: string }) => error.code;

    // An OTP node that is not spoken to in its own way waits in silence, so our own time for a step ends it.
    expect(await plainOurs.connect(secure.name).catch(code)).toBe("HANDSHAKE_TLS");
    expect(await secureOurs.connect(plain.name).catch(code)).toBe("HANDSHAKE_TIMEOUT");
    expect(await plain.inspect(ping(secureOurs.name))).toBe(":pang");
    expect(await secure.inspect(ping(plainOurs.name))).toBe(":pang");
    expect(logger.lines.map(({ facts }) => facts)).toEqual([{ code: "TLS_NOT_TLS" }, { code: "HANDSHAKE_TLS" }]);
  });
});
