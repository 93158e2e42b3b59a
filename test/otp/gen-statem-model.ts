import type { StatemEvent } from "../../src/otp/statem/gen-statem-events.ts";

/** What an event asks for, in any of the states. */
export interface Plan {
  readonly next: "keep" | "repeat" | { readonly state: string };
  readonly actions: readonly PlannedAction[];
}

export type PlannedAction =
  | { readonly do: "postpone"; readonly on: boolean }
  | { readonly do: "insert"; readonly event: PlannedEvent }
  | {
      readonly do: "timeout";
      readonly type: string;
      readonly time: number | "cancel" | "update";
      readonly event: PlannedEvent;
    };

/** An event whose content says what to do, by the state that it is handled in. */
export interface PlannedEvent {
  readonly id: number;
  readonly plans: Readonly<Record<string, Plan>>;
}

/**
 * Callbacks in one go after which every plan is {@link KEEP}: events that insert others, or are postponed from one state to
 * another and back, can go on for ever.
 */
export const MAX_CALLS = 200;

export const KEEP: Plan = { next: "keep", actions: [] };

interface Waiting {
  readonly type: string;
  readonly event: PlannedEvent;
}

interface Clocked extends Waiting {
  readonly due: number;
}

/** What one machine knows. Never changed: each step makes another. */
interface World {
  readonly state: string;
  readonly now: number;
  /** Events that have to be handled before time goes on. */
  readonly queue: readonly Waiting[];
  readonly postponed: readonly Waiting[];
  readonly timers: readonly Clocked[];
  /** Timeouts of 0, first come first served. */
  readonly zeros: readonly Waiting[];
  readonly calls: readonly string[];
}

/**
 * What gen_statem(3) says, written down as directly as it goes and as unlike the engine as possible: time is part of the
 * model, and every step copies it all.
 */
export class StatemModel {
  #world: World = { state: "a", now: 0, queue: [], postponed: [], timers: [], zeros: [], calls: [] };
  readonly #stateEnter: boolean;
  /** What is done when a state is entered. */
  readonly #entering: Readonly<Record<string, Plan>>;

  constructor(stateEnter: boolean, entering: Readonly<Record<string, Plan>>) {
    this.#stateEnter = stateEnter;
    this.#entering = entering;
    const actions = stateEnter ? this.#enter("a", "a") : [];
    this.#world = this.#settled(withTimeouts(this.#world, actions));
  }

  get state(): string {
    return this.#world.state;
  }

  get postponed(): readonly number[] {
    return this.#world.postponed.map(({ event }) => event.id);
  }

  take(): readonly string[] {
    const { calls } = this.#world;
    this.#world = { ...this.#world, calls: [] };
    return calls;
  }

  receive(type: string, event: PlannedEvent): void {
    this.#world = this.#settled(this.#handled(this.#world, { type, event }));
  }

  advance(ms: number): void {
    const until = this.#world.now + ms;
    for (;;) {
      const due = this.#world.timers.filter((timer) => timer.due <= until).sort((a, b) => a.due - b.due)[0];
      if (due === undefined) break;
      const timers = this.#world.timers.filter((timer) => timer !== due);
      const { type, event } = due;
      this.#world = this.#settled(this.#handled({ ...this.#world, timers, now: due.due }, { type, event }));
    }
    this.#world = { ...this.#world, now: until };
  }

  #settled(world: World): World {
    const [next, ...queue] = world.queue;
    if (next !== undefined) return this.#settled(this.#handled({ ...world, queue }, next));
    const [zero, ...zeros] = world.zeros;
    return zero === undefined ? world : this.#settled(this.#handled({ ...world, zeros }, zero));
  }

  #handled(world: World, waiting: Waiting): World {
    const { state } = world;
    const { next, actions } = this.#plan(world, waiting.event.plans[state]!);
    const to = typeof next === "object" ? next.state : state;
    const entered = this.#stateEnter && (to !== state || next === "repeat");
    const calls = [...world.calls, `${state}: ${waiting.type} ${waiting.event.id}`];
    this.#world = { ...world, calls };
    const all = entered ? [...actions, ...this.#enter(to, state)] : actions;

    const asked = all.filter((action) => action.do === "postpone").at(-1)?.on ?? false;
    const postponed = asked ? [...world.postponed, waiting] : world.postponed;
    const inserted = all.filter((action) => action.do === "insert").map(({ event }) => ({ type: "internal", event }));
    const changed = to !== state;
    const gone = (type: string) => type === "timeout" || (changed && type === "state_timeout");
    return withTimeouts(
      {
        ...this.#world,
        state: to,
        postponed: changed ? [] : postponed,
        queue: [...inserted, ...(changed ? postponed : []), ...world.queue],
        timers: world.timers.filter(({ type }) => !gone(type)),
        zeros: world.zeros.filter(({ type }) => !gone(type)),
      },
      all,
    );
  }

  #enter(state: string, from: string): readonly PlannedAction[] {
    const { actions } = this.#plan(this.#world, this.#entering[state]!);
    this.#world = { ...this.#world, calls: [...this.#world.calls, `${state}: enter ${from}`] };
    return actions;
  }

  #plan({ calls }: World, plan: Plan): Plan {
    return calls.length >= MAX_CALLS ? KEEP : plan;
  }
}

function withTimeouts(world: World, actions: readonly PlannedAction[]): World {
  const timeouts = actions.filter((action) => action.do === "timeout");
  const counting = timeouts.filter((action, i) => !timeouts.slice(i + 1).some(({ type }) => type === action.type));
  let after = world;
  for (const action of counting) after = withTimeout(after, action);
  return after;
}

function withTimeout(world: World, { type, time, event }: PlannedAction & { do: "timeout" }): World {
  const others = <T extends Waiting>(waiting: readonly T[]) => waiting.filter((other) => other.type !== type);
  const changed = <T extends Waiting>(waiting: readonly T[]) =>
    waiting.map((other) => (other.type === type ? { ...other, event } : other));
  const known = [...world.timers, ...world.zeros].some((waiting) => waiting.type === type);
  if (time === "update" && known) return { ...world, timers: changed(world.timers), zeros: changed(world.zeros) };
  const without = { ...world, timers: others(world.timers), zeros: others(world.zeros) };
  if (time === "cancel" || time === Number.POSITIVE_INFINITY) return without;
  if (time === 0 || time === "update") return { ...without, zeros: [...without.zeros, { type, event }] };
  return { ...without, timers: [...without.timers, { type, event, due: world.now + time }] };
}

/** The type of an event of the engine, as the model has it. */
export function typeName(event: StatemEvent): string {
  return event.type === "generic_timeout" ? String(event.name) : event.type;
}
