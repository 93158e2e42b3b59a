import { atom, atomTerm, Pid, type Ref, type Tuple, tuple } from "../term/index.ts";

/** What is monitored: a process, or a name on a node. */
export type MonitorTarget = Pid | { readonly name: string; readonly node: string };

/** A monitor that a process holds on another. */
export interface Monitoring {
  readonly ref: Ref;
  readonly target: MonitorTarget;
  /** Told of the end instead of a DOWN message. */
  readonly onDown?: ((reason: unknown) => void) | undefined;
  /** Told that the process holding the monitor has ended itself. */
  readonly onAbandoned?: ((reason: unknown) => void) | undefined;
}

/** What a process that holds no monitors holds. */
export const NO_MONITORS: ReadonlyMap<number, Monitoring> = new Map();

const DOWN = atom("DOWN");
const PROCESS = atom("process");

/** A monitor's target as the signal has it. */
export function watched(target: MonitorTarget): Pid | string {
  return target instanceof Pid ? target : target.name;
}

/** `{'DOWN', Ref, process, Pid | {Name, Node}, Reason}` */
export function downMessage({ ref, target }: Monitoring, reason: unknown): Tuple {
  const object =
    target instanceof Pid ? target : tuple(atomTerm(target.name) as object, atomTerm(target.node) as object);
  return tuple(DOWN, ref, PROCESS, object, reason as object);
}
