import { afterAll, beforeAll, expect, test } from "vitest";
import { systemRandom } from "../../src/base/index.ts";
import { dial, Flag, type Flags, ourFlags } from "../../src/dist/index.ts";
import { EpmdClient, type Registration } from "../../src/epmd/index.ts";
import { atom, type Node, tuple } from "../../src/index.ts";
import { tcpTransport } from "../../src/net/index.ts";
import { type Beam, describePeers, epmdNames, freePort, startBeam, uniqueName } from "../harness/index.ts";
import { CountingClock } from "../support/counting-clock.ts";
import { Echo, KeptLog, nodeBeside } from "../support/our-node.ts";
import { listenRaw, RawPeer } from "../support/raw-peer.ts";
import { until } from "../support/until.ts";

/** Time for each step of connecting, where a test waits for it to be over. */
const STEP_MS = 150;

const FLAGS = ourFlags();

/** Flags that came with OTP 24 and later. */
const LATER_THAN_23 =
  Flag.Mandatory25Digest | Flag.V4Nc | Flag.Alias | Flag.UnlinkId | Flag.AltactSig | Flag.NativeRecords;

describePeers("refusals", {}, (release) => {
  let beam: Beam;
  let node: Node;
  const log = new KeptLog();
  const clock = new CountingClock();
  const codes = () => log.lines.map(({ facts }) => facts.code);

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam, { logger: log, setupTimeoutMs: STEP_MS, clock });
    await node.start(Echo, { name: "echo" });
    await beam.eval(`
      node = :"${node.name}"
      Fixtures.Echo.start(name: :echo)
      Node.ping(node)
    `);
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  /**
   * Runs something that goes wrong, then sees to it that nothing is left of it: no timer or socket here, no port or
   * monitor on the BEAM, no name; and that the connection between the two works as before.
   */
  async function leavesNothing(act: () => Promise<void>): Promise<void> {
    const counts = async () => ({
      sockets: process
        .getActiveResourcesInfo()
        .filter((kind) => /TCP|Pipe/.test(kind))
        .sort(),
      timers: clock.pendingTimers,
      stats: { ...node.stats(), dials: 0, refused: 0, peers: node.peers() },
      names: await epmdNames(beam.epmdPort),
      theirs: await beam.eval("{length(Port.list()), Process.info(Process.whereis(:net_kernel), :monitors)}"),
    });
    const before = await counts();
    log.lines.length = 0;

    await act();

    await until(async () => JSON.stringify(await counts()) === JSON.stringify(before)).catch(() => {});
    expect(await counts()).toEqual(before);
    expect(await node.call({ name: "echo", node: beam.name }, tuple(atom("echo"), 1))).toBe(1);
    expect(await beam.eval("GenServer.call({:echo, node}, {:echo, 2})")).toBe(2);
    expect(await beam.eval("Node.list(:hidden)")).toEqual([node.name]);
  }

  test("a wrong cookie of ours is HANDSHAKE_COOKIE, for connect and as cause of a call's NODEDOWN", async () => {
    await leavesNothing(async () => {
      await using stranger = await nodeBeside(beam, { cookie: "wrong", clock });
      const cause = { code: "HANDSHAKE_COOKIE", peer: beam.name };

      await expect(stranger.connect(beam.name)).rejects.toMatchObject(cause);
      await expect(stranger.call({ name: "echo", node: beam.name }, 1)).rejects.toMatchObject({
        code: "NODEDOWN",
        cause,
      });
      expect(stranger.stats()).toMatchObject({ peers: [], connecting: 0, aliases: 0, monitored: 0 });
      expect(stranger.processInfo(stranger.pid)?.monitors).toEqual([]);
    });
  });

  test("a BEAM with a wrong cookie gets pang from us, and the log says why", async () => {
    await using stranger = await startBeam(release, { cookie: "wrong" });
    await leavesNothing(async () => {
      expect(await stranger.inspect(`:net_adm.ping(:"${node.name}")`)).toBe(":pang");
      expect(codes()).toEqual(["HANDSHAKE_COOKIE"]);
    });
  });

  test("a node that nobody knows is NODE_UNKNOWN, one that is registered and gone NET_REFUSED", async () => {
    await leavesNothing(async () => {
      const gone = await registerAt(await freePort());

      await expect(node.connect("nobody@127.0.0.1")).rejects.toMatchObject({ code: "NODE_UNKNOWN" });
      await expect(node.call({ name: "x", node: "nobody@127.0.0.1" }, 1)).rejects.toMatchObject({
        code: "NODEDOWN",
        cause: { code: "NODE_UNKNOWN" },
      });
      await expect(node.connect(gone.name)).rejects.toMatchObject({ code: "NET_REFUSED" });
      await gone.registration.close();
    });
  });

  test("a node that the BEAM has not on its list of allowed ones is HANDSHAKE_NOT_ALLOWED", async () => {
    await using strict = await startBeam(release, { cookie: beam.cookie });
    await strict.eval(":net_kernel.allow([:only@me])");
    await leavesNothing(async () => {
      await expect(node.connect(strict.name)).rejects.toMatchObject({ code: "HANDSHAKE_NOT_ALLOWED" });
    });
  });

  test("a node without flags that the BEAM requires is refused: any of the old ones, and since OTP 26 one with the flags of OTP 23", async () => {
    const attempt = async (without: Flags) => {
      const { port } = (await new EpmdClient({ port: beam.epmdPort }).lookup(shortName(beam.name)))!;
      const connection = await dial(
        tcpTransport,
        { host: "127.0.0.1", port },
        {
          self: { name: `${uniqueName("lacking")}@127.0.0.1`, creation: 4 },
          peer: beam.name,
          cookie: beam.cookie,
          flags: ourFlags({ without }),
          random: systemRandom,
          clock,
          up: () => ({ signal() {}, drained() {}, closed() {} }),
        },
      );
      connection.close();
    };

    await leavesNothing(async () => {
      await expect(attempt(Flag.BigCreation | Flag.Mandatory25Digest)).rejects.toMatchObject({
        code: "HANDSHAKE_NOT_ALLOWED",
      });
      const asOtp23 = attempt(LATER_THAN_23);
      if (Number(release.otp) < 26) await asOtp23;
      else await expect(asOtp23).rejects.toMatchObject({ code: "HANDSHAKE_NOT_ALLOWED" });
    });
  });

  test("a name that a living node has is EPMD_NAME_TAKEN, and the start leaves nothing", async () => {
    await leavesNothing(async () => {
      await expect(nodeBeside(beam, { name: beam.name, clock })).rejects.toMatchObject({ code: "EPMD_NAME_TAKEN" });
    });
  });

  test("without an epmd the start and the look-up are EPMD_UNREACHABLE", async () => {
    await leavesNothing(async () => {
      const nowhere = { epmdPort: await freePort(), clock };
      await expect(nodeBeside(beam, nowhere)).rejects.toMatchObject({ code: "EPMD_UNREACHABLE" });
      await using alone = await nodeBeside(beam, { ...nowhere, epmd: "none" });
      await expect(alone.connect(beam.name)).rejects.toMatchObject({ code: "EPMD_UNREACHABLE" });
    });
  });

  test.each<[code: string, what: string, act: (peer: RawPeer, name: string) => unknown]>([
    ["HANDSHAKE_CLOSED", "closes at once", (peer) => peer.socket.end()],
    ["HANDSHAKE_TIMEOUT", "says nothing", () => {}],
    ["HANDSHAKE_PROTOCOL", "speaks HTTP", (peer) => peer.write("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["HANDSHAKE_PROTOCOL", "has a status of its own", (peer) => peer.send(Buffer.from("smaybe"))],
    ["HANDSHAKE_PROTOCOL", "announces a packet of 64 KiB", (peer) => peer.write(Buffer.from([0xff, 0xff]))],
    ["HANDSHAKE_NOT_ALLOWED", "answers not_allowed", (peer) => peer.send(Buffer.from("snot_allowed"))],
    ["HANDSHAKE_NOK", "answers nok", (peer) => peer.send(Buffer.from("snok"))],
    ["HANDSHAKE_NAME", "has another name", (peer) => afterStatus(peer, "another@127.0.0.1", FLAGS)],
    [
      "HANDSHAKE_FLAGS",
      "lacks flags",
      (peer, name) => afterStatus(peer, name, FLAGS & ~(Flag.MapTag | Flag.Mandatory25Digest)),
    ],
    [
      "HANDSHAKE_PROTOCOL",
      "sends garbage for a challenge",
      (peer) => peer.send(Buffer.from("sok")) ?? peer.send(Buffer.from("garbage")),
    ],
    ["HANDSHAKE_TIMEOUT", "does not acknowledge", (peer, name) => afterStatus(peer, name, FLAGS)],
    [
      "HANDSHAKE_COOKIE",
      "closes after our digest",
      async (peer, name) => {
        afterStatus(peer, name, FLAGS);
        await peer.packet();
        await peer.packet();
        peer.socket.end();
      },
    ],
    ["HANDSHAKE_COOKIE", "has a wrong digest", (peer, name) => peer.shakeHandsAsDialled(name, FLAGS, "wrong")],
  ])("%s: a dialled peer %s", async (code, _what, act) => {
    await leavesNothing(async () => {
      const name = `${uniqueName("raw")}@127.0.0.1`;
      await using place = await listenRaw((peer) => act(peer, name));
      const { registration } = await registerAt(place.port, name);

      await expect(node.connect(name)).rejects.toMatchObject({ code });
      await registration.close();
    });
  });

  test.each<[code: string, what: string, act: (peer: RawPeer, name: string) => unknown]>([
    ["HANDSHAKE_CLOSED", "closes at once", (peer) => peer.socket.end()],
    ["HANDSHAKE_TIMEOUT", "says nothing", () => {}],
    ["HANDSHAKE_PROTOCOL", "speaks HTTP", (peer) => peer.write("GET / HTTP/1.1\r\n\r\n".padEnd(30_000))],
    ["HANDSHAKE_PROTOCOL", "sends garbage for a name", (peer) => peer.send(Buffer.from("garbage"))],
    [
      "HANDSHAKE_FLAGS",
      "lacks flags",
      (peer, name) => peer.sendName(name, FLAGS & ~(Flag.MapTag | Flag.Mandatory25Digest)),
    ],
    ["HANDSHAKE_NAME", "has no node name", (peer) => peer.sendName("no node name", FLAGS)],
    ["HANDSHAKE_NAME", "has our own name", (peer) => peer.sendName(node.name, FLAGS)],
    ["HANDSHAKE_TIMEOUT", "does not answer the challenge", (peer, name) => peer.sendName(name, FLAGS)],
    [
      "HANDSHAKE_PROTOCOL",
      "sends garbage for an answer",
      (peer, name) => peer.sendName(name, FLAGS) ?? peer.send(Buffer.from("garbage")),
    ],
    [
      "HANDSHAKE_COOKIE",
      "has a wrong digest",
      (peer, name) => peer.sendName(name, FLAGS) ?? peer.sendReply(1, "whatever"),
    ],
    [
      "HANDSHAKE_ALIVE",
      "has a connection that it does not replace",
      (peer) => peer.sendName(beam.name, FLAGS) ?? peer.send(Buffer.from("sfalse")),
    ],
    [
      "HANDSHAKE_COOKIE",
      "replaces a connection without the cookie",
      async (peer) => {
        // Whoever does not know the cookie cannot replace a living connection.
        peer.sendName(beam.name, FLAGS);
        peer.send(Buffer.from("strue"));
        peer.sendReply(1, "whatever");
      },
    ],
  ])("%s: a dialling peer %s", async (code, _what, act) => {
    await leavesNothing(async () => {
      const peer = await RawPeer.dial(node.port!);
      act(peer, `${uniqueName("raw")}@127.0.0.1`);

      await peer.closed;
      await until(() => log.lines.length > 0);
      expect(codes()).toEqual([code]);
      peer.socket.destroy();
    });
  });

  test.each([
    ["DIST_PROTOCOL", "an unknown kind of packet", Buffer.from([0, 0, 0, 4, 1, 2, 3, 4])],
    ["DIST_PROTOCOL", "a control message that is none", Buffer.from([0, 0, 0, 4, 131, 68, 0, 97])],
    ["DIST_LIMIT", "a frame of 4 GiB", Buffer.from([255, 255, 255, 255, 112])],
    [
      "DIST_PROTOCOL",
      "an HTTP request",
      Buffer.concat([Buffer.from([0, 0, 0, 18]), Buffer.from("GET / HTTP/1.1\r\n\r\n")]),
    ],
  ])("%s: a connected peer sends %s", async (code, _what, garbage) => {
    await leavesNothing(async () => {
      const name = `${uniqueName("raw")}@127.0.0.1`;
      const peer = await RawPeer.dial(node.port!);
      await peer.shakeHandsAsDialler(name, FLAGS, beam.cookie);
      await until(() => node.peers().includes(name));
      const call = node.call({ name: "x", node: name }, 1).catch((error: unknown) => error);

      peer.write(garbage);

      expect(await call).toMatchObject({ code: "NODEDOWN", node: name, reason: "protocol_error", cause: { code } });
      await peer.closed;
      expect(codes()).toEqual([code]);
      peer.socket.destroy();
    });
  });

  /** Registers a name for a port at the epmd that the BEAM and our node use. */
  async function registerAt(port: number, name = `${uniqueName("raw")}@127.0.0.1`) {
    const registration: Registration = await new EpmdClient({ port: beam.epmdPort }).register({
      name: shortName(name),
      port,
    });
    return { name, registration };
  }
});

function afterStatus(peer: RawPeer, name: string, flags: Flags): void {
  peer.send(Buffer.from("sok"));
  peer.sendChallenge(name, flags);
}

function shortName(name: string): string {
  return name.slice(0, name.indexOf("@"));
}
