import type { ProcessCore } from "../runtime/index.ts";
import { inspect, type Term } from "../term/index.ts";
import type { StageCallbacks } from "./callbacks.ts";
import type { Subscription } from "./subscription.ts";

/** What the two halves of a stage, towards its producers and towards its consumers, need of the whole. */
export interface StageHost {
  readonly core: ProcessCore;
  readonly callbacks: StageCallbacks;
  /** The stage in log lines: `GenStage consumer #PID<...>`, or with its name. */
  readonly title: string;
  /** Runs a callback and takes its result to effect; `then` follows unless that ended the stage. */
  run(callback: () => unknown, then?: () => void | Promise<void>): void | Promise<void>;
  /** Runs a callback whose result `apply` understands. A failure of either ends the stage. */
  guarded(callback: () => unknown, apply: (result: unknown) => void | Promise<void>): void | Promise<void>;
  /** Ends the stage in order: `terminate`, report, exit. */
  end(reason: unknown): void | Promise<void>;
}

/** Something to be done in place of a message, in the order of the mailbox: the end of a monitored process, and the like. */
export class Work {
  readonly #run: () => void | Promise<void>;

  constructor(run: () => void | Promise<void>) {
    this.#run = run;
  }

  run(): void | Promise<void> {
    return this.#run();
  }
}

/** Goes on once `pending` is over: at once when it is no promise. */
export function after(pending: void | Promise<void>, next: () => void | Promise<void>): void | Promise<void> {
  return pending instanceof Promise ? pending.then(next) : next();
}

/** The log line of a stage that ends with a subscription, in GenStage's words. */
export function stoppingText(title: string, from: Subscription, reason: Term): string {
  return `${title} is stopping after receiving cancel from producer ${inspect(from.peer)} with reason: ${inspect(reason)}`;
}
