import { AsyncLocalStorage } from "node:async_hooks";
import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  type Attributes,
  type Context,
  context,
  type Meter,
  metrics,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { CHANNELS, type Node } from "../api/index.ts";
import { TiebeamError } from "../base/index.ts";
import type { CallEnd, CallFailure, CallStart, ProcessCrash, ProcessReceive } from "../runtime/index.ts";
import { describeCall } from "./names.ts";
import { observeStats } from "./stats.ts";

/** Options of {@link instrumentNode}. */
export interface InstrumentOptions {
  /** Default: the global provider's, called `tiebeam`. */
  readonly tracer?: Tracer;
  /** Default: the global provider's, called `tiebeam`. */
  readonly meter?: Meter;
}

/**
 * Makes OpenTelemetry's spans and metrics of what happens in a node: a span for each call, whose parent is the span in which
 * it is made, in a server's callback the one of the call that is being handled; how long calls take; crashes; and figures of
 * `node.stats()`. Made of the channels of docs/observability.md, which lists the names.
 *
 * @returns a function that ends it.
 */
export function instrumentNode(node: Node, options: InstrumentOptions = {}): () => void {
  const { tracer = trace.getTracer("tiebeam"), meter = metrics.getMeter("tiebeam") } = options;
  const durations = meter.createHistogram("tiebeam.call.duration", {
    unit: "s",
    description: "Calls, until their end",
  });
  const crashes = meter.createCounter("tiebeam.process.crashes", { description: "Processes that failed" });
  /** The calls that are under way, by their references. */
  const calls = new Map<string, { readonly span: Span; readonly inside: Context; readonly attributes: Attributes }>();

  const ended = (call: CallEnd, error?: unknown) => {
    const known = calls.get(call.ref.key);
    if (known === undefined) return;
    calls.delete(call.ref.key);
    const failure: Attributes = error === undefined ? {} : { "error.type": errorType(error) };
    if (error !== undefined) {
      known.span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) }).setAttributes(failure);
      if (error instanceof Error) known.span.recordException(error);
    }
    known.span.end();
    durations.record(call.durationMs / 1000, { ...known.attributes, ...failure });
  };

  const undo = [
    on<CallStart>(node, CHANNELS.callStart, (call) => {
      const { name, target, operation } = describeCall(call);
      const attributes: Attributes = {
        "tiebeam.node": call.node,
        "tiebeam.call.kind": call.kind,
        "tiebeam.call.target": target,
        "tiebeam.call.operation": operation,
      };
      const around = context.active();
      const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, around);
      calls.set(call.ref.key, { span, inside: trace.setSpan(around, span), attributes });
    }),
    on<CallEnd>(node, CHANNELS.callEnd, (call) => ended(call)),
    on<CallFailure>(node, CHANNELS.callError, (call) => ended(call, call.error)),
    on<ProcessCrash>(node, CHANNELS.processCrash, ({ label }) => {
      crashes.add(1, { "tiebeam.node": node.name, "tiebeam.process": label });
    }),
    enter(node, (call) => (call && calls.get(call.key)?.inside) ?? ROOT_CONTEXT),
    observeStats(node, meter),
  ];
  return () => {
    for (const end of undo) end();
    for (const { span } of calls.values()) span.end();
    calls.clear();
  };
}

/** Listens to what is about this node. */
function on<M extends { readonly node: string }>(node: Node, name: string, listener: (message: M) => void): () => void {
  const listen = (message: unknown) => {
    if ((message as M).node === node.name) listener(message as M);
  };
  subscribe(name, listen);
  return () => void unsubscribe(name, listen);
}

/** Lets callbacks run in a context that follows from what they handle, rather than in that of whoever woke the scheduler. */
function enter(node: Node, contextOf: (call: ProcessReceive["call"]) => Context): () => void {
  const store = new EnteredContext();
  const receive = channel(CHANNELS.processReceive);
  receive.bindStore(store, (message) => {
    const { node: name, call } = message as ProcessReceive;
    return name === node.name ? contextOf(call) : context.active();
  });
  return () => void receive.unbindStore(store);
}

/** Whoever runs in it runs in OpenTelemetry's context. */
class EnteredContext extends AsyncLocalStorage<Context> {
  override run<R, A extends unknown[]>(inside: Context, callback: (...args: A) => R, ...args: A): R {
    return context.with(inside, () => super.run(inside, callback, ...args));
  }
}

function errorType(error: unknown): string {
  if (error instanceof TiebeamError) return error.code;
  return error instanceof Error ? error.name : "other";
}
