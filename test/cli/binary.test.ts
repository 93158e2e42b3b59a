import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type Node, startNode } from "../../src/api/index.ts";
import { silentLogger } from "../../src/base/index.ts";
import { type Epmd, EpmdClient, startEpmd } from "../../src/epmd/index.ts";
import { GenServer, noReply, reply } from "../../src/otp/index.ts";
import { type CancelReason, GenStage, Producer } from "../../src/stage/index.ts";
import { atom, float, type Term, tuple } from "../../src/term/index.ts";
import { buildBinary, runBinary, type StartOptions, startBinary } from "./binary.ts";

const COOKIE = "cli-test";

let epmd: Epmd;
let node: Node;
let env: Record<string, string>;

beforeAll(async () => {
  buildBinary();
  epmd = await startEpmd({ port: 0, addresses: ["127.0.0.1"] });
  env = { ERL_EPMD_PORT: String(epmd.port), TIEBEAM_COOKIE: COOKIE };
  node = await startNode({
    name: "shop@127.0.0.1",
    cookie: COOKIE,
    epmdPort: epmd.port,
    epmd: "require",
    floats: "exact",
    logger: silentLogger,
  });
}, 120_000);

// No command leaves a connection, a registration, or a monitor on what it talked to.
afterEach(async () => {
  await vi.waitFor(async () => {
    expect(node.stats()).toMatchObject({ peers: [], connecting: 0, monitored: 0 });
    expect((await names()).map(({ name }) => name)).toEqual(["shop"]);
  });
});

afterAll(async () => {
  await node.stop();
  await epmd.close();
});

const names = () => new EpmdClient({ port: epmd.port }).names();
const run = (args: readonly string[], options: StartOptions = {}) => runBinary(args, { env, ...options });
const start = (args: readonly string[], options: StartOptions = {}) => startBinary(args, { env, ...options });

/** Keeps what it gets. */
class Keeper extends GenServer {
  readonly seen: Term[] = [];

  override handleCall(request: Term) {
    this.seen.push(request);
    return request === atom("never") ? noReply() : reply(tuple(atom("ok"), request));
  }

  override handleCast(request: Term) {
    this.seen.push(tuple(atom("cast"), request));
  }

  override handleInfo(message: Term) {
    this.seen.push(message);
  }
}

/** Emits the integers from 1 on, and records what was asked for and how subscriptions ended. */
class Counter extends Producer<Term> {
  static readonly all: Counter[] = [];
  asked = 0;
  emitted = 0;
  readonly cancels: CancelReason[] = [];

  override init() {
    Counter.all.push(this);
  }

  handleDemand(demand: number) {
    this.asked += demand;
    return noReply({ events: Array.from({ length: demand }, () => ++this.emitted) });
  }

  override handleCancel(reason: CancelReason) {
    this.cancels.push(reason);
  }
}

async function startCounter(): Promise<{ counter: Counter; stop(): void }> {
  const { pid } = await node.start(Counter, { name: "counter" });
  return { counter: Counter.all.at(-1)!, stop: () => node.exit(pid, atom("kill")) };
}

test("the version is that of the package", async () => {
  const { code, stdout } = await run(["--version"]);

  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/) });
});

test("names lists what epmd knows", async () => {
  expect(await run(["names"])).toEqual({ code: 0, stdout: `NAME  PORT\nshop  ${node.port}\n`, stderr: "" });
  expect((await run(["names", "127.0.0.1", "--json"])).stdout).toBe(`{"name":"shop","port":${node.port}}\n`);
});

test("ping says how long it took", async () => {
  const plain = await run(["ping", "shop@127.0.0.1"]);
  const json = await run(["ping", "shop@127.0.0.1", "--json"]);

  expect(plain).toEqual({ code: 0, stdout: expect.stringMatching(/^pong from shop@127.0.0.1: .* ms/), stderr: "" });
  expect(JSON.parse(json.stdout)).toMatchObject({
    node: "shop@127.0.0.1",
    result: "pong",
    roundTripMs: expect.any(Number),
  });
});

