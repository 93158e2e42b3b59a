import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock, systemRandom } from "../../src/base/index.ts";
import { type AnswerOptions, answer, Flag, type HandshakeError, ourFlags } from "../../src/dist/index.ts";
import { EpmdClient } from "../../src/epmd/index.ts";
import type { NodeOptions } from "../../src/index.ts";
import { type Beam, describePeers, freePort, startBeam, uniqueName } from "../harness/index.ts";
import { BareNode } from "../support/bare-node.ts";
import { ControlTap } from "../support/control-tap.ts";
import { nodeBeside } from "../support/our-node.ts";
import { listenRaw } from "../support/raw-peer.ts";
import { until } from "../support/until.ts";

/** The packets of a handshake that ends well, of the side that dials; `>` is sent, `<` received. */
const DIALLED = ["> N", "< sok", "< N", "> r", "< a"];
/** The same, of the side that is dialled. */
const ANSWERED = ["< N", "> sok", "> N", "< r", "> a"];

const self = (name: string) => ({ self: { name, creation: 4 } });
const fresh = (prefix: string) => `${uniqueName(prefix)}@127.0.0.1`;

describePeers("handshakes", {}, (release) => {
  let tap: ControlTap;
  let beam: Beam;

  beforeAll(async () => {
    beam = await startBeam(release, { name: uniqueName("m") });
  });

  beforeEach(() => {
    tap = new ControlTap();
  });

  afterAll(() => beam[Symbol.asyncDispose]());

  const dialBeam = (handshake = {}) => BareNode.dial(beam, { transport: tap, handshake });
  const beamDials = (name: string) => beam.eval<boolean>(`:net_kernel.connect_node(:"${name}")`);
  const beamsPeers = () => beam.eval<string[]>("Node.list(:hidden)");

  describe("we dial the BEAM", () => {
    test("ok", async () => {
      using bare = await dialBeam();

      expect(tap.handshakes).toEqual([DIALLED]);
      expect(bare.open).toBe(true);
    });

    test.each([
      ["our name has characters that none may have", () => self("a.b@127.0.0.1")],
      ["our name is its own", () => self(beam.name)],
    ])("nok: %s", async (_, handshake) => {
      await expect(dialBeam(handshake())).rejects.toMatchObject({ code: "HANDSHAKE_NOK" });

      expect(tap.handshakes).toEqual([["> N", "< snok"]]);
    });

    test("nok: its own attempt is under way, and its name is the greater one", async () => {
      await whileBeamDials(fresh("a"), async (name) => {
        await expect(dialBeam(self(name))).rejects.toMatchObject({ code: "HANDSHAKE_NOK" });
      });

      expect(tap.handshakes).toEqual([["> N", "< snok"]]);
    });

    test("ok_simultaneous: its own attempt is under way, and ours is the greater name", async () => {
      await whileBeamDials(fresh("z"), async (name) => {
        using _ = await dialBeam(self(name));
        expect(await beamsPeers()).toEqual([name]);
      });

      expect(tap.handshakes).toEqual([["> N", "< sok_simultaneous", "< N", "> r", "< a"]]);
    });

    test("not_allowed: we lack a flag", async () => {
      const lacking = { flags: ourFlags({ without: Flag.BigCreation | Flag.Mandatory25Digest }) };

      await expect(dialBeam(lacking)).rejects.toMatchObject({ code: "HANDSHAKE_NOT_ALLOWED" });

      expect(tap.handshakes).toEqual([["> N", "< snot_allowed"]]);
    });

    test("alive: a new connection takes the place of the live one", async () => {
      const name = fresh("twice");
      using first = await dialBeam(self(name));
      // OTP 23 waits until the old connection is gone; the later ones end it themselves.
      const replaceLive = () => {
        if (release.otp === "23") first[Symbol.dispose]();
        return true;
      };
      using second = await dialBeam({ ...self(name), replaceLive });

      expect(tap.handshakes).toEqual([DIALLED, ["> N", "< salive", "> strue", "< N", "> r", "< a"]]);
      await until(() => !first.open);
      expect(second.open).toBe(true);
      expect(await beamsPeers()).toEqual([name]);
    });

    test("alive: or it does not, and the live one stays", async () => {
      const name = fresh("twice");
      using first = await dialBeam(self(name));

      await expect(dialBeam({ ...self(name), replaceLive: () => false })).rejects.toMatchObject({
        code: "HANDSHAKE_ALIVE",
      });

      expect(tap.handshakes).toEqual([DIALLED, ["> N", "< salive", "> sfalse"]]);
      expect(await beamsPeers()).toEqual([name]);
      expect(first.open).toBe(true);
    });

    test("named: it gives us a name", async () => {
      using bare = await dialBeam({
        self: { name: "127.0.0.1", creation: 0 },
        flags: ourFlags({ dynamicName: true }),
      });

      expect(tap.handshakes).toEqual([["> N", "< snamed", "< N", "> r", "< a"]]);
      expect(await beamsPeers()).toEqual([bare.pid().node]);
    });

    test("its challenge has another name than was dialled", async () => {
      await expect(dialBeam({ peer: "another@127.0.0.1" })).rejects.toMatchObject({ code: "HANDSHAKE_NAME" });

      expect(tap.handshakes).toEqual([["> N", "< sok", "< N"]]);
    });

    test("it closes after our digest when the cookies differ", async () => {
      await expect(dialBeam({ cookie: "wrong" })).rejects.toMatchObject({ code: "HANDSHAKE_COOKIE" });

      expect(tap.handshakes).toEqual([["> N", "< sok", "< N", "> r"]]);
    });
  });

  describe("the BEAM dials us", () => {
    test("ok", async () => {
      await using node = await ourNode();

      expect(await beamDials(node.name)).toBe(true);

      expect(tap.handshakes).toEqual([ANSWERED]);
    });

    test("nok: our own attempt is under way, and ours is the greater name; the BEAM goes on with ours", async () => {
      await using gate = await gateTo(beam);
      await using node = await ourNode({ name: fresh("z"), resolve: () => ({ host: "127.0.0.1", port: gate.port }) });
      const connecting = node.connect(beam.name);
      await until(() => tap.handshakes[0]?.length === 1);
      const dialled = beamDials(node.name);
      await until(() => tap.handshakes[1]?.length === 2);

      gate.open();
      await connecting;

      expect(await dialled).toBe(true);
      expect(tap.handshakes).toEqual([
        ["> N", "< sok_simultaneous", "< N", "> r", "< a"],
        ["< N", "> snok"],
      ]);
      expect([await beamsPeers(), node.peers()]).toEqual([[node.name], [beam.name]]);
    });

    test("ok_simultaneous: our own attempt is under way, and its name is the greater one", async () => {
      await using gate = await gateTo(beam);
      await using node = await ourNode({ name: fresh("a"), resolve: () => ({ host: "127.0.0.1", port: gate.port }) });
      const connecting = node.connect(beam.name);
      await until(() => tap.handshakes[0]?.length === 1);

      expect(await beamDials(node.name)).toBe(true);
      await connecting;

      expect(tap.handshakes).toEqual([["> N"], ["< N", "> sok_simultaneous", "> N", "< r", "> a"]]);
      expect([await beamsPeers(), node.peers()]).toEqual([[node.name], [beam.name]]);
    });

    test("alive: it takes the place of the connection that we believe to have", async () => {
      await using node = await ourNode();
      using before = await BareNode.dial({ ...beam, name: node.name }, { transport: tap, handshake: self(beam.name) });
      const lost = new Promise((resolve) => node.monitorNodes(({ type, reason }) => resolve({ type, reason })));

      expect(await beamDials(node.name)).toBe(true);

      expect(tap.handshakes.at(-1)).toEqual(["< N", "> salive", "< strue", "> N", "< r", "> a"]);
      expect(await lost).toEqual({ type: "nodedown", reason: "replaced" });
      await until(() => !before.open);
      expect(node.peers()).toEqual([beam.name]);
    });

    test("named: we give it a name", async () => {
      await using node = await ourNode({ name: `${uniqueName("ours")}@localhost` });
      await using nameless = await startBeam(release, { dynamicName: true, cookie: beam.cookie });

      expect(await nameless.eval(`:net_kernel.connect_node(:"${node.name}")`)).toBe(true);

      expect(tap.handshakes).toEqual([["< N", "> snamed", "> N", "< r", "> a"]]);
      expect(node.peers()).toEqual([await nameless.eval("node()")]);
    });

    test.each<[what: string, options: Partial<AnswerOptions>, code: string, packets: string[]]>([
      ["not_allowed", { decide: () => "not_allowed" }, "HANDSHAKE_NOT_ALLOWED", ["< N", "> snot_allowed"]],
      ["a close instead of a status", { decide: () => "close" }, "HANDSHAKE_ALIVE", ["< N"]],
      [
        "it finds that we lack a flag, and closes",
        { flags: ourFlags({ without: Flag.BigCreation | Flag.Mandatory25Digest }) },
        "HANDSHAKE_CLOSED",
        ["< N", "> sok", "> N"],
      ],
      [
        "its digest is not made with our cookie",
        { cookieFor: () => "wrong" },
        "HANDSHAKE_COOKIE",
        ["< N", "> sok", "> N", "< r"],
      ],
    ])("%s", async (_, options, code, packets) => {
      const failed = await failedAnswer(options);

      expect(failed.map((error) => error.code)).toEqual([code]);
      expect(tap.handshakes).toEqual([packets]);
    });
  });

  function ourNode(options: Partial<NodeOptions> = {}) {
    return nodeBeside(beam, { transport: tap, ...options });
  }

  /** While the BEAM waits for a node of that name to say something. */
  async function whileBeamDials(name: string, act: (name: string) => Promise<void>): Promise<void> {
    let dialled = false;
    await using place = await listenRaw(async (peer) => {
      await peer.packet();
      dialled = true;
    });
    const registration = await register(name, place.port);
    await beam.eval(`spawn(fn -> :net_kernel.connect_node(:"${name}") end); nil`);
    await until(() => dialled);
    await act(name);
    await registration.close();
  }

  /** The BEAM dials a place that answers in such a way. */
  async function failedAnswer(options: Partial<AnswerOptions>): Promise<HandshakeError[]> {
    const name = fresh("place");
    const failed: HandshakeError[] = [];
    const listener = await tap.listen({ host: "127.0.0.1", port: 0 }, (stream) =>
      answer(stream, {
        ...self(name),
        flags: ourFlags(),
        random: systemRandom,
        clock: systemClock,
        decide: () => "ok",
        cookieFor: () => beam.cookie,
        up: () => ({ signal() {}, drained() {}, closed() {} }),
        failed: (error) => failed.push(error),
        ...options,
      }),
    );
    const registration = await register(name, listener.endpoint.port);
    expect(await beamDials(name)).toBe(false);
    await until(() => failed.length > 0);
    await registration.close();
    await listener.close();
    return failed;
  }

  function register(name: string, port: number) {
    const [shortName] = name.split("@");
    return new EpmdClient({ port: beam.epmdPort }).register({ name: shortName!, port });
  }
});

