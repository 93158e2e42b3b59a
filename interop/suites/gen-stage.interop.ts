import { createHash } from "node:crypto";
import { subscribe as listen, unsubscribe as unlisten } from "node:diagnostics_channel";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  atom,
  Consumer,
  type EventStream,
  GenStage,
  type Node,
  noReply,
  Producer,
  type ProducerOptions,
  reply,
  type StageCancel,
  type StageEvents,
  type Subscription,
  withOptions,
} from "../../src/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { nodeBeside } from "../support/our-node.ts";

const MANY = 1_000_000;

interface CounterStats {
  readonly emitted: number;
  readonly asked: number;
  readonly max_outstanding: number;
  readonly subscribed: number;
  readonly cancelled: number;
  readonly cancel_reasons: unknown[];
}

/** Starts a producer of 1, 2, 3, ... on the BEAM, bound to the variable `counter` there. */
const startCounter = (beam: Beam, options: string) =>
  beam.eval(`{:ok, counter} = Fixtures.Counter.start([name: :counter] ++ [${options}]); nil`);

const statsOf = (beam: Beam) => beam.eval<CounterStats>("Fixtures.Counter.stats(counter)");

const counterAt = (beam: Beam) => ({ name: "counter", node: beam.name });

describePeers("streams of Elixir producers", { genStage: true }, (release) => {
  test("a million events arrive once and in order, and the loop ends with the producer", async () => {
    await using beam = await startBeam(release, { genStage: true });
    await using node = await nodeBeside(beam);
    const idle = holdings(node);
    await startCounter(beam, `last: ${MANY}`);

    let last = 0;
    for await (const event of node.stream<number>(counterAt(beam))) {
      if (event !== last + 1) throw new Error(`${event} came after ${last}`);
      last = event;
    }

    expect(last).toBe(MANY);
    expect(holdings(node)).toEqual(idle);
  });

  test("a slow loop never lets more than max_demand be outstanding in the producer", async () => {
    await using beam = await startBeam(release, { genStage: true });
    await using node = await nodeBeside(beam);
    await startCounter(beam, "");
    const maxDemand = 50;

    let handled = 0;
    let highest = 0;
    for await (const event of node.stream<number>(counterAt(beam), { maxDemand })) {
      expect(event).toBe(++handled);
      if (handled % 60 === 0) {
        await sleep(5);
        const { asked, emitted, max_outstanding } = await statsOf(beam);
        // The event at hand is one that was asked for and is not handled yet.
        highest = Math.max(highest, asked - (handled - 1), emitted - (handled - 1), max_outstanding);
      }
      if (handled === 3_000) break;
    }

    expect(highest).toBeGreaterThan(maxDemand / 2);
    expect(highest).toBeLessThanOrEqual(maxDemand);
  });

  test("leaving the loop cancels the subscription in the producer and leaves nothing on either side", async () => {
    await using beam = await startBeam(release, { genStage: true });
    await using node = await nodeBeside(beam);
    const idle = holdings(node);
    await startCounter(beam, "");

    for await (const event of node.stream<number>(counterAt(beam), { maxDemand: 10 })) if (event === 7) break;

    expect(holdings(node)).toEqual(idle);
    await beam.until("Fixtures.Counter.stats(counter).cancelled == 1");
    expect(await statsOf(beam)).toMatchObject({ subscribed: 1, cancel_reasons: [["cancel", "normal"]] });
    expect(await beam.inspect("Process.info(counter, [:monitors, :monitored_by, :message_queue_len])")).toBe(
      "[monitors: [], monitored_by: [], message_queue_len: 0]",
    );
  });

  test("the channels tell of batches and asks what the producer on the BEAM counts too", async () => {
    await using beam = await startBeam(release, { genStage: true });
    await using node = await nodeBeside(beam);
    await startCounter(beam, "last: 200, done: :stay");
    const [batches, ends]: [StageEvents[], StageCancel[]] = [[], []];
    const onEvents = (message: unknown) => void batches.push(message as StageEvents);
    const onCancel = (message: unknown) => void ends.push(message as StageCancel);
    listen("tiebeam:stage:events", onEvents);
    listen("tiebeam:stage:cancel", onCancel);

    try {
      for await (const event of node.stream<number>(counterAt(beam), { maxDemand: 20 })) if (event === 200) break;
    } finally {
      unlisten("tiebeam:stage:events", onEvents);
      unlisten("tiebeam:stage:cancel", onCancel);
    }

    await beam.until("Fixtures.Counter.stats(counter).cancelled == 1");
    const { asked, emitted } = await statsOf(beam);
    expect(ends).toMatchObject([
      { node: node.name, role: "consumer", kind: "cancel", stats: { asked, received: emitted } },
    ]);
    expect(batches.reduce((sum, { count }) => sum + count, 0)).toBe(emitted);
    expect(new Set(batches.map(({ subscriptionTag }) => subscriptionTag))).toEqual(new Set([ends[0]?.subscriptionTag]));
  });

  test("a killed BEAM rejects the loop with NODEDOWN within a second", async () => {
    await using beam = await startBeam(release, { genStage: true });
    await using node = await nodeBeside(beam);
    const idle = holdings(node);
    await startCounter(beam, "last: 10, done: :stay");
    const stream = node.stream<number>(counterAt(beam));
    await take(stream, 10);

    const waiting = stream.next();
    waiting.catch(() => {});
    const killedAt = performance.now();
    await beam.kill();

    await expect(waiting).rejects.toMatchObject({ code: "NODEDOWN", node: beam.name });
    expect(performance.now() - killedAt).toBeLessThan(1_000);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(holdings(node)).toEqual(idle);
  });

  test("a frozen BEAM rejects the loop with NODEDOWN within 1.25 times the net tick time", async () => {
    await using beam = await startBeam(release, { genStage: true, ticktime: 2 });
    await using node = await nodeBeside(beam, { netTickTimeMs: 2_000 });
    await startCounter(beam, "last: 10, done: :stay");
    const stream = node.stream<number>(counterAt(beam));
    await take(stream, 10);

    const waiting = stream.next();
    waiting.catch(() => {});
    const frozenAt = performance.now();
    await beam.freeze();

    await expect(waiting).rejects.toMatchObject({ code: "NODEDOWN", node: beam.name });
    expect(performance.now() - frozenAt).toBeLessThanOrEqual(2_500);
  });

  test("a producer that crashes, or is not there, is thrown out of the loop with its reason", async () => {
    await using beam = await startBeam(release, { genStage: true });
    await using node = await nodeBeside(beam);
    await startCounter(beam, "last: 10, done: :stay");
    const stream = node.stream<number>(counterAt(beam));
    await take(stream, 10);

    await beam.eval("Process.exit(counter, :boom); nil");

    await expect(stream.next()).rejects.toMatchObject({ code: "EXIT_OTHER", reason: atom("boom") });
    await expect(node.stream(counterAt(beam)).next()).rejects.toMatchObject({ code: "EXIT_NOPROC" });
  });
});

