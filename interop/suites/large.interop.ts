import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decode } from "../../src/etf/index.ts";
import {
  atom,
  type Destination,
  equals,
  GenServer,
  lend,
  type Node,
  Pid,
  Ref,
  type Term,
  type Tuple,
  tuple,
} from "../../src/index.ts";
import { type Beam, describePeers, peers, startBeam } from "../harness/index.ts";
import { Echo, nodeBeside } from "../support/our-node.ts";

const MB = 1_000_000;
const LIMITS = { maxFrameBytes: 256 * MB, maxPendingBytes: 512 * MB };

const echoed = (term: unknown) => tuple(atom("echo"), term as object);
const numbered = (from: number, count: number, prefix = "large_atom_") =>
  Array.from({ length: count }, (_, i) => atom(`${prefix}${from + i}`));
/** 255 characters of four bytes each, of which the last ones differ. */
const longAtom = (index: number) => atom("\u{10348}".repeat(252) + String(index).padStart(3, "0"));
const md5 = (bytes: Uint8Array) => new Uint8Array(createHash("md5").update(bytes).digest());

/** A million bytes without a pattern, and without a source of chance. On the BEAM it is `noise`. */
const NOISE = new Uint8Array(MB);
for (let i = 0, state = 1; i < MB; i++) {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  NOISE[i] = state >>> 24;
}

/** On the BEAM: `:binary.copy(noise, megabytes)`. */
const noise = (megabytes: number) => Buffer.alloc(megabytes * MB, NOISE) as Uint8Array;

type Lending = (bytes: Uint8Array) => Uint8Array;

/** Takes what `Fixtures.Large` sends, with its digest; and sends to sinks of the BEAM, each message under its number. */
class Large extends GenServer {
  readonly #arrived = new Map<number, (told: Term[]) => void>();
  #sent = 0;

  override handleInfo(message: Term) {
    const [first, ...rest] = message as unknown as [Pid | number, ...Term[]];
    if (typeof first === "number") return void this.#arrived.get(first)?.(rest);
    const [tag, binary] = rest as [object, Uint8Array];
    return this.process.send(first, tuple(tag, binary.length, md5(binary))) as Promise<void> | undefined;
  }