describePeers("the old name packet", { otp: ["23"] }, (release) => {
  test("is what a BEAM of OTP 23 begins with where no epmd tells it our version", async () => {
    const tap = new ControlTap();
    const port = await freePort();
    await using beam = await startBeam(release, { args: ["-erl_epmd_port", String(port)] });
    await using node = await nodeBeside(beam, {
      transport: tap,
      name: `${uniqueName("ours")}@127.0.0.2`,
      epmd: "none",
      listen: { port },
    });

    expect(await beam.eval(`:net_kernel.connect_node(:"${node.name}")`)).toBe(true);

    expect(tap.handshakes).toEqual([["< n", "> sok", "> N", "< c", "< r", "> a"]]);
    expect(node.peers()).toEqual([beam.name]);
    expect(await beam.eval(`:net_adm.ping(:"${node.name}")`)).toBe("pong");
  });
});

/** A way to the BEAM on which nothing passes until it is opened. */
async function gateTo(beam: Beam) {
  const entry = await new EpmdClient({ port: beam.epmdPort }).lookup(beam.name.slice(0, beam.name.indexOf("@")));
  const waiting: Socket[] = [];
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    sockets.push(near.on("error", () => {}));
    waiting.push(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    open() {
      for (const near of waiting.splice(0)) {
        const far = connect(entry!.port, "127.0.0.1").on("error", () => {});
        sockets.push(far);
        near.pipe(far).pipe(near);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
