import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decode, encode } from "../../src/etf/index.ts";
import {
  atom,
  inspect,
  type Node,
  type NodeOptions,
  type Pid,
  type StartedServer,
  type Term,
  tuple,
} from "../../src/index.ts";
import { buildBinary, startBinary } from "../../test/cli/binary.ts";
import { type Beam, describePeers, startBeam, uniqueName } from "../harness/index.ts";
import { type Direction, FaultyLink } from "../support/faulty-link.ts";
import { nodeBeside } from "../support/our-node.ts";
import { portOf } from "../support/port-of.ts";
import { Puppet, type PuppetApi } from "../support/puppet.ts";
import { until } from "../support/until.ts";

const TICK_SECONDS = 2;
/** The tick time that a BEAM promises at most, and a moment for what the other side's close has to travel. */
const LOST_WITHIN_MS = 1_250 * TICK_SECONDS + 250;

const DIALLERS = ["us", "the BEAM"] as const;
type Dialler = (typeof DIALLERS)[number];

beforeAll(buildBinary, 120_000);

describePeers("a link with faults", { otp: ["25", "29"] }, (release) => {
  let beam: Beam;

  beforeAll(async () => {
    beam = await startBeam(release, { ticktime: TICK_SECONDS });
    await beam.eval("Fixtures.Echo.start(name: :echo); nil");
  });

  afterAll(() => beam[Symbol.asyncDispose]());

  test.each(DIALLERS)(
    "dialled by %s, that is cut in half, either half, or whole, ends on both sides within the tick time",
    async (dialler) => {
      const cuts: Direction[][] = [["there"], ["back"], ["there", "back"]];

      const ends = await Promise.all(
        cuts.map(async (directions) => {
          await using pair = await Pair.make(beam, dialler);
          const elapsed = await pair.untilLost(() => pair.link.lose(...directions));
          return { directions: directions.join(" and "), elapsed, reason: pair.downReason };
        }),
      );

      for (const { directions, elapsed, reason } of ends) {
        console.log(
          `OTP ${release.otp}, ${dialler} dialled, lost ${directions}: here and there after ${elapsed.join(" and ")} ms, ${reason}`,
        );
        for (const ms of elapsed) expect(ms).toBeLessThanOrEqual(LOST_WITHIN_MS);
      }
      // Who hears nothing gives up by itself; where our silence was noticed there, their close reaches us.
      const [there, back] = dialler === "us" ? [ends[0], ends[1]] : [ends[1], ends[0]];
      expect(back?.reason).toBe("net_tick_timeout");
      expect(["connection_closed", "net_tick_timeout"]).toContain(there?.reason);
      expect(ends[2]?.reason).toBe("net_tick_timeout");
    },
  );

  test.each(DIALLERS)("dialled by %s, that is reset, ends on both sides at once", async (dialler) => {
    await using pair = await Pair.make(beam, dialler);

    const elapsed = await pair.untilLost(() => pair.link.reset());

    for (const ms of elapsed) expect(ms).toBeLessThan(1_000);
  });

  test("that is slow or far stays up while a message takes longer than the tick time, either way", async () => {
    const bytesPerSecond = 256 * 1024;
    const bytes = new Uint8Array(bytesPerSecond * 1.5 * TICK_SECONDS).fill(120);
    await using pair = await Pair.make(beam, "us");
    const echo = { name: "echo", node: beam.name };
    const events: string[] = [];
    pair.node.monitorNodes(({ type }) => events.push(type));
    const timed = async (work: () => Promise<unknown>) => {
      const since = performance.now();
      await work();
      return performance.now() - since;
    };

    pair.link.delay(200);
    const far = await timed(() => pair.node.call(echo, tuple(atom("echo"), 1)));
    pair.link.delay(0);
    pair.link.slowDown(bytesPerSecond);
    const there = await timed(async () => {
      void pair.node.send(echo, bytes);
      await pair.node.call(echo, tuple(atom("echo"), "comes after it"), { timeoutMs: 20_000 });
    });
    const back = await timed(async () => {
      await beam.eval(`send({:holder, :"${pair.node.name}"}, input); nil`, { input: bytes });
      while (((await pair.holder.call(atom("seen"))) as Term[]).length === 0) await sleep(10);
    });

    console.log(
      `OTP ${release.otp}: far ${far.toFixed()} ms, slow there ${there.toFixed()} ms, slow back ${back.toFixed()} ms`,
    );
    expect(far).toBeGreaterThan(390);
    for (const ms of [there, back]) expect(ms).toBeGreaterThan(1_250 * TICK_SECONDS);
    expect(events).toEqual([]);
    expect(await pair.tied()).toBe(true);
  });

  test("to a BEAM that is frozen and goes on ends once, on both sides", async () => {
    await using pair = await Pair.make(beam, "us");

    const [here] = await pair.untilLost(async () => {
      await beam.freeze();
      await until(() => pair.node.peers().length === 0);
      beam.thaw();
    });

    expect(here).toBeLessThanOrEqual(LOST_WITHIN_MS);
    expect(pair.downReason).toBe("net_tick_timeout");
  });

  test.each([
    { signal: "SIGKILL", withinMs: 1_000 },
    { signal: "SIGSTOP", withinMs: LOST_WITHIN_MS },
  ] as const)("to a node of ours that gets $signal ends on the BEAM's side", async ({ signal, withinMs }) => {
    const name = `${uniqueName("ours")}@127.0.0.1`;
    const env = { TIEBEAM_COOKIE: beam.cookie, ERL_EPMD_PORT: String(beam.epmdPort) };
    await using ours = startBinary(["produce", "numbers", "--name", name], { env, stdin: "1\n" });
    await ours.until("stderr", /producing/);
    await beam.eval(`
      left = Fixtures.Probe.start()
      Fixtures.Probe.run(left, fn -> Process.monitor({:numbers, :"${name}"}); Node.monitor(:"${name}", true) end)
      :pong = :net_adm.ping(:"${name}")
    `);

    const since = performance.now();
    ours.child.kill(signal);
    const seen = await beam.inspect(
      "Fixtures.Probe.await(left, 2) |> Enum.map(&Tuple.delete_at(&1, 1)) |> Enum.sort()",
    );
    const elapsed = performance.now() - since;

    console.log(`OTP ${release.otp}: lost ${elapsed.toFixed()} ms after ${signal} of our process`);
    expect(seen).toBe(`[{:nodedown}, {:DOWN, :process, {:numbers, :"${name}"}, :noconnection}]`);
    expect(elapsed).toBeLessThanOrEqual(withinMs);
    expect(await beam.inspect("{Fixtures.Probe.info(left).monitors, length(Fixtures.Probe.mailbox(left))}")).toBe(
      "{[], 2}",
    );
  });
});