describe("with a server", () => {
  let keeper: Keeper;

  beforeAll(async () => {
    await node.start(
      class extends Keeper {
        override init() {
          keeper = this;
        }
      },
      { name: "Elixir.Shop.Keeper" },
    );
  });

  test("call prints the reply in the syntax of the request, or as JSON", async () => {
    const call = (...args: string[]) => run(["call", "Shop.Keeper@shop@127.0.0.1", ...args]);

    expect(await call('%{"a" => 1.0}')).toEqual({ code: 0, stdout: '{:ok, %{"a" => 1.0}}\n', stderr: "" });
    expect((await call("{a, 1.0}", "--syntax", "erlang")).stdout).toBe("{ok,{a,1.0}}\n");
    expect((await call("%{a: [1, nil]}", "--json")).stdout).toBe('{"$tuple":[{"$atom":"ok"},{"a":[1,null]}]}\n');
  });

  test("cast and send end once the node has the message", async () => {
    const before = keeper.seen.length;

    expect(await run(["cast", "Shop.Keeper@shop@127.0.0.1", "{:add, 1}"])).toMatchObject({ code: 0, stdout: "" });
    expect(await run(["send", "Shop.Keeper@shop@127.0.0.1", ":tick"])).toMatchObject({ code: 0, stdout: "" });

    expect(keeper.seen.slice(before)).toEqual([tuple(atom("cast"), tuple(atom("add"), 1)), atom("tick")]);
  });

  test("a call under a name of one's own is made by that node", async () => {
    await using running = start(["call", "Shop.Keeper@shop@127.0.0.1", ":never", "--name", "me@127.0.0.1"]);

    await vi.waitFor(() => expect(node.peers()).toEqual(["me@127.0.0.1"]));

    expect((await names()).map(({ name }) => name).sort()).toEqual(["me", "shop"]);
    expect((await running.interrupt()).code).toBe(130);
  });
});

describe("what goes wrong has an exit code, a code and a hint", () => {
  const failed = (exitCode: number, code: string) => ({
    code: exitCode,
    stdout: "",
    stderr: expect.stringMatching(new RegExp(`^error: .* \\(${code}\\)\nhint: .+\n$`)),
  });

  test("a wrong cookie", async () => {
    expect(await run(["ping", "shop@127.0.0.1", "--cookie", "other"])).toEqual(failed(4, "HANDSHAKE_COOKIE"));
  });

  test("no cookie", async () => {
    const { ERL_EPMD_PORT } = env;

    expect(await run(["ping", "shop@127.0.0.1"], { env: { ERL_EPMD_PORT: ERL_EPMD_PORT! } })).toEqual(
      failed(2, "COOKIE_MISSING"),
    );
  });

  test("a node that is not there", async () => {
    expect(await run(["ping", "nobody@127.0.0.1"])).toEqual(failed(3, "NODE_UNKNOWN"));
  });

  test("a name that is taken", async () => {
    expect(await run(["produce", "lines", "--name", "shop@127.0.0.1"])).toEqual(failed(1, "EPMD_NAME_TAKEN"));
  });

  test("a process that is not there", async () => {
    expect(await run(["call", "nobody@shop@127.0.0.1", ":x"])).toEqual(failed(1, "EXIT_NOPROC"));
    expect(await run(["cast", "nobody@shop@127.0.0.1", ":x"])).toEqual(failed(1, "EXIT_NOPROC"));
    expect(await run(["send", "nobody@shop@127.0.0.1", ":x"])).toEqual(failed(1, "EXIT_NOPROC"));
    expect(await run(["consume", "nobody@shop@127.0.0.1"])).toEqual(failed(1, "EXIT_NOPROC"));
  });

  test("a server that does not reply in time", async () => {
    await node.start(Keeper, { name: "slow" });

    expect(await run(["call", "slow@shop@127.0.0.1", ":never", "--timeout", "200ms"])).toEqual(
      failed(5, "EXIT_TIMEOUT"),
    );
  });

  test("no epmd", async () => {
    const port = await portOf((socket) => socket.destroy(), { close: true });

    expect(await run(["ping", "shop@127.0.0.1"], { env: { ...env, ERL_EPMD_PORT: String(port) } })).toEqual(
      failed(3, "EPMD_UNREACHABLE"),
    );
  });

  test.each<[what: string, answer: string | undefined, exitCode: number, code: string]>([
    ["garbage in place of a handshake", "HTTP/1.1 400 Bad Request\r\n\r\n", 4, "HANDSHAKE_PROTOCOL"],
    ["silence in place of a handshake", undefined, 5, "TIMEOUT"],
  ])("%s", async (_, answer, exitCode, code) => {
    const port = await portOf((socket) => answer !== undefined && socket.write(answer));
    const registration = await new EpmdClient({ port: epmd.port }).register({ name: "odd", port });

    const outcome = await run(["ping", "odd@127.0.0.1", "--timeout", "500ms"]);

    await registration.close();
    expect(outcome).toEqual(failed(exitCode, code));
  });

  test("a port that is closed", async () => {
    const port = await portOf(() => {}, { close: true });
    const registration = await new EpmdClient({ port: epmd.port }).register({ name: "gone", port });

    const outcome = await run(["ping", "gone@127.0.0.1"]);

    await registration.close();
    expect(outcome).toEqual(failed(3, "NET_REFUSED"));
  });

  test("with --json it is JSON", async () => {
    const { code, stderr } = await run(["ping", "nobody@127.0.0.1", "--json"]);

    expect(code).toBe(3);
    expect(JSON.parse(stderr).error).toMatchObject({ code: "NODE_UNKNOWN", exitCode: 3, hint: expect.any(String) });
  });
});

