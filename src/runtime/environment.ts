import type { ProcessCore } from "./process-core.ts";

/** Values that processes find by name. */
export type Environment = Map<string, unknown>;

/**
 * Looks a name up: in the process, in the one that started it and those above that, in its group leader, which is its
 * application if it has one, and in the node.
 */
export function findInEnvironment(core: ProcessCore, name: string): unknown {
  const { runtime } = core;
  for (let at: ProcessCore | undefined = core; at !== undefined; at = parentOf(at)) {
    if (at.environment?.has(name)) return at.environment.get(name);
  }
  const leader = runtime.find(core.groupLeader)?.environment;
  return leader?.has(name) ? leader.get(name) : runtime.environment.get(name);
}

/** Keeps a value under a name; `null` takes the name away. */
export function keepIn(environment: Environment, name: string, value: unknown): void {
  if (value === null || value === undefined) environment.delete(name);
  else environment.set(name, value);
}

function parentOf({ runtime, behaviour: { parent } }: ProcessCore): ProcessCore | undefined {
  return parent?.node === runtime.identity.node ? runtime.find(parent) : undefined;
}