/** A node of ours and a BEAM with a faulty link between them, and a process on each side that is linked to and monitors the other. */
class Pair implements AsyncDisposable {
  readonly node: Node;
  readonly holder: StartedServer<PuppetApi>;
  readonly link: FaultyLink;
  downReason = "";
  readonly #beam: Beam;
  readonly #probe: Pid;

  private constructor(beam: Beam, node: Node, link: FaultyLink, holder: StartedServer<PuppetApi>, probe: Pid) {
    this.#beam = beam;
    this.node = node;
    this.link = link;
    this.holder = holder;
    this.#probe = probe;
  }

  static async make(beam: Beam, dialler: Dialler): Promise<Pair> {
    const link = await FaultyLink.listen();
    const netTickTimeMs = TICK_SECONDS * 1_000;
    const ways: Record<Dialler, Partial<NodeOptions>> = {
      us: { resolve: () => ({ host: "127.0.0.1", port: link.port }) },
      "the BEAM": { advertisedPort: link.port },
    };
    const node = await nodeBeside(beam, { ...ways[dialler], netTickTimeMs });
    if (dialler === "us") {
      link.leadTo(await portOf(beam));
      await node.connect(beam.name);
    } else {
      link.leadTo(node.port!);
      expect(await beam.inspect(`:net_adm.ping(:"${node.name}")`)).toBe(":pong");
    }
    const holder = await node.start(Puppet, { name: "holder" });
    await holder.call(tuple(atom("trap"), true));
    const probe = decode(await beam.evalBytes("Fixtures.Probe.start()")) as Pid;
    const pair = new Pair(beam, node, link, holder, probe);
    await pair.#onBeam("Fixtures.Probe.run(probe, fn -> Process.link(peer); Process.monitor(peer) end)");
    await holder.call(tuple(atom("monitor"), probe));
    await until(() => pair.tied());
    node.monitorNodes(({ type, reason }) => {
      if (type === "nodedown") pair.downReason = String(reason);
    });
    return pair;
  }

  /** Whether links and monitors are as they were made, on both sides. */
  async tied(): Promise<boolean> {
    const here = this.node.processInfo(this.holder.pid);
    const tables = [here?.links.length, here?.monitors.length, here?.monitoredBy.length].join();
    const there = await this.#onBeam(
      "info = Fixtures.Probe.info(probe); [info.links, info.monitors, info.monitored_by]",
    );
    return tables === "1,1,1" && there === "[[peer], [process: peer], [peer]]";
  }

  /**
   * Milliseconds until our side and the BEAM's have noticed. Each side has got one EXIT and one DOWN then, has nothing left in
   * its tables, and gets no more of them once the two are connected again.
   */
  async untilLost(how: () => unknown): Promise<[number, number]> {
    const since = performance.now();
    const elapsed = () => Math.round(performance.now() - since);
    const done = how();
    const here = until(() => this.node.peers().length === 0).then(elapsed);
    const there = Promise.resolve(done)
      .then(() => this.#onBeam("Fixtures.Probe.await(probe, 2) && nil"))
      .then(elapsed);
    const times = await Promise.all([here, there]);
    await using again = await nodeBeside(this.#beam);
    await again.call({ name: "echo", node: this.#beam.name }, tuple(atom("echo"), 1));

    const seen = (await this.holder.call(atom("seen"))) as Term[][];
    expect(seen.map((message) => `${inspect(message[0])} ${inspect(message.at(-1))}`).sort()).toEqual(LOST);
    expect(
      await this.#onBeam(
        "Enum.map(Fixtures.Probe.mailbox(probe), &{elem(&1, 0), elem(&1, tuple_size(&1) - 1)}) |> Enum.sort()",
      ),
    ).toBe("[DOWN: :noconnection, EXIT: :noconnection]");
    expect(this.node.processInfo(this.holder.pid)).toMatchObject({ links: [], monitors: [], monitoredBy: [] });
    expect(
      await this.#onBeam("info = Fixtures.Probe.info(probe); [info.links, info.monitors, info.monitored_by]"),
    ).toBe("[[], [], []]");
    return times;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.stop();
    await this.link[Symbol.asyncDispose]();
  }

  /** What code gives that knows the `probe` there and its `peer` here. */
  async #onBeam(code: string): Promise<string> {
    const input = encode(tuple(this.#probe, this.holder.pid));
    const text = await this.#beam.inspect(`(fn {probe, peer} -> ${code} end).(:erlang.binary_to_term(input))`, {
      input,
    });
    return text.replaceAll(PID, "peer");
  }
}

const LOST = [":DOWN :noconnection", ":EXIT :noconnection"];
const PID = /#PID<[\d.]+>/g;
