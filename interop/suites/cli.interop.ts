import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { buildBinary, runBinary, startBinary } from "../../test/cli/binary.ts";
import { type Beam, describePeers, freePort, startBeam, uniqueName } from "../harness/index.ts";

beforeAll(buildBinary, 120_000);

/** `seq 1 count`. */
const seq = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}\n`).join("");

const envFor = ({ cookie, epmdPort }: Beam) => ({ TIEBEAM_COOKIE: cookie, ERL_EPMD_PORT: String(epmdPort) });

describePeers("the command line", {}, (release) => {
  let beam: Beam;
  const run = (...args: string[]) => runBinary(args, { env: envFor(beam) });

  beforeAll(async () => {
    beam = await startBeam(release);
    await beam.eval("{:ok, echo} = Fixtures.Echo.start(name: Shop.Echo); {:ok, _} = Shop.Prices.start_link(); nil");
  });

  afterAll(() => beam[Symbol.asyncDispose]());

  test("ping reaches a node, and leaves no connection", async () => {
    expect(await run("ping", beam.name)).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^pong from .* ms/),
      stderr: "",
    });
    expect(await beam.until("Node.list(:connected) == []")).toBe(true);
  });

  test("names lists the nodes of the stock epmd", async () => {
    const { code, stdout } = await run("names", "--json");

    const found = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(code).toBe(0);
    expect(found.map(({ name }) => `${name}@127.0.0.1`)).toContain(beam.name);
  });

  test("call prints what a GenServer replies", async () => {
    const term = '{:a, 1.0, "text", %{"key" => [1, nil]}, <<255>>, <<1::size(3)>>, ~c"abc"}';
    const { code, stdout } = await run("call", `Shop.Echo@${beam.name}`, `{:echo, ${term}}`);

    expect({ code, stdout: stdout.replace("'abc'", '~c"abc"') }).toEqual({ code: 0, stdout: `${term}\n` });
    expect((await run("call", `Shop.Prices@${beam.name}`, '{:price, "sku-1"}')).stdout).toBe("150\n");
    expect((await run("call", `Shop.Prices@${beam.name}`, "--syntax", "erlang", '{price, <<"sku-1">>}')).stdout).toBe(
      "150\n",
    );
  });

  test("cast and send have arrived when they end", async () => {
    expect((await run("cast", `Shop.Echo@${beam.name}`, ":first")).code).toBe(0);
    expect((await run("send", `Shop.Echo@${beam.name}`, '{"second", 2}')).code).toBe(0);

    expect(await beam.inspect("GenServer.call(echo, :seen)")).toBe('[cast: :first, info: {"second", 2}]');
    expect(await beam.inspect("Process.info(echo, :monitored_by)")).toBe("{:monitored_by, []}");
  });

  test("a server that dies of a request, and one that is not there, are the peer's no", async () => {
    await beam.eval("Fixtures.Odd.start() |> elem(1) |> Process.register(:odd)");

    const died = await run("call", `odd@${beam.name}`, "{:exit, {:sorry, 1}}");
    const missing = await run("call", `odd@${beam.name}`, "{:exit, 1}");

    expect(died).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/\{:sorry, 1\}.*\(EXIT_OTHER\)/) });
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining("(EXIT_NOPROC)") });
  });

  test("a wrong cookie, an unknown node, a name that is taken each have their code and hint", async () => {
    const failed = (code: string) => expect.stringMatching(new RegExp(`\\(${code}\\)\nhint: `));

    expect(await run("ping", beam.name, "--cookie", "wrong")).toMatchObject({
      code: 4,
      stderr: failed("HANDSHAKE_COOKIE"),
    });
    expect(await run("ping", "nobody-at-all@127.0.0.1")).toMatchObject({ code: 3, stderr: failed("NODE_UNKNOWN") });
    expect(await run("produce", "x", "--name", beam.name)).toMatchObject({
      code: 1,
      stderr: failed("EPMD_NAME_TAKEN"),
    });
  });

  test("a frozen node is a timeout", async () => {
    await using frozen = await startBeam(release);
    await frozen.freeze();

    const outcome = await runBinary(["ping", frozen.name, "--timeout", "500ms"], { env: envFor(frozen) });

    frozen.thaw();
    expect(outcome).toMatchObject({ code: 5, stderr: expect.stringContaining("(TIMEOUT)") });
  });

  test("epmd serves BEAM nodes in place of the stock one", async () => {
    const port = await freePort();
    await using epmd = startBinary(["epmd", "--port", String(port)], { env: { ERL_EPMD_ADDRESS: "127.0.0.1" } });
    await epmd.until("stderr", /serving as epmd/);
    await using a = await startBeam(release, { epmdPort: port, cookie: "same" });
    await using b = await startBeam(release, { epmdPort: port, cookie: "same" });

    expect(await a.eval(`Node.ping(:"${b.name}")`)).toBe("pong");
    expect((await runBinary(["ping", a.name], { env: envFor(a) })).code).toBe(0);
  });
});

describePeers("streams on the command line", { genStage: true }, (release) => {
  let beam: Beam;
  const stats = () => beam.eval<Record<string, unknown>>("Fixtures.Counter.stats(counter)");

  beforeAll(async () => {
    beam = await startBeam(release, { genStage: true });
  });

  afterAll(() => beam[Symbol.asyncDispose]());

  const startCounter = (options: string) =>
    beam.eval(`
      if old = Process.whereis(:counter), do: GenServer.stop(old)
      {:ok, counter} = Fixtures.Counter.start([name: :counter] ++ ${options})
      nil
    `);

  test("100,000 lines go from one shell to another", async () => {
    const name = `${uniqueName("p")}@127.0.0.1`;
    await using producer = startBinary(["produce", "numbers", "--name", name], {
      env: envFor(beam),
      stdin: seq(100_000),
    });
    await producer.until("stderr", /producing/);

    const consumer = await runBinary(["consume", `numbers@${name}`, "-n", "100000"], { env: envFor(beam) });

    expect(consumer).toEqual({ code: 0, stdout: seq(100_000), stderr: "" });
    expect((await producer.finished).code).toBe(0);
  });

  test("an Elixir consumer gets 100,000 lines as they are, and produce ends once it has them", async () => {
    const name = `${uniqueName("p")}@127.0.0.1`;
    await using producer = startBinary(["produce", "numbers", "--name", name], {
      env: envFor(beam),
      stdin: seq(100_000),
    });
    await producer.until("stderr", /producing/);

    const summary = await beam.eval(`
      {:ok, collector} = Fixtures.Collector.start()
      Fixtures.Collector.subscribe(collector, {:numbers, :"${name}"}, cancel: :temporary, max_demand: 700)
      Fixtures.Collector.await(collector, 100_000)
    `);

    const digest = createHash("sha256").update(seq(100_000)).digest("hex");
    expect(summary).toMatchObject({ count: 100_000, first: "1", last: "100000", digest });
    expect((await producer.finished).code).toBe(0);
  });

  test("consume prints 100,000 events of an Elixir producer, by count or until it ends", async () => {
    await startCounter("[last: :infinity]");
    const counted = await runBinary(["consume", `counter@${beam.name}`, "-n", "100000"], { env: envFor(beam) });
    await beam.until("Fixtures.Counter.stats(counter).cancelled == 1");
    const seen = await stats();
    await startCounter("[last: 100_000]");
    const whole = await runBinary(["consume", `counter@${beam.name}`], { env: envFor(beam) });

    expect(counted).toEqual({ code: 0, stdout: seq(100_000), stderr: "" });
    expect(seen).toMatchObject({ cancel_reasons: [["cancel", "normal"]], max_outstanding: 1_000 });
    expect(whole).toEqual(counted);
  });

  test("a count below the demand takes no more than it prints", async () => {
    await startCounter("[last: :infinity]");

    const { code, stdout } = await runBinary(["consume", `counter@${beam.name}`, "-n", "3"], { env: envFor(beam) });

    await beam.until("Fixtures.Counter.stats(counter).cancelled == 1");
    expect({ code, stdout }).toEqual({ code: 0, stdout: seq(3) });
    expect(await stats()).toMatchObject({ asked: 3, emitted: 3 });
  });

  test("while nobody reads, the producer is asked for nothing; Ctrl-C cancels the subscription there", async () => {
    await startCounter("[last: :infinity]");
    await using consumer = startBinary(["consume", `counter@${beam.name}`, "--max-demand", "50"], {
      env: envFor(beam),
      unread: true,
    });

    // It stands still once the pipe is full: the same figure for half a second.
    let before = -1;
    await vi.waitFor(
      async () => {
        const { emitted } = await stats();
        const stood = emitted === before && before > 0;
        before = emitted as number;
        expect(stood).toBe(true);
      },
      { interval: 500, timeout: 20_000 },
    );
    const { code } = await consumer.interrupt();

    await beam.until("Fixtures.Counter.stats(counter).cancelled == 1");
    expect(code).toBe(130);
    expect(await stats()).toMatchObject({
      emitted: before,
      max_outstanding: 50,
      cancel_reasons: [["cancel", "normal"]],
    });
    expect(await beam.until("Node.list(:connected) == []")).toBe(true);
  });

  test("a node that is killed under a consumer is unreachable", async () => {
    await using other = await startBeam(release, { genStage: true });
    await other.eval("{:ok, counter} = Fixtures.Counter.start(name: :counter, last: 10, done: :stay); nil");
    await using consumer = startBinary(["consume", `counter@${other.name}`], { env: envFor(other) });
    await consumer.until("stdout", /^10\n/m);

    await other.kill();

    expect(await consumer.finished).toMatchObject({
      code: 3,
      stdout: seq(10),
      stderr: expect.stringMatching(/\(NODEDOWN\)\nhint: /),
    });
  });
});
