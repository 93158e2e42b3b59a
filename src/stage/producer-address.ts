import { type Destination, type MonitorTarget, type ProcessCore, resolve } from "../runtime/index.ts";
import { atomTerm, inspect, isTuple, Pid, Ref, tuple } from "../term/index.ts";
import type { Subscription } from "./subscription.ts";

/** Where a producer is: by pid, or by name when it is on another node; undefined when there is nobody of that name here. */
export function resolveProducer(core: ProcessCore, to: unknown): MonitorTarget | undefined {
  if (isTuple(to) && (to.tag === "global" || (to.tag === "via" && to.length === 3))) return undefined;
  const { runtime } = core;
  const address = addressOf(to, runtime.identity.node);
  if (address === undefined || address instanceof Pid || address.node !== runtime.identity.node) return address;
  return runtime.names.find(address.name)?.pid;
}

/** The producer as the stage's callbacks know it. */
export function peerTerm(producer: MonitorTarget): Subscription["peer"] {
  return producer instanceof Pid
    ? producer
    : (tuple(atomTerm(producer.name) as object, atomTerm(producer.node) as object) as unknown as Subscription["peer"]);
}

/** What was subscribed to, for a log line. */
export function describe(to: unknown): string {
  if (typeof to === "string") return to;
  try {
    return inspect(to);
  } catch {
    return inspect((to as { name: unknown }).name);
  }
}

function addressOf(to: unknown, node: string): MonitorTarget | undefined {
  try {
    const address = resolve(to as Destination, node);
    if (!(address instanceof Ref)) return address;
  } catch (error) {
    throw new Error(`expected :to to be a process, got: ${(error as Error).message}`);
  }
  throw new Error("expected :to to be a process, got: an alias");
}