  /** Resolves with the size and the digest that the sink tells. */
  deliver(sink: Destination, binary: Uint8Array): Promise<Term[]> {
    const tag = ++this.#sent;
    const told = new Promise<Term[]>((resolve) => this.#arrived.set(tag, resolve));
    void this.process.send(sink, tuple(this.process.pid, tag, binary));
    return told;
  }

  say(to: Destination, message: unknown): Promise<void> | undefined {
    return this.process.send(to, message);
  }
}

/** A started server together with its instance, by which a test acts in its name. */
async function startLarge(node: Node, name: string): Promise<Large> {
  let instance: Large | undefined;
  class Started extends Large {
    override init() {
      instance = this;
    }
  }
  await node.start(Started, { name });
  return instance!;
}

describePeers("large messages", { otp: ["25", "27", "29"] }, (release) => {
  let beam: Beam;
  let node: Node;
  let one: Large;
  let other: Large;
  const onBeam = (name: string): Destination => ({ name: atom(name), node: beam.name });

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam, { connectionLimits: LIMITS, atomBudget: 100_000 });
    one = await startLarge(node, "one");
    other = await startLarge(node, "other");
    await node.start(Echo, { name: "echo" });
    await beam.eval(
      `
      node = :"${node.name}"
      Fixtures.Echo.start(name: :echo)
      Fixtures.Large.start_sink(:sink, digest: true)
      call = fn term -> GenServer.call({:echo, node}, {:echo, term}, 30_000) end
      watcher = Fixtures.Probe.start()
      noise = input
      nil
    `,
      { input: NOISE },
    );
    await node.call(onBeam("echo"), echoed(1));
    await beam.eval("Fixtures.Probe.run(watcher, fn -> :erlang.monitor_node(node, true) end)");
  });

  afterAll(async () => {
    const lost = await beam.inspect("Fixtures.Probe.mailbox(watcher)");
    await node.stop();
    await beam[Symbol.asyncDispose]();
    expect(lost).toBe("[]");
  });

  test("100 MB arrive as they were sent, in both directions, and both at once", async () => {
    const bytes = noise(100);
    const toBeam = one.deliver(onBeam("sink"), bytes);
    const fromBeam = beam.eval<[number, boolean]>(`
      binary = :binary.copy(noise, 100)
      {size, digest} = Fixtures.Large.send_to({:one, node}, binary)
      [size, digest == :erlang.md5(binary)]
    `);

    expect(await toBeam).toEqual([100 * MB, md5(bytes)]);
    expect(await fromBeam).toEqual([100 * MB, true]);
    expect(node.stats().peers).toMatchObject([{ queuedBytes: 0 }]);
  });

  test("large structured terms with more than 255 atoms come back equal, in both directions", async () => {
    const term = Array.from({ length: 30_000 }, (_, i) => ({
      id: i,
      [`key_${i % 700}`]: atom(`value_${i % 300}`),
      text: "x".repeat(i % 60),
    }));

    const back = await node.call(onBeam("echo"), echoed(term), { timeoutMs: 30_000 });
    const same = await beam.eval(`
      term = for i <- 1..30_000, do: %{:"key_#{rem(i, 700)}" => :"value_#{rem(i, 300)}", id: i, at: {self(), [i | i]}}
      call.(term) === term
    `);

    expect(equals(back, term)).toBe(true);
    expect(same).toBe(true);
  });

  test("small calls of other processes pass a large message, in both directions", async () => {
    const bytes = noise(50);
    let arrived = false;
    const delivered = one.deliver(onBeam("sink"), bytes).then(() => {
      arrived = true;
    });
    let passed = 0;
    while (!arrived) {
      await node.call(onBeam("echo"), echoed(passed));
      if (!arrived) passed++;
    }
    await delivered;
    const calls = await beam.eval<number>(`
      binary = :binary.copy(noise, 50)
      length(Fixtures.Large.calls_during({:echo, node}, fn -> Fixtures.Large.send_to({:one, node}, binary, 2) end))
    `);

    expect(passed).toBeGreaterThan(10);
    expect(calls).toBeGreaterThan(2);
  });

  test("what a process sends before, between and after its large messages arrives in that order", async () => {
    await beam.eval("recorder = Fixtures.Probe.start(name: :recorder); nil");
    const recorder = onBeam("recorder");
    const pid = decode(await beam.evalBytes("recorder")) as Pid;

    const expected: string[] = [];
    for (let i = 0; i < 12; i++) {
      const size = i % 3 === 0 ? 3 * MB : i % 3 === 1 ? 10 : 100_000;
      void one.say(i % 2 === 0 ? recorder : pid, tuple(i, new Uint8Array(size).fill(i)));
      void other.say(recorder, "other");
      expected.push(`{${i}, ${size}}`);
    }
    const seen = await beam.inspect("for {i, bytes} <- Fixtures.Probe.await(recorder, 24), do: {i, byte_size(bytes)}");

    expect(seen).toBe(`[${expected.join(", ")}]`);
    await beam.eval("Fixtures.Probe.stop(recorder)");
  });

  test("bytes that are lent arrive as they were, in order with what is sent before and after them, and are not copied", async () => {
    const part = NOISE.subarray(0, 40_000);
    for (const messageOf of [
      (lending: Lending) => lending(part),
      (lending: Lending) => ({
        a: lending(NOISE),
        b: tuple(lending(part), "text", [lending(part), lending(NOISE)], 1),
      }),
    ]) {
      const back = await node.call(onBeam("echo"), echoed(messageOf(lend)));
      expect(
        equals(
          back,
          messageOf((bytes) => bytes),
        ),
      ).toBe(true);
    }

    await beam.eval("recorder = Fixtures.Probe.start(name: :recorder); nil");
    const bytes = noise(100);
    const lent = [bytes, bytes.subarray(7, 200_000), bytes.subarray(9, 60_000)];
    const before = process.memoryUsage().arrayBuffers;
    for (const sent of lent) for (const part of ["before", lend(sent), "after"]) void one.say(onBeam("recorder"), part);
    const taken = process.memoryUsage().arrayBuffers - before;
    const seen = await beam.eval<unknown[]>(`
      for sent <- Fixtures.Probe.await(recorder, 9, 30_000) do
        if byte_size(sent) < 10, do: sent, else: Base.encode16(:erlang.md5(sent), case: :lower)
      end
    `);

    expect(seen).toEqual(lent.flatMap((sent) => ["before", Buffer.from(md5(sent)).toString("hex"), "after"]));
    expect(taken).toBeLessThan(MB);
    expect(node.stats().peers).toMatchObject([{ queuedBytes: 0 }]);
    await beam.eval("Fixtures.Probe.stop(recorder)");
  });

  test("what is lent can be written anew once the promise of its send has resolved", async () => {
    await beam.eval("recorder = Fixtures.Probe.start(name: :recorder); nil");
    const expected: string[] = [];
    for (const size of [MB / 32, 3 * MB]) {
      const bytes = new Uint8Array(size);
      for (let i = 0x80; i < 0xa0; i++) {
        bytes.fill(i);
        expected.push(`{${size}, ${i}, ${i}}`);
        await one.say(onBeam("recorder"), lend(bytes));
      }
    }
    const seen = await beam.inspect(`
      for sent <- Fixtures.Probe.await(recorder, ${expected.length}, 30_000) do
        {byte_size(sent), Enum.min(:binary.bin_to_list(sent)), Enum.max(:binary.bin_to_list(sent))}
      end
    `);

    expect(seen).toBe(`[${expected.join(", ")}]`);
    await beam.eval("Fixtures.Probe.stop(recorder)");
  });

  test("200 MB go both ways, and leave nothing behind", async () => {
    const before = process.memoryUsage().arrayBuffers;
    const bytes = new Uint8Array(200 * MB).fill(0xff);

    const [size] = await one.deliver(onBeam("sink"), bytes);
    const back = await beam.eval<number>(`
      {size, _} = Fixtures.Large.send_to({:one, node}, :binary.copy(<<255>>, ${200 * MB}))
      size
    `);

    expect([size, back]).toEqual([200 * MB, 200 * MB]);
    expect(node.stats().peers).toMatchObject([{ queuedBytes: 0 }]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(900 * MB);
  });

  test("a sender that waits when it is told to never has more than its last message queued, however slow the peer", async () => {
    const message = new Uint8Array(MB).fill(0xff);
    await beam.freeze();
    let sent = 0;
    let most = 0;
    const sending = (async () => {
      for (; sent < 40; sent++) {
        const room = one.say(onBeam("echo"), message);
        most = Math.max(most, node.stats().peers[0]!.queuedBytes);
        await room;
      }
    })();
    await until(() => node.stats().peers[0]!.queuedBytes > MB || sent === 40);
    beam.thaw();
    await sending;

    expect(most).toBeLessThan(2.5 * MB);
    await beam.until("length(GenServer.call(:echo, :seen)) == 40");
  });

  test("a sender that does not wait is told BUSY, while others still get through", async () => {
    const message = new Uint8Array(10 * MB).fill(0xff);
    const busy: unknown[] = [];
    for (let i = 0; i < 5; i++) {
      try {
        void other.say(onBeam("sink"), tuple(node.pid, i, message));
      } catch (error) {
        busy.push(error);
      }
    }

    // One leaves, two wait.
    expect(busy).toMatchObject([{ code: "BUSY" }, { code: "BUSY" }]);
    expect(await node.call(onBeam("echo"), echoed("passes"))).toBe("passes");
    await until(() => node.stats().peers[0]!.queuedBytes === 0);
  });

  describe("atoms", () => {
    test("5,000 distinct ones go both ways, again and again", async () => {
      for (let round = 0; round < 2; round++) {
        for (let from = 0; from < 5_000; from += 250) {
          const list = numbered(from, 250);
          expect(equals(await node.call(onBeam("echo"), echoed(list)), list)).toBe(true);
        }
      }
      const same = await beam.eval(`
        for round <- 1..2, from <- 0..4750//250, reduce: true do
          same ->
            atoms = for i <- from..(from + 249), do: :"beam_atom_#{rem(round, 2)}_#{i}"
            same and call.(atoms) == atoms
        end
      `);

      expect(same).toBe(true);
    });

    test("more than 255 in one message", async () => {
      const list = numbered(0, 1_000, "many_");

      expect(equals(await node.call(onBeam("echo"), echoed([...list, ...list])), [...list, ...list])).toBe(true);
      expect(
        await beam.eval('atoms = for i <- 1..1_000, do: :"many_there_#{i}"; call.(atoms ++ atoms) == atoms ++ atoms'),
      ).toBe(true);
    });

    test("of more than 255 bytes, beside short ones, new and old", async () => {
      for (const list of [[longAtom(1)], [atom("short"), longAtom(1), longAtom(2)], [longAtom(2), atom("short")]]) {
        expect(equals(await node.call(onBeam("echo"), echoed(list)), list)).toBe(true);
      }
      const same = await beam.eval(`
        long = fn i -> String.to_atom(String.duplicate("\\u{10349}", 252) <> String.pad_leading("#{i}", 3, "0")) end
        for list <- [[long.(1)], [:short_there, long.(1), long.(2)], [long.(2), :short_there]], reduce: true do
          same -> same and call.(list) == list
        end
      `);

      expect(same).toBe(true);
    });

    test("whose slots are taken over between two fragments are still those that were meant", async () => {
      const mine = numbered(0, 200, "held_");
      const large = [...mine, new Uint8Array(5 * MB).fill(0xff), ...mine.toReversed()];
      let replied = false;
      const reply = node.call<Term>(onBeam("echo"), echoed(large), { timeoutMs: 30_000 }).finally(() => {
        replied = true;
      });
      for (let from = 0; from < 4_200 && !replied; from += 200) {
        await other.say(onBeam("echo"), numbered(from, 200, "taking_over_"));
      }
      const same = await beam.eval(`
        mine = for i <- 1..200, do: :"held_there_#{i}"
        large = mine ++ [:binary.copy(<<255>>, ${5 * MB})] ++ Enum.reverse(mine)
        others = Task.async(fn ->
          for from <- 0..4000//200, do: call.(for i <- from..(from + 199), do: :"taking_over_there_#{i}")
        end)
        same = for _ <- 1..5, do: call.(large) == large
        Task.await(others, 30_000)
        Enum.uniq(same)
      `);

      expect(equals(await reply, large)).toBe(true);
      expect(same).toEqual([true]);
    });
  });
});

