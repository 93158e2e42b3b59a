import { atom, atomTerm, type Tuple, tuple } from "../../term/index.ts";
import type { Trace } from "./gen-statem-engine.ts";
import type { StatemEvent, TimeoutType } from "./gen-statem-events.ts";
import {
  Hibernate,
  NextEvent,
  NextState,
  Postpone,
  ReplyAction,
  Timeout,
  type TimeoutTime,
} from "./gen-statem-results.ts";

/** How a state machine shows itself in terms: its data, and a state as its callback mode has them. */
export interface Shown {
  data(): unknown;
  state(state: unknown): unknown;
}

/** `{EventType, Content}`, as in the postponed events of `get_status`. */
export function eventTerm(event: StatemEvent, shown: Shown): Tuple {
  const content = event.type === "enter" ? shown.state(event.content) : event.content;
  return tuple(eventTypeTerm(event), content as object);
}

/** `cast`, `{call, From}`, `{timeout, Name}` and so on. */
export function eventTypeTerm(event: StatemEvent | TimeoutType): object {
  if (event.type === "call") return tuple(atom("call"), event.from);
  if (event.type === "generic_timeout") return tuple(atom("timeout"), event.name as object);
  return atom(event.type);
}

/** What `sys` is told, in gen_statem's form. */
export function traceTerm(trace: Trace, shown: Shown): Tuple {
  const state = shown.state(trace.state) as object;
  if (trace.kind === "timeout_set") return tuple(atom("start_timer"), setTerm(trace.timeout), state);
  const event = eventTerm(trace.event, shown);
  if (trace.kind === "in") return tuple(atom("in"), event, state);
  return tuple(atom(trace.kind), event, state, shown.state(trace.next) as object);
}

/** What a callback must not have given, as OTP would have been given it; anything else as it is. */
export function givenTerm(given: unknown, shown: Shown): unknown {
  if (given instanceof NextState) {
    const actions = [given.actions].flat().map((action) => givenTerm(action, shown));
    const result = [atom("next_state"), shown.state(given.state) as object, shown.data() as object] as const;
    return actions.length === 0 ? tuple(...result) : tuple(...result, actions);
  }
  if (given instanceof ReplyAction) return tuple(atom("reply"), given.from, given.value as object);
  if (given instanceof Postpone) return given.on ? atom("postpone") : tuple(atom("postpone"), false);
  if (given instanceof Hibernate) return atom("hibernate");
  if (given instanceof NextEvent) {
    const { event } = given;
    return tuple(atom("next_event"), eventTypeTerm(event), event.content as object);
  }
  if (given instanceof Timeout) return timeoutTerm(given);
  return given ?? null;
}

function timeoutTerm({ of, time, content, abs }: Timeout): Tuple {
  const type = eventTypeTerm(of);
  if (time === "cancel") return tuple(type, atom("cancel"));
  const parts = [type, timeTerm(time), content as object] as const;
  return abs ? tuple(...parts, [tuple(atom("abs"), true)]) : tuple(...parts);
}

/** `{Type, Time, Content, Options}` */
function setTerm({ of, time, content, abs }: Timeout): Tuple {
  return tuple(eventTypeTerm(of), timeTerm(time), content as object, abs ? [tuple(atom("abs"), true)] : []);
}

function timeTerm(time: TimeoutTime): object | number {
  if (time === Number.POSITIVE_INFINITY) return atom("infinity");
  return typeof time === "number" ? time : (atomTerm(time) as object);
}
