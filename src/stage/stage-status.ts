import { atom, atomTerm } from "../term/index.ts";
import type { StageStats } from "./stats.ts";

/** What `sys:get_status` shows of a stage besides its state, as GenStage's `format_status` does. */
export function stageStatus(
  { role, producers, consumers, buffered }: StageStats,
  dispatcher: string | undefined,
): (readonly [name: string, value: unknown])[] {
  const stage = ["Stage", atom(role)] as const;
  const upstream = ["Producers", producers.map(({ producer }) => producer)] as const;
  if (role === "consumer") return [stage, upstream];
  return [
    stage,
    ["Dispatcher", atomTerm(dispatcher ?? "")],
    ...(role === "producer" ? [] : [upstream]),
    ["Consumers", consumers.map(({ consumer }) => consumer)],
    ["Buffer size", buffered],
  ];
}
