import { type Effect, type Next, StatemEngine, type Step } from "../../src/otp/statem/gen-statem-engine.ts";
import type { StatemEvent } from "../../src/otp/statem/gen-statem-events.ts";
import type { Actions } from "../../src/otp/statem/gen-statem-results.ts";

/** What a state does with an event. */
export type Rules = (event: StatemEvent, state: unknown) => unknown;

/** A {@link StatemEngine} with callbacks and a time of its own, and a record of what has happened. */
export class Machine {
  readonly engine: StatemEngine;
  /** Each callback as `state: type content`, with the name of a generic timeout as its type. */
  readonly calls: string[] = [];
  readonly replies: unknown[] = [];
  readonly traces: Effect[] = [];
  /** How it ended. */
  end: Next | undefined;
  now = 0;
  readonly #rules: Rules;
  #timers: { readonly id: number; readonly due: number }[] = [];

  constructor(rules: Rules, initial: unknown, options: { stateEnter?: boolean; traced?: boolean } = {}) {
    this.#rules = rules;
    this.engine = new StatemEngine(initial, { stateEnter: options.stateEnter ?? false });
    this.engine.traced = options.traced ?? false;
  }

  start(actions: Actions = []): this {
    return this.#run(this.engine.start(actions));
  }

  /** One event from outside. */
  event(event: StatemEvent): this {
    return this.end === undefined ? this.#run(this.engine.receive(event)) : this;
  }

  cast(content: unknown): this {
    return this.event({ type: "cast", content: content as null });
  }

  /** Moves time: timers fire in the order in which they are due. */
  advance(ms: number): this {
    const until = this.now + ms;
    for (;;) {
      const [first] = this.#timers.filter(({ due }) => due <= until).sort((a, b) => a.due - b.due || a.id - b.id);
      if (first === undefined || this.end !== undefined) break;
      this.now = Math.max(this.now, first.due);
      this.#forget(first.id);
      const step = this.engine.timedOut(first.id);
      if (step !== undefined) this.#run(step);
    }
    this.now = until;
    return this;
  }

  /** The calls since the last time. */
  take(): string[] {
    return this.calls.splice(0);
  }

  get pendingTimers(): number {
    return this.#timers.length;
  }

  #run(first: Step): this {
    for (let step = first; ; ) {
      for (const effect of step.effects) this.#perform(effect);
      const { next } = step;
      if (next.kind === "callback") {
        this.calls.push(callText(next.event, next.state));
        step = this.engine.returned(this.#rules(next.event, next.state));
      } else {
        if (next.kind !== "wait") this.end = next;
        return this;
      }
    }
  }

  #perform(effect: Effect): void {
    if (effect.kind === "reply") this.replies.push(effect.value);
    else if (effect.kind === "cancel_timer") this.#forget(effect.id);
    else if (effect.kind === "start_timer") {
      this.#timers.push({ id: effect.id, due: effect.abs ? effect.time : this.now + effect.time });
    } else this.traces.push(effect);
  }

  #forget(id: number): void {
    this.#timers = this.#timers.filter((timer) => timer.id !== id);
  }
}

export function callText(event: StatemEvent, state: unknown): string {
  const type = event.type === "generic_timeout" ? String(event.name) : event.type;
  return `${state}: ${type} ${event.content}`;
}
