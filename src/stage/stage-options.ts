import { Exit } from "../runtime/index.ts";
import { atom, inspect, tuple } from "../term/index.ts";
import type { ConsumerOptions, ProducerOptions } from "./callbacks.ts";

/** What a stage is, for the life of its process. */
export type StageRole = "producer" | "consumer" | "producer_consumer";

const OPTION_NAMES: Record<StageRole, readonly string[]> = {
  consumer: ["subscribeTo"],
  producer: ["dispatcher", "bufferSize", "bufferKeep", "demand"],
  producer_consumer: ["subscribeTo", "dispatcher", "bufferSize", "bufferKeep"],
};

/** Ends the start of a stage with `{bad_opts, Text}`, as GenStage does. */
export function checkStageOptions(options: ConsumerOptions & ProducerOptions, role: StageRole): void {
  const unknown = Object.keys(options).filter((name) => !OPTION_NAMES[role].includes(name));
  if (unknown.length > 0) throw badOptions(`unknown options ${inspect(unknown)}`);
  const { bufferSize = 0, bufferKeep = "last", demand = "forward", dispatcher } = options;
  if (!(bufferSize >= 0)) throw badOptions(`expected bufferSize to be equal to or greater than 0, got: ${bufferSize}`);
  if (bufferKeep !== "last" && bufferKeep !== "first") throw badOptions("expected bufferKeep to be last or first");
  if (dispatcher !== undefined && typeof dispatcher !== "function") {
    throw badOptions(`expected dispatcher to be what makes one, got: ${inspect(dispatcher)}`);
  }
  if (demand !== "forward" && demand !== "accumulate") throw badOptions("expected demand to be forward or accumulate");
}

function badOptions(text: string): Exit {
  return new Exit(tuple(atom("bad_opts"), text));
}
