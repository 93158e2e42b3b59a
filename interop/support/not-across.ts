/** Behaviours of GenStage that no suite tries between two nodes, with the reason. */
const NOT_ACROSS: readonly (readonly [why: string, numbers: readonly number[]])[] = [
  ["the start of a stage is an affair of its own node", [1, 2, 3, 4, 5, 6, 7, 8, 179, 180, 184, 185, 186, 187, 188]],
  ["names without a node are looked up on the consumer's own", [10, 11, 12]],
  ["state of a buffer or dispatcher that shows in no message", [62, 128, 137, 138, 141, 153, 165, 166, 167]],
  ["log lines stay with the stage that writes them", [53, 54]],
  ["different on purpose, see docs/differences.md", [46]],
  ["the mailbox of a stream of Elixir's, whoever feeds it", [172]],
  ["of from_enumerable, which is GenStage.from here and has other options", [181]],
  ["helpers and releases of Elixir modules", [189, 190]],
  ["errors and tries of starts, within a supervisor", [192, 195, 204]],
  ["compares releases of GenStage with each other", [242]],
];

/** Their numbers. */
export const notAcross = NOT_ACROSS.flatMap(([, numbers]) => numbers);
