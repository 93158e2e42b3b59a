import { type Atom, atom, charlist, type Pid, type Term, type Tuple, tuple } from "../../term/index.ts";

/** What the last part of `get_status` tells of any behaviour. */
export interface StatusFacts {
  /** Its registered name, or its pid as text. */
  readonly name: string;
  readonly sysState: Atom;
  readonly parent: Pid;
  /** The events that `log` has kept. */
  readonly logged: readonly Term[];
}

/** `{header, Text}` */
export function statusHeader(text: string): Tuple {
  return tuple(atom("header"), charlist(text));
}

/** `{data, [{Name, Value}]}` */
export function statusData(...pairs: readonly (readonly [name: string, value: unknown])[]): Tuple {
  return tuple(
    atom("data"),
    pairs.map(([name, value]) => tuple(charlist(name), value as object)),
  );
}

/** The form of gen_server, which observer shows best; `more` is what a behaviour tells of itself behind the state. */
export function serverStatus(
  { name, sysState, parent, logged }: StatusFacts,
  state: Term,
  ...more: readonly (readonly [name: string, value: unknown])[]
): Tuple[] {
  return [
    statusHeader(`Status for generic server ${name}`),
    statusData(["Status", sysState], ["Parent", parent], ["Logged events", logged]),
    statusData(["State", state], ...more),
  ];
}