describe("consume", () => {
  test("prints text as it is, other terms as inspect does, and ends with the producer", async () => {
    const events = ["plain text", atom("ok"), tuple(1, float(2)), new Uint8Array([255]), { a: null }];
    const args = ["consume", "events@shop@127.0.0.1"];

    await node.start(GenStage.from(events), { name: "events" });
    const plain = await run(args);
    await node.start(GenStage.from(events), { name: "events" });
    const json = await run([...args, "--json"]);

    expect(plain).toEqual({ code: 0, stdout: "plain text\n:ok\n{1, 2.0}\n<<255>>\n%{a: nil}\n", stderr: "" });
    expect(json.stdout).toBe('"plain text"\n{"$atom":"ok"}\n{"$tuple":[1,2]}\n{"$bin":"/w=="}\n{"a":null}\n');
  });

  test("takes no more from a producer than the count, and cancels the subscription", async () => {
    const { counter, stop } = await startCounter();

    const { code, stdout } = await run(["consume", "counter@shop@127.0.0.1", "-n", "3"]);

    await vi.waitFor(() => expect(counter.cancels).toEqual([{ kind: "cancel", reason: atom("normal") }]));
    expect({ code, stdout }).toEqual({ code: 0, stdout: "1\n2\n3\n" });
    expect(counter.asked).toBe(3);
    stop();
  });

  test("asks for as much as the options say", async () => {
    const { counter, stop } = await startCounter();
    const options = ["--max-demand", "10", "--min-demand", "9", "-n", "20"];

    expect((await run(["consume", "counter@shop@127.0.0.1", ...options])).code).toBe(0);

    expect(counter.asked).toBeLessThan(20 + 10);
    stop();
  });

  test("asks for no more while nobody reads its output, and Ctrl-C cancels all the same", async () => {
    const { counter, stop } = await startCounter();
    await using running = start(["consume", "counter@shop@127.0.0.1"], { unread: true });

    // It stands still once the pipe is full: the same figure for half a second.
    let seen = -1;
    await vi.waitFor(
      () => {
        const before = seen;
        seen = counter.emitted;
        expect(seen).toBeGreaterThan(0);
        expect(seen).toBe(before);
      },
      { interval: 500, timeout: 10_000 },
    );
    const { code, stderr } = await running.interrupt();

    expect(code).toBe(130);
    expect(stderr).toMatch(/^\d+ events\n$/);
    expect(counter.emitted).toBe(seen);
    expect(counter.cancels).toEqual([{ kind: "cancel", reason: atom("normal") }]);
    stop();
  });

  test("a reader that goes away is no error", async () => {
    const { counter, stop } = await startCounter();
    await using running = start(["consume", "counter@shop@127.0.0.1"], { unread: true });

    running.child.stdout.once("data", () => running.child.stdout.destroy());
    const { code, stderr } = await running.finished;

    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    await vi.waitFor(() => expect(counter.cancels).toHaveLength(1));
    stop();
  });

  test("a producer that crashes, and a node that is lost, are told apart", async () => {
    const { stop } = await startCounter();
    await using crashed = start(["consume", "counter@shop@127.0.0.1"]);
    await crashed.until("stdout", /^1\n/);
    stop();

    const other = await startNode({
      name: "other@127.0.0.1",
      cookie: COOKIE,
      epmdPort: epmd.port,
      logger: silentLogger,
    });
    await other.start(Counter, { name: "counter" });
    await using lost = start(["consume", "counter@other@127.0.0.1"]);
    await lost.until("stdout", /^1\n/);
    other.disconnect(other.peers()[0]!);

    expect(await crashed.finished).toMatchObject({ code: 1, stderr: expect.stringContaining("(EXIT_OTHER)") });
    expect(await lost.finished).toMatchObject({ code: 3, stderr: expect.stringContaining("(NODEDOWN)") });
    await other.stop();
  });
});

