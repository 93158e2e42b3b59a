import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Action,
  eventTimeout,
  genericTimeout,
  keepState,
  nextEvent,
  nextState,
  postpone,
  repeatState,
  stateTimeout,
} from "../../src/otp/index.ts";
import type { StatemEvent } from "../../src/otp/statem/gen-statem-events.ts";
import { Machine } from "./gen-statem-machine.ts";
import {
  KEEP,
  MAX_CALLS,
  type Plan,
  type PlannedAction,
  type PlannedEvent,
  StatemModel,
  typeName,
} from "./gen-statem-model.ts";

const STATES = ["a", "b", "c"];

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;

const timeout = (event: fc.Arbitrary<PlannedEvent>): fc.Arbitrary<PlannedAction> =>
  record<PlannedAction>({
    do: fc.constant("timeout" as const),
    type: fc.constantFrom("timeout", "state_timeout", "x", "y"),
    time: fc.oneof(
      fc.constantFrom(0, 0, Number.POSITIVE_INFINITY, "cancel" as const, "update" as const),
      fc.integer({ min: 1, max: 1_000_000 }),
    ),
    event,
  });

const next = fc.oneof(
  { arbitrary: fc.constant("keep" as const), weight: 2 },
  { arbitrary: fc.constant("repeat" as const), weight: 1 },
  { arbitrary: fc.constantFrom(...STATES).map((state) => ({ state })), weight: 3 },
);

const planOf = (actions: fc.Arbitrary<PlannedAction[]>): fc.Arbitrary<Plan> => record<Plan>({ next, actions });

const eventOf = (actions: fc.Arbitrary<PlannedAction[]>): fc.Arbitrary<PlannedEvent> =>
  record<PlannedEvent>({
    id: fc.nat(),
    plans: record({ a: planOf(actions), b: planOf(actions), c: planOf(actions) }),
  });

/** What an event leads to gets less with each level, so that it comes to an end. */
const leaf = eventOf(fc.constant([]));
const actionOf = (event: fc.Arbitrary<PlannedEvent>): fc.Arbitrary<PlannedAction> =>
  fc.oneof(
    record({ do: fc.constant("insert" as const), event }),
    record({ do: fc.constant("postpone" as const), on: fc.constantFrom(true, true, false) }),
    timeout(event),
  );
const middle = eventOf(fc.array(actionOf(leaf), { maxLength: 2 }));
const event = eventOf(fc.array(actionOf(middle), { maxLength: 4 }));

const entering = record<Plan>({ next: fc.constant("keep"), actions: fc.array(timeout(leaf), { maxLength: 2 }) });

const operation = fc.oneof(
  { arbitrary: record({ type: fc.constantFrom("cast", "info"), event }), weight: 3 },
  { arbitrary: fc.constantFrom(1, 1_000, 300_000, 1_000_000).map((ms) => ({ ms })), weight: 1 },
);

const program = record({
  stateEnter: fc.boolean(),
  entering: record({ a: entering, b: entering, c: entering }),
  operations: fc.array(operation, { minLength: 1, maxLength: 20 }),
});

function actionFor(planned: PlannedAction): Action {
  if (planned.do === "postpone") return postpone(planned.on);
  if (planned.do === "insert") return nextEvent("internal", planned.event);
  const { type, time, event } = planned;
  if (type === "timeout") return eventTimeout(time, event);
  return type === "state_timeout" ? stateTimeout(time, event) : genericTimeout(type, time, event);
}

function resultFor({ next, actions }: Plan) {
  const asked = actions.map(actionFor);
  if (next === "keep") return keepState(asked);
  return next === "repeat" ? repeatState(asked) : nextState(next.state, asked);
}

test("any sequence of events, timeouts, postponements and enter calls runs as gen_statem(3) says", () => {
  fc.assert(
    fc.property(program, ({ stateEnter, entering, operations }) => {
      const calls: string[] = [];
      const rules = (event: StatemEvent, state: unknown) => {
        const entered = event.type === "enter";
        const { id, plans } = (entered ? { id: event.content, plans: entering } : event.content) as PlannedEvent;
        const tired = calls.length >= MAX_CALLS;
        calls.push(`${state}: ${typeName(event)} ${id}`);
        return resultFor(tired ? KEEP : plans[state as string]!);
      };
      const machine = new Machine(rules, "a", { stateEnter }).start();
      const model = new StatemModel(stateEnter, entering);

      for (const operation of operations) {
        if ("ms" in operation) {
          machine.advance(operation.ms);
          model.advance(operation.ms);
        } else {
          machine.event({ type: operation.type as "cast", content: operation.event as never });
          model.receive(operation.type, operation.event);
        }
        expect(calls.splice(0)).toEqual(model.take());
        expect(machine.engine.state).toBe(model.state);
        expect(machine.engine.postponed.map(({ content }) => (content as PlannedEvent).id)).toEqual(model.postponed);
      }
      expect(machine.end).toBeUndefined();
    }),
    { numRuns: Number(process.env.TIEBEAM_STATEM_RUNS ?? 1_000) },
  );
});