describePeers("stages of ours beside Elixir's", { genStage: true }, (release) => {
  let folder: string;
  let path: string;
  let digest: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tiebeam-"));
    path = join(folder, "lines");
    digest = await writeLines(path, MANY);
  });

  afterAll(() => rm(folder, { recursive: true }));

  test("an Elixir consumer gets a file of a million lines once and in order, and then the end", async () => {
    await using beam = await startBeam(release, { genStage: true });
    await using node = await nodeBeside(beam);
    const idle = holdings(node);
    const file = new CountedFile(path);
    await node.start(
      GenStage.from(() => file.lines()),
      { name: "lines" },
    );
    expect(file.bytesRead).toBe(0);

    await beam.eval("{:ok, collector} = Fixtures.Collector.start(keep: 1); nil");
    await subscribe(beam, `{:lines, :"${node.name}"}, cancel: :temporary`);
    const summary = await beam.eval(`Fixtures.Collector.await(collector, ${MANY + 1})`, { timeoutMs: 60_000 });

    expect(summary).toMatchObject({ count: MANY, digest, kept: ["line 1"], cancelled: [["down", "normal"]] });
    expect(holdings(node)).toEqual(idle);
  });

  test("the file is read no faster than a slow Elixir consumer asks", async () => {
    await using beam = await startBeam(release, { genStage: true });
    await using node = await nodeBeside(beam);
    const file = new CountedFile(path);
    await node.start(
      GenStage.from(() => file.lines()),
      { name: "lines" },
    );
    await beam.eval("{:ok, collector} = Fixtures.Collector.start(delay: 5); nil");
    await subscribe(beam, `{:lines, :"${node.name}"}, cancel: :temporary, max_demand: 20`);

    let highest = 0;
    while (file.linesTaken < 500) {
      const { linesTaken } = file;
      const { count } = await beam.eval<{ count: number }>("Fixtures.Collector.summary(collector)");
      highest = Math.max(highest, linesTaken - count);
      expect(file.bytesRead).toBeLessThanOrEqual(file.bytesTaken + 3 * CountedFile.CHUNK_BYTES);
    }

    expect(highest).toBeGreaterThan(0);
    expect(highest).toBeLessThanOrEqual(20);
  });

  test("GenStage.stream in Elixir takes from a producer of ours, which waits for it, and cancels it", async () => {
    await using beam = await startBeam(release, { genStage: true });
    await using node = await nodeBeside(beam);
    const idle = holdings(node);
    await node.start(
      GenStage.from(() => integers(), { demand: "accumulate", onCancel: "stop" }),
      { name: "numbers" },
    );

    const taken = await beam.eval(`GenStage.stream([{{:numbers, :"${node.name}"}, max_demand: 4}]) |> Enum.take(10)`);

    expect(taken).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await until(() => node.stats().processes === idle.processes);
  });

  test("an Elixir node subscribes a consumer of ours to an Elixir producer, by call and by cast", async () => {
    await using beam = await startBeam(release, { genStage: true });
    await using node = await nodeBeside(beam);
    const idle = holdings(node);
    const seen: number[][] = [];
    const froms: Subscription[] = [];
    class Recorder extends Consumer<number> {
      handleEvents(events: number[], from: Subscription) {
        seen.push(events);
        froms.push(from);
      }
    }
    await node.start(Recorder, { name: "recorder" });
    await startCounter(beam, "last: 30");

    const answer = await beam.eval(`
      us = {:recorder, :"${node.name}"}
      {:ok, tag} = GenStage.sync_subscribe(us, to: counter, max_demand: 10, min_demand: 8, cancel: :transient)
      is_reference(tag)
    `);
    await until(() => seen.flat().length === 30);

    expect(answer).toBe(true);
    expect(seen.flat()).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(Math.max(...seen.map((events) => events.length))).toBe(2);
    expect(froms[0]?.peer).toMatchObject({ node: beam.name });
    await startCounter(beam, "last: 5");
    await beam.eval("GenStage.async_subscribe(us, to: counter, cancel: :transient)");
    await until(() => seen.flat().length === 35);
    await until(() => node.stats().processes === idle.processes + 1);
  });

  test("#237 no connection is made by a stage that emits to a peer which is gone", async () => {
    await using beam = await startBeam(release, { genStage: true });
    await using node = await nodeBeside(beam);
    const ticker = await node.start(Ticker, { name: "ticker" });
    await beam.eval("{:ok, collector} = Fixtures.Collector.start(); nil");
    await subscribe(beam, `{:ticker, :"${node.name}"}, cancel: :temporary`);
    await beam.eval("Fixtures.Collector.await(collector, 20)");
    const dials = node.stats().dials;

    await beam.kill();
    await until(() => node.peers().length === 0);
    const before = Ticker.ticks;
    await until(() => Ticker.ticks > before + 50);

    expect(node.stats()).toMatchObject({ dials, monitored: 0, connecting: 0 });
    expect(await node.call(ticker.pid, atom("alive"))).toBe(true);
  });
});

