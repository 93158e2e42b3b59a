import { Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { expect, test } from "vitest";
import { startServer } from "../../src/otp/index.ts";
import { Reason } from "../../src/runtime/index.ts";
import { type FromOptions, GenStage, type Source } from "../../src/stage/index.ts";
import { askMessage, cancelMessage, subscribeMessage } from "../../src/stage/messages.ts";
import { atom, inspect, type Term } from "../../src/term/index.ts";
import { integers, NOTHING_LEFT, TestNode } from "./harness.ts";

/** A producer from a source, and its consumer, played by hand. */
async function serving<Out>(
  source: Source<Out> | ((signal: AbortSignal) => Source<Out>),
  options: FromOptions<Out> = {},
) {
  const node = new TestNode();
  const { pid } = await node.start(GenStage.from(source, options), { name: "source" });
  const inbox: Term[] = [];
  const consumer = node.spawn(inbox);
  const reasons: unknown[] = [];
  consumer.monitor(pid, (reason) => reasons.push(reason));
  const tell = async (message: unknown) => {
    void consumer.send(pid, message, false);
    await node.clock.settle();
  };
  await tell(subscribeMessage(consumer.pid, "tag", undefined, []));
  const ask = (count: number) => tell(askMessage(consumer.pid, "tag", count));
  const cancel = () => tell(cancelMessage(consumer.pid, "tag", atom("normal")));
  const payloads = () => inbox.map((message) => (message as unknown as Term[])[2]);
  return { node, pid, consumer, ask, cancel, payloads, reasons };
}

/** An async source that gives when told to, and counts. */
class Tap {
  pulled = 0;
  closed = false;
  #waiting: ((result: IteratorResult<number, undefined>) => void)[] = [];

  readonly source: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        this.pulled++;
        return new Promise((resolve) => this.#waiting.push(resolve));
      },
      return: async () => {
        this.closed = true;
        return { done: true, value: undefined };
      },
    }),
  };

  give(value: number): void {
    this.#waiting.shift()!({ done: false, value });
  }

  end(): void {
    this.#waiting.shift()!({ done: true, value: undefined });
  }
}

test.each([
  ["an array", () => integers(1, 25)],
  ["a generator", function* () { yield* integers(1, 25); }],
  ["an async generator", async function* () { yield* integers(1, 25); }],
  ["a Node.js stream", () => Readable.from(integers(1, 25))],
  ["a web stream", () => new ReadableStream<number>({ start(c) { for (const n of integers(1, 25)) c.enqueue(n); c.close(); } })],
] as const)("%s is emitted once and in order, and then the producer ends with normal", async (_what, source) => {
  const { node, ask, payloads, reasons } = await serving<number>(source as () => Source<number>);

  for (let i = 0; i < 5; i++) await ask(5);
  expect(payloads().flat()).toEqual(integers(1, 25));
  await ask(5);

  expect(reasons).toEqual([atom("normal")]);
  expect(node.errors()).toEqual([]);
  expect(node.left()).toEqual({ ...NOTHING_LEFT, processes: 1 });
}); // biome-ignore format: sources as short as they are

test("no more is read than was asked for", async () => {
  let pulled = 0;
  async function* source() {
    for (let i = 1; ; i++) {
      pulled++;
      yield i;
    }
  }
  const { ask, payloads } = await serving<number>(source);
  expect(pulled).toBe(0);

  await ask(10);
  expect([pulled, payloads().flat().length]).toEqual([10, 10]);
  await ask(3);

  expect([pulled, payloads().flat().length]).toEqual([13, 13]);
});

test("what a source gives in one turn of the event loop leaves in one message", async () => {
  const { ask, payloads } = await serving<number>(async function* () {
    yield* integers(1, 500);
  });

  await ask(500);

  expect(payloads()).toHaveLength(1);
});

test("a source that lets wait holds up nothing: what it gave is emitted, asks and cancels are served", async () => {
  const tap = new Tap();
  const { node, ask, cancel, payloads, pid } = await serving(tap.source);
  await ask(3);
  tap.give(1);
  await node.clock.settle();
  expect([payloads(), tap.pulled]).toEqual([[[1]], 2]);

  const buffered = GenStage.estimateBufferedCount(node.process, pid);
  await cancel();

  expect(await buffered).toBe(0);
  expect(inspect(payloads().at(-1))).toBe("{:cancel, :normal}");
});

