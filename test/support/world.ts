import { type Logger, type PeerLimitError, silentLogger } from "../../src/base/index.ts";
import type { Signal } from "../../src/dist/index.ts";
import { Exposed } from "../../src/node/index.ts";
import {
  type Behaviour,
  Identity,
  type OtpRules,
  Process,
  type ProcessCore,
  type Remote,
  Runtime,
} from "../../src/runtime/index.ts";
import type { CopyOptions } from "../../src/term/index.ts";
import { SeededRandom, SimulatedClock } from "../../src/testing/index.ts";

/** A signal that left the node, and whether it may connect. */
export interface Sent {
  readonly node: string;
  readonly signal: Signal;
  readonly dial: boolean;
}

/** A logger that keeps its warnings and errors. */
export class MemoryLogger implements Logger {
  readonly lines: string[] = [];
  debug(): void {}
  info(): void {}
  warn(message: string): void {
    this.lines.push(message);
  }
  error(message: string): void {
    this.lines.push(message);
  }
}

export interface WorldOptions {
  readonly logger?: Logger;
  readonly localMessages?: CopyOptions | "share";
  readonly creation?: number;
  readonly maxQueuedBytesPerPeer?: number;
  readonly maxTiesPerPeer?: number;
  readonly otp?: OtpRules;
}

/** The processes of one node under a simulated clock; what they send to other nodes is kept in `sent`. */
export class World implements Remote {
  readonly clock = new SimulatedClock();
  readonly sent: Sent[] = [];
  readonly exposed = new Exposed();
  readonly runtime: Runtime;
  /** A process for the test to act with. */
  readonly user: ProcessCore;
  readonly process: Process;
  readonly inbox: unknown[] = [];
  /** The codes for which peers have lost their connection. */
  readonly overLimits: string[] = [];

  constructor(options: WorldOptions = {}) {
    this.runtime = new Runtime({
      identity: new Identity("here@host", options.creation ?? 7, new SeededRandom(1)),
      clock: this.clock,
      logger: options.logger ?? silentLogger,
      remote: this,
      functions: this.exposed,
      ...(options.otp && { otp: options.otp }),
      localMessages: options.localMessages ?? {},
      maxQueuedBytesPerPeer: options.maxQueuedBytesPerPeer ?? 1_000_000,
      maxTiesPerPeer: options.maxTiesPerPeer ?? 1_000,
    });
    this.user = this.spawn((message) => void this.inbox.push(message));
    this.process = new Process(this.user);
  }

  transmit(node: string, signal: Signal, dial: boolean): undefined {
    this.sent.push({ node, signal, dial });
  }

  downCause(): undefined {}

  /** The peer loses its connection. */
  overLimit(error: PeerLimitError): void {
    this.overLimits.push(error.code);
    this.runtime.nodeDown(error.node);
  }

  /** A process that handles messages with a function. */
  spawn(receive: Behaviour["receive"] = () => {}, more: Omit<Behaviour, "receive"> = {}): ProcessCore {
    return this.runtime.spawn(() => ({ receive, ...more }));
  }

  /** Lets everything happen that is due now. */
  settle(): Promise<void> {
    return this.clock.settle();
  }

  /** The signals that have left since the last call. */
  take(): Signal[] {
    return this.sent.splice(0).map(({ signal }) => signal);
  }
}