/** What a node holds that has nothing to do with connections. */
function holdings(node: Node) {
  const { processes, names, aliases, monitored } = node.stats();
  return { processes, names, aliases, monitored };
}

async function take(stream: EventStream<number>, count: number): Promise<void> {
  for (let i = 1; i <= count; i++) expect(await stream.next()).toEqual({ done: false, value: i });
}

/** Subscribes the `collector` of the BEAM. */
const subscribe = (beam: Beam, producerAndOptions: string) =>
  beam.eval(`{:ok, _} = Fixtures.Collector.subscribe(collector, ${producerAndOptions}); nil`);

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within 10 s: ${condition}`);
    await sleep(5);
  }
}

function* integers(): Iterable<number> {
  for (let i = 1; ; i++) yield i;
}

/** Emits an event every few milliseconds, whatever the demand. */
class Ticker extends Producer<number> {
  static ticks = 0;

  override init() {
    this.process.sendAfter(1, this.process.pid, atom("tick"));
    return withOptions<ProducerOptions>({ bufferSize: 10 });
  }

  handleDemand(): void {}

  override formatDiscarded(): boolean {
    return false;
  }

  override handleCall() {
    return reply(true);
  }

  override handleInfo() {
    this.process.sendAfter(1, this.process.pid, atom("tick"));
    return noReply({ events: [++Ticker.ticks] });
  }
}

/** A text file read by lines that counts what was taken out of it, and what the system gave. */
class CountedFile {
  static readonly CHUNK_BYTES = 64 * 1024;
  readonly #path: string;
  #stream: ReturnType<typeof createReadStream> | undefined;
  linesTaken = 0;
  bytesTaken = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get bytesRead(): number {
    return this.#stream?.bytesRead ?? 0;
  }

  async *lines(): AsyncIterable<string> {
    this.#stream = createReadStream(this.#path, { encoding: "utf8", highWaterMark: CountedFile.CHUNK_BYTES });
    let rest = "";
    for await (const chunk of this.#stream) {
      const lines = (rest + (chunk as string)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        this.linesTaken++;
        this.bytesTaken += line.length + 1;
        yield line;
      }
    }
  }
}

/** Writes `count` lines and returns the SHA-256 of the file. */
async function writeLines(path: string, count: number): Promise<string> {
  const hash = createHash("sha256");
  const file = createWriteStream(path);
  for (let from = 1; from <= count; from += 10_000) {
    const lines = Array.from({ length: 10_000 }, (_, i) => `line ${from + i}\n`).join("");
    hash.update(lines);
    if (!file.write(lines)) await new Promise<void>((resolve) => file.once("drain", resolve));
  }
  file.end();
  await finished(file);
  return hash.digest("hex");
}
