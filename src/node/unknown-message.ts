import type { ProcessCore } from "../runtime/index.ts";
import { isTuple } from "../term/index.ts";

/**
 * Counts what a process of the node's own was sent and does not know. Exit signals, which are messages to it, are not among
 * them: those of others were counted when they came.
 */
export function unknownMessage(core: ProcessCore, message: unknown): void {
  if (!isTuple(message) || message.tag !== "EXIT") core.runtime.refused++;
}
