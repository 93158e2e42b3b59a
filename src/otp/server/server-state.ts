import { ArgumentError } from "../../base/index.ts";
import type { Copies } from "../../runtime/index.ts";
import { copyTerm, equals, inspect, isPlainObject, setOwn, type Term, type TermObject } from "../../term/index.ts";

/** The parts of a server that this looks at. */
interface Inspected {
  inspectState?(): unknown;
}

/**
 * The state of a server as a term: what its `inspectState` says, else its public own fields. A field that has no Erlang form,
 * a Date or a socket, is shown by its text, so that tools always have something to show.
 */
export function stateOf(server: Inspected, copies: Copies): Term {
  const copy = (value: unknown) => copies.fixed(value);
  if (server.inspectState !== undefined) return shownTerm(server.inspectState(), copy);
  const state: TermObject = {};
  for (const [name, value] of Object.entries(server)) setOwn(state, name, shownTerm(value, copy));
  return state;
}

/**
 * Sets the public own fields of a server to what a `replace_state` function made of them.
 * @throws ArgumentError `BADARG` unless that is a map with the fields that there are, and the state is shown by fields at all.
 */
export function replaceState(server: Inspected, state: Term, copies: Copies): void {
  const fields = Object.keys(server);
  const fits =
    server.inspectState === undefined &&
    isPlainObject(state) &&
    Object.keys(state).length === fields.length &&
    fields.every((name) => Object.hasOwn(state, name));
  if (!fits) throw new ArgumentError("state", `the fields of the state are ${fields.join(", ")}`);
  const before = stateOf(server, copies) as TermObject;
  for (const name of fields) {
    // What was not touched stays as it is: what it was shown as may be less than it is.
    if (!equals(state[name], before[name])) (server as Record<string, unknown>)[name] = state[name];
  }
}

/** Any value as a term: itself if it is one, else its text. */
export function shownTerm(value: unknown, copy: (value: unknown) => Term = exactCopy): Term {
  try {
    return copy(value);
  } catch {
    if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
    if (typeof value === "function") return `function ${value.name}`;
    return inspect(value).slice(0, 1_000);
  }
}

function exactCopy(value: unknown): Term {
  return copyTerm(value, { floats: "exact" });
}
