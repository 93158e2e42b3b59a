import { afterAll, afterEach, describe, expect, test } from "vitest";
import { type Node, type NodeOptions, startNode, type TlsOptions } from "../../src/api/index.ts";
import { silentLogger } from "../../src/base/index.ts";
import { GenServer, reply } from "../../src/otp/index.ts";
import type { Term } from "../../src/term/index.ts";
import { Authority } from "../support/certificates.ts";
import { MemoryLogger } from "../support/world.ts";

const authority = new Authority();
afterAll(() => authority[Symbol.dispose]());
const { cert, key } = authority.issue("good");
const tls: TlsOptions = { cert, key, ca: authority.ca };

class Echo extends GenServer {
  override handleCall(request: Term) {
    return reply(request);
  }
}

const started: Node[] = [];
afterEach(async () => {
  for (const node of started.splice(0)) await node.stop();
});

/** Nodes at real sockets that find each other without epmd. */
async function start(name: string, options: Partial<NodeOptions> = {}): Promise<Node> {
  const node = await startNode({
    name,
    cookie: "secret",
    epmd: "none",
    logger: silentLogger,
    resolve: (peer) => ({ host: "127.0.0.1", port: started.find((other) => other.name === peer)?.port ?? 1 }),
    tls,
    ...options,
  });
  started.push(node);
  return node;
}

describe("two nodes with TLS", () => {
  test("call each other, with 3 MB in one message", async () => {
    const a = await start("a@127.0.0.1");
    const b = await start("b@127.0.0.1");
    await b.start(Echo, { name: "echo" });
    const large = "x".repeat(3_000_000);

    expect(await a.call({ name: "echo", node: b.name }, large)).toBe(large);
    expect([a.peers(), b.peers()]).toEqual([[b.name], [a.name]]);
  });

  test("do not connect when the certificate is not one for the host in the node's name", async () => {
    const a = await start("a@127.0.0.1");
    const elsewhere = await start("b@127.0.0.9", { listen: { host: "127.0.0.1" } });

    await expect(a.connect(elsewhere.name)).rejects.toMatchObject({ code: "TLS_HOST_NAME", host: "127.0.0.1" });
    await expect(a.call({ name: "echo", node: elsewhere.name }, 1)).rejects.toMatchObject({
      code: "NODEDOWN",
      cause: { code: "TLS_HOST_NAME" },
    });
  });

  test("of which one listens only to hosts that are certified: a name of another host is not allowed", async () => {
    const logger = new MemoryLogger();
    const role = { cert, key, ca: authority.ca };
    const strict = { client: role, server: { ...role, verifyHost: true } };
    const a = await start("a@127.0.0.1", { tls: strict, logger });
    const honest = await start("b@127.0.0.1");
    const liar = await start("c@127.0.0.9", { listen: { host: "127.0.0.1" } });

    await honest.connect(a.name);

    await expect(liar.connect(a.name)).rejects.toMatchObject({ code: "HANDSHAKE_NOT_ALLOWED" });
    expect(a.peers()).toEqual([honest.name]);
  });
});

describe("a node with TLS and one without", () => {
  test("do not connect, and the one with TLS says why, whoever connects", async () => {
    const logger = new MemoryLogger();
    const secure = await start("a@127.0.0.1", { logger });
    const { tls: _, ...plainly } = { tls, resolve: () => ({ host: "127.0.0.1", port: secure.port! }), logger };
    const plain = await startNode({ ...plainly, name: "b@127.0.0.1", cookie: "secret", epmd: "none" });
    started.push(plain);

    // Node.js closes without the alert that a BEAM sends, so the plain side cannot know.
    await expect(plain.connect(secure.name)).rejects.toMatchObject({ code: "HANDSHAKE_CLOSED" });
    await expect(secure.connect(plain.name)).rejects.toMatchObject({ code: "TLS_CLOSED" });
    expect(logger.lines).toEqual([
      expect.stringMatching(/could not connect: TLS with 127\.0\.0\.1:\d+ failed: wrong version number/),
      expect.stringMatching(/could not connect: .*it speaks TLS/),
    ]);
  });
});

test("certificates that cannot be used are refused before anything is started", async () => {
  await expect(start("a@127.0.0.1", { tls: { cert, key } })).rejects.toMatchObject({ code: "BADARG", argument: "tls" });
  await expect(start("a@127.0.0.1", { tls: { optfile: "/nowhere" } })).rejects.toMatchObject({ argument: "tls" });
});
