import { channel } from "node:diagnostics_channel";
import { context, ROOT_CONTEXT, type Span, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { CHANNELS } from "../../src/api/index.ts";
import { atom, type CallResult, GenServer, type Node, reply, type Term, tuple } from "../../src/index.ts";
import { instrumentNode } from "../../src/otel/index.ts";
import { Cluster } from "../support/cluster.ts";

/** Asks the inventory before it answers. */
class Shop extends GenServer {
  override async handleCall(request: Term): Promise<CallResult> {
    await Promise.resolve();
    return reply(await this.process.call("inventory", request));
  }
}

class Inventory extends GenServer {
  override handleCall(request: Term): CallResult {
    if (request === atom("fail")) throw new RangeError("no");
    seen.push(trace.getSpan(context.active()));
    return reply(1);
  }

  override handleInfo() {
    seen.push(trace.getSpan(context.active()));
  }
}

let seen: (Span | undefined)[] = [];
const spans = new InMemorySpanExporter();
const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).getTracer("test");
let cluster: Cluster;
let node: Node;
let end: () => void;
let reader: PeriodicExportingMetricReader;
let exporter: InMemoryMetricExporter;

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});

afterAll(() => {
  context.disable();
});

beforeEach(async () => {
  seen = [];
  spans.reset();
  exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1_000_000 });
  const meter = new MeterProvider({ readers: [reader] }).getMeter("test");
  cluster = new Cluster();
  node = await cluster.start("a@sim");
  end = instrumentNode(node, { tracer, meter });
  await cluster.outcome(node.start(Shop, { name: "shop" }));
  await cluster.outcome(node.start(Inventory, { name: "inventory" }));
});

afterEach(async () => {
  end();
  await node.stop();
  await reader.shutdown();
});

test("a call has a span, and the calls that its server makes while it handles it are below", async () => {
  const request = tracer.startSpan("request");
  await context.with(trace.setSpan(ROOT_CONTEXT, request), () =>
    cluster.outcome(node.call("shop", tuple(atom("count"), "sku-1"))),
  );
  request.end();

  const [inner, outer] = spans.getFinishedSpans();
  expect([inner?.name, outer?.name]).toEqual(["call inventory count", "call shop count"]);
  expect(outer?.parentSpanContext?.spanId).toBe(request.spanContext().spanId);
  expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
  expect(seen[0]?.spanContext().spanId).toBe(inner?.spanContext().spanId);
  expect(outer?.attributes).toMatchObject({
    "tiebeam.node": "a@sim",
    "tiebeam.call.kind": "call",
    "tiebeam.call.target": "shop",
  });
  expect(JSON.stringify(outer?.attributes)).not.toContain("sku-1");
});

test("what is no call is handled in no span, whoever sent it", async () => {
  const request = tracer.startSpan("request");
  context.with(trace.setSpan(ROOT_CONTEXT, request), () => void node.send("inventory", atom("hello")));
  await cluster.clock.settle();

  expect(seen).toEqual([undefined]);
});

test("a call that fails has a span with the error, and the crash is counted", async () => {
  await cluster.outcome(node.call("inventory", atom("fail")));
  await cluster.outcome(node.call("nobody", atom("ask")));

  expect(spans.getFinishedSpans().map(({ status, attributes }) => [status.code, attributes["error.type"]])).toEqual([
    [SpanStatusCode.ERROR, "EXIT_OTHER"],
    [SpanStatusCode.ERROR, "EXIT_NOPROC"],
  ]);
  expect((await metric("tiebeam.process.crashes"))[0]).toMatchObject({
    value: 1,
    attributes: { "tiebeam.process": "GenServer Inventory" },
  });
});

test("durations of calls and figures of the node are metrics", async () => {
  await cluster.outcome(node.call("inventory", atom("count")));

  expect((await metric("tiebeam.call.duration"))[0]).toMatchObject({
    value: { count: 1 },
    attributes: { "tiebeam.call.target": "inventory", "tiebeam.call.operation": "count" },
  });
  expect((await metric("tiebeam.processes"))[0]?.value).toBe(node.stats().processes);
  expect((await metric("tiebeam.peers"))[0]?.value).toBe(0);
});

test("the span of a call by erpc is called after the function", async () => {
  node.expose("math", { double: (n: number) => 2 * n });

  await cluster.outcome(node.erpc.call("a@sim", "math", "double", [2]));

  expect(spans.getFinishedSpans()[0]).toMatchObject({
    name: "erpc :math.double/1",
    attributes: { "tiebeam.call.target": "a@sim" },
  });
});

test("once it has been ended nothing is made of what happens, and nothing listens", async () => {
  end();

  await cluster.outcome(node.call("inventory", atom("count")));

  expect(spans.getFinishedSpans()).toEqual([]);
  expect(Object.values(CHANNELS).filter((name) => channel(name).hasSubscribers)).toEqual([]);
});

/** The data points of one metric. */
async function metric(name: string) {
  await reader.forceFlush();
  const last = exporter.getMetrics().at(-1)!;
  const found = last.scopeMetrics.flatMap(({ metrics }) => metrics).find(({ descriptor }) => descriptor.name === name);
  return found?.dataPoints ?? [];
}