describe("produce", () => {
  const PRODUCE = ["produce", "numbers", "--name", "p@127.0.0.1"];
  const CONSUME = ["consume", "numbers@p@127.0.0.1"];

  test("100,000 lines go through two shells unchanged", async () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `${i + 1}\n`).join("");
    await using producer = start(PRODUCE, { stdin: lines });
    await producer.until("stderr", /producing as numbers@p@127.0.0.1\n/);

    const consumer = await run([...CONSUME, "-n", "100000"]);

    expect(consumer).toEqual({ code: 0, stdout: lines, stderr: "" });
    expect((await producer.finished).code).toBe(0);
  });

  test("ends when the last line was taken, also when nobody asks for more", async () => {
    await using producer = start(PRODUCE, { stdin: "a\n\nb" });
    await producer.until("stderr", /producing/);

    const consumer = await run([...CONSUME, "-n", "3"]);

    expect(consumer.stdout).toBe("a\n\nb\n");
    expect((await producer.finished).code).toBe(0);
  });

  test("hands out each line as it comes, and Ctrl-C ends it although its input is open", async () => {
    await using producer = start(PRODUCE);
    await producer.until("stderr", /producing/);
    await using consumer = start(CONSUME);

    producer.child.stdin.write("first\n");
    await consumer.until("stdout", /^first\n$/);
    producer.child.stdin.write("second\n");
    await consumer.until("stdout", /^first\nsecond\n$/);

    expect((await producer.interrupt()).code).toBe(130);
    expect((await consumer.finished).code).toBe(0);
  });

  test("reads its input no faster than it is asked", async () => {
    await using producer = start(PRODUCE);
    await producer.until("stderr", /producing/);
    const { stdin } = producer.child;

    // The pipe and one chunk are read ahead, whatever the input's size.
    let accepted = 0;
    const chunk = `${"x".repeat(65_535)}\n`;
    while (accepted < 100 && stdin.write(chunk)) accepted++;
    await vi.waitFor(() => expect(stdin.writableLength).toBeGreaterThan(0));
    expect(accepted).toBeLessThan(100);
    const consumer = await run([...CONSUME, "-n", "1"]);

    expect(consumer.stdout).toBe(chunk);
    expect((await producer.interrupt("SIGTERM")).code).toBe(143);
  });

  test("without --name it says under which address it can be found", async () => {
    await using producer = start(["produce", "lines"], { stdin: "x\n" });
    const [, address] = await producer.until("stderr", /producing as (\S+)\n/);

    expect((await run(["consume", address!])).stdout).toBe("x\n");
    expect((await producer.finished).code).toBe(0);
  });

  test("calls, casts and messages that it does not know do it no harm", async () => {
    await using producer = start(PRODUCE, { stdin: "x\n" });
    await producer.until("stderr", /producing/);

    expect((await run(["call", "numbers@p@127.0.0.1", ":what"])).stdout).toBe("{:error, :bad_call}\n");
    expect((await run(["cast", "numbers@p@127.0.0.1", ":what"])).code).toBe(0);
    expect((await run(["send", "numbers@p@127.0.0.1", ":what"])).code).toBe(0);
    expect((await run(CONSUME)).stdout).toBe("x\n");
    expect((await producer.finished).code).toBe(0);
  });
});

describe("epmd", () => {
  test("serves until it is interrupted", async () => {
    const port = await portOf(() => {}, { close: true });
    await using running = start(["epmd", "--port", String(port), "--json"]);
    expect((await running.until("stdout", /.*\n/))[0]).toBe(`{"role":"server","port":${port}}\n`);

    expect(await new EpmdClient({ port }).names()).toEqual([]);
    expect((await running.interrupt()).code).toBe(130);
  });

  test("stands aside while another one runs", async () => {
    await using running = start(["epmd"]);

    await running.until("stderr", new RegExp(`another epmd has port ${epmd.port}`));
    expect((await running.interrupt("SIGTERM")).code).toBe(143);
  });

  test("says so when the port belongs to something else", async () => {
    const port = await portOf((socket) => socket.end("hello"));

    expect(await run(["epmd", "--port", String(port)])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("(EPMD_LISTEN)"),
    });
  });
});

type Socket = import("node:net").Socket;

const servers: (() => void)[] = [];
afterEach(() => {
  for (const close of servers.splice(0)) close();
});

/** The port of a server that does this to whoever connects; of one that is gone again with `close`. */
async function portOf(connected: (socket: Socket) => unknown, { close = false } = {}): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    connected(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const end = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  if (close) await new Promise((resolve) => server.close(resolve));
  else servers.push(end);
  return port;
}
