import { afterAll, describe, expect, test } from "vitest";
import { describePeers, startBeam } from "../harness/index.ts";
import { Echo, KeptLog, nodeBeside } from "../support/our-node.ts";
import { TlsPeers } from "../support/tls.ts";

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

    test("the BEAM connects", async () => {
      await using beam = await peers.startBeam({ versions });
      await using node = await nodeBeside(beam, { tls: peers.role() });

      expect(await beam.inspect(`:net_adm.ping(:"${node.name}")`)).toBe(":pong");
      expect([node.peers(), node.stats().dials]).toEqual([[beam.name], 0]);
    });
  });

  test("with the very ssl_dist_optfile that the BEAM has", async () => {
    await using beam = await peers.startBeam();
    const optfile = peers.optfile({}, (file) => file);
    await using node = await nodeBeside(beam, { tls: { optfile } });

    await node.connect(beam.name);
    node.disconnect(beam.name);
    await beam.until(`:erlang.nodes(:connected) == []`);

    expect(await beam.inspect(`:net_adm.ping(:"${node.name}")`)).toBe(":pong");
  });
});

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