test.each([
  ["is killed", (node: TestNode, pid: never) => node.core.sendExit(pid, Reason.kill)],
  ["is stopped by a link", (node: TestNode, pid: never) => node.core.sendExit(pid, atom("boom"))],
])("the source is closed when its producer %s while it waits", async (_how, end) => {
  const tap = new Tap();
  let aborted = false;
  const { node, ask, pid } = await serving((signal) => {
    signal.addEventListener("abort", () => {
      aborted = true;
    });
    return tap.source;
  });
  await ask(1);

  end(node, pid as never);
  await node.clock.settle();

  expect([tap.closed, aborted]).toEqual([true, true]);
  tap.give(1);
  await node.clock.settle();
  expect(node.errors()).toEqual([]);
});

test("a Node.js stream is destroyed, a web stream cancelled, when the producer ends early", async () => {
  const readable = Readable.from(integers(1, 100));
  let cancelled = false;
  const web = new ReadableStream<number>({
    pull: (controller) => controller.enqueue(1),
    cancel: () => {
      cancelled = true;
    },
  });
  for (const source of [readable, web] as Source<number>[]) {
    const { node, ask, pid } = await serving(source);
    await ask(2);
    node.core.sendExit(pid, Reason.kill);
    await node.clock.settle();
  }

  expect([readable.destroyed, cancelled]).toEqual([true, true]);
});

test("a source that fails ends the producer with its error, behind what it gave before", async () => {
  const { ask, payloads, reasons, node } = await serving<number>(async function* () {
    yield 1;
    throw new Error("disk on fire");
  });

  await ask(5);

  expect(payloads()).toEqual([[1]]);
  expect(inspect(reasons)).toContain("disk on fire");
  expect(node.errors().join()).toContain("disk on fire");
});

test("a sync source that fails ends the producer likewise", async () => {
  const { ask, payloads, reasons } = await serving<number>(function* () {
    yield 1;
    throw new Error("disk on fire");
  });

  await ask(5);

  expect(payloads()).toEqual([[1]]);
  expect(inspect(reasons)).toContain("disk on fire");
});

test("a factory that fails, or gives nothing iterable, fails the start", async () => {
  const node = new TestNode();
  const failing = GenStage.from<number>(() => {
    throw new Error("no such file");
  });
  const nothing = GenStage.from<number>((() => 5) as never);

  await expect(startServer(node.core, failing, {})).rejects.toMatchObject({ code: "EXIT_OTHER" });
  await expect(startServer(node.core, nothing, {})).rejects.toMatchObject({ code: "EXIT_OTHER" });
  expect(node.left()).toEqual(NOTHING_LEFT);
});

test("with accumulate nothing is read until somebody switches to forward", async () => {
  let pulled = 0;
  function* source() {
    for (const n of integers(1, 3)) {
      pulled++;
      yield n;
    }
  }
  const { node, ask, payloads, pid } = await serving<number>(source, { demand: "accumulate" });
  await ask(5);
  expect([pulled, payloads()]).toEqual([0, []]);

  await GenStage.demand(node.process, pid, "forward");
  await node.clock.settle();

  expect(payloads()).toEqual([[1, 2, 3]]);
});

test("#181: onCancel stop: the producer ends with normal when its last consumer has gone", async () => {
  const stopping = await serving(integers(1, 10), { onCancel: "stop" });
  const staying = await serving(integers(1, 10));
  for (const { ask, cancel } of [stopping, staying]) {
    await ask(1);
    await cancel();
  }

  expect(stopping.reasons).toEqual([atom("normal")]);
  expect(staying.reasons).toEqual([]);
});

test("a factory begins anew at each start", async () => {
  const stage = GenStage.from(() => integers(1, 2).values());
  for (let i = 0; i < 2; i++) {
    const node = new TestNode();
    const { pid } = await node.start(stage);
    const inbox: Term[] = [];
    const consumer = node.spawn(inbox);
    void consumer.send(pid, subscribeMessage(consumer.pid, "tag", undefined, []), false);
    void consumer.send(pid, askMessage(consumer.pid, "tag", 2), false);
    await node.clock.settle();
    expect((inbox[0] as unknown as Term[])[2]).toEqual([1, 2]);
  }
});
