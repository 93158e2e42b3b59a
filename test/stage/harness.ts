import type { Logger } from "../../src/base/index.ts";
import type { Signal } from "../../src/dist/index.ts";
import { Exposed } from "../../src/node/index.ts";
import { type AnyServer, type ApiOf, type StartedServer, startServer } from "../../src/otp/index.ts";
import {
  Identity,
  Process,
  type ProcessCore,
  Runtime,
  silentTelemetry,
  type Telemetry,
} from "../../src/runtime/index.ts";
import { Pid, type Term } from "../../src/term/index.ts";
import { SeededRandom, SimulatedClock } from "../../src/testing/index.ts";

/** One line of a log. */
export interface LogLine {
  readonly level: keyof Logger;
  readonly text: string;
}

/** A node without a network: a runtime under simulated time, whose signals to other nodes are recorded. */
export class TestNode {
  readonly clock: SimulatedClock;
  readonly logs: LogLine[] = [];
  /** Signals that left for other nodes. */
  readonly sent: { readonly node: string; readonly signal: Signal; readonly dial: boolean }[] = [];
  /** Nodes that can be reached; signals to others are dropped, and answered by a lost connection if they dial. */
  readonly connected = new Set<string>();
  /** Told of signals that leave, those dropped for want of a connection left out. */
  onSignal: (signal: Signal) => void = () => {};
  readonly runtime: Runtime;
  /** The process of the test itself. */
  readonly core: ProcessCore;
  readonly process: Process;
  /** What the test's own process received. */
  readonly inbox: Term[] = [];

  constructor(name = "ts@127.0.0.1", clock = new SimulatedClock(), telemetry: Telemetry = silentTelemetry) {
    this.clock = clock;
    const log = (level: keyof Logger) => (text: string) => void this.logs.push({ level, text });
    this.runtime = new Runtime({
      identity: new Identity(name, 7, new SeededRandom(1)),
      clock: this.clock,
      logger: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
      remote: {
        transmit: (node, signal, dial) => {
          this.sent.push({ node, signal, dial });
          if (this.connected.has(node) || dial) this.onSignal(signal);
          if (!this.connected.has(node) && dial) this.clock.defer(() => this.runtime.nodeDown(node));
          return undefined;
        },
        downCause: () => undefined,
        overLimit: () => {},
      },
      functions: new Exposed(),
      localMessages: {},
      maxQueuedBytesPerPeer: Number.POSITIVE_INFINITY,
      maxTiesPerPeer: Number.POSITIVE_INFINITY,
      telemetry,
    });
    this.core = this.spawn(this.inbox);
    this.process = new Process(this.core);
  }

  /** A process that only collects what it gets. */
  spawn(inbox: Term[] = []): ProcessCore {
    return this.runtime.spawn(() => ({ receive: (message) => void inbox.push(message as Term) }));
  }

  /** Starts a stage and lets everything happen that follows from it. */
  async start<S extends AnyServer>(
    stage: new () => S,
    options: { name?: string; link?: boolean; args?: unknown } = {},
  ): Promise<StartedServer<ApiOf<S>>> {
    const started = startServer(this.core, stage, options);
    started.catch(() => {});
    await this.clock.settle();
    return started;
  }

  /** The processes that a test has left, its own aside, and what belongs to them. */
  left(): ReturnType<Runtime["counts"]> {
    const counts = this.runtime.counts();
    return { ...counts, processes: counts.processes - 1 };
  }

  errors(): string[] {
    return this.logs.filter(({ level }) => level === "error").map(({ text }) => text);
  }
}

export const NOTHING_LEFT = { processes: 0, names: 0, aliases: 0, watches: 0, ties: 0 };

/** A process of another node. */
export const remotePid = (node: string, id = 1): Pid => new Pid(node, id, 0, 1);

/** The integers from `first`, `count` of them. */
export const integers = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);