describePeers("terms that a peer cannot carry", { otp: ["23"] }, (release) => {
  let beam: Beam;
  let node: Node;
  const echo = (): Destination => ({ name: atom("echo"), node: beam.name });

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam);
    await beam.eval("Fixtures.Echo.start(name: :echo); watcher = Fixtures.Probe.start(); nil");
    await node.call(echo(), echoed(1));
    await beam.eval(`Fixtures.Probe.run(watcher, fn -> :erlang.monitor_node(:"${node.name}", true) end)`);
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  /** The link has been up all the time, and still is. */
  async function expectUp(): Promise<void> {
    expect(await node.call(echo(), echoed("up"))).toBe("up");
    expect(await beam.inspect("Fixtures.Probe.mailbox(watcher)")).toBe("[]");
  }

  test("fail the one send, by code, and leave the link up", async () => {
    const { creation } = node.pid;
    const wide = { ref: new Ref(node.name, creation, [1, 2, 3, 4, 5]), pid: new Pid(node.name, 40_000, 0, creation) };

    for (const term of [wide.ref, wide.pid, [new Uint8Array(200_000).fill(0xff), wide.ref]]) {
      expect(() => node.send(echo(), term)).toThrow(expect.objectContaining({ code: "ETF_PEER" }));
      await expect(node.call(echo(), echoed(term))).rejects.toMatchObject({ code: "ETF_PEER" });
    }

    await expectUp();
  });

  test.runIf(peers().some(({ otp }) => otp === "29"))("as an alias of OTP 29 that is passed on", async () => {
    const newest = peers().find(({ otp }) => otp === "29")!;
    await using other = await startBeam(newest, { cookie: beam.cookie });
    await other.eval("Fixtures.Echo.start(name: :echo); nil");
    const there = { name: atom("echo"), node: other.name };
    const [alias, wide] = (await node
      .call<Term[]>(there, atom("seen"))
      .then(async () => [
        decode(await other.evalBytes(":erlang.alias()")),
        decode(await other.evalBytes(`:erlang.list_to_pid('<0.40000.9000>')`)),
      ])) as Tuple[];

    for (const term of [alias, wide]) {
      expect(equals(await node.call(there, echoed(term)), term)).toBe(true);
      expect(() => node.send(echo(), tuple(atom("forwarded"), term as object))).toThrow(
        expect.objectContaining({ code: "ETF_PEER" }),
      );
    }

    await expectUp();
  });
});

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 5_000; !condition(); ) {
    if (Date.now() > deadline) throw new Error("it never came true");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
