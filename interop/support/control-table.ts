import type { Overheard } from "./control-tap.ts";

/** A suite that sees it on the wire, and the releases on which it does. */
interface Seen {
  /** `node`: with a node of ours (`control-messages`). `bare`: with a bare connection (`control-messages-forms`). */
  readonly by: "node" | "bare";
  readonly since?: number;
  readonly until?: number;
}

/** A control message of erl_dist_protocol, and where it is seen live each way; or why it cannot be. */
interface ControlMessage {
  /** As `ControlTap` gives it. */
  readonly kind: string;
  readonly name: string;
  readonly fromBeam: Seen | string;
  readonly toBeam: Seen | string;
}

const node: Seen = { by: "node" };
const bare: Seen = { by: "bare" };
const from28 = (by: Seen["by"]): Seen => ({ by, since: 28 });

const NO_TOKEN = "exit/2 carries no token, on any release";
const ALIASES_ONLY = "a BEAM uses it for aliases only";

/** Every control message in both directions. In the messages with bits, those that a BEAM or we would set. */
export const CONTROL_TABLE: readonly ControlMessage[] = [
  { kind: "1", name: "LINK", fromBeam: node, toBeam: node },
  { kind: "2", name: "SEND", fromBeam: bare, toBeam: bare },
  { kind: "3", name: "EXIT", fromBeam: bare, toBeam: bare },
  { kind: "4", name: "UNLINK", fromBeam: { by: "bare", until: 25 }, toBeam: bare },
  { kind: "5", name: "NODE_LINK", fromBeam: "gone for longer than OTP 23", toBeam: bare },
  { kind: "6", name: "REG_SEND", fromBeam: node, toBeam: node },
  { kind: "7", name: "GROUP_LEADER", fromBeam: node, toBeam: node },
  { kind: "8", name: "EXIT2", fromBeam: bare, toBeam: bare },
  { kind: "12", name: "SEND_TT", fromBeam: bare, toBeam: bare },
  { kind: "13", name: "EXIT_TT", fromBeam: bare, toBeam: bare },
  { kind: "16", name: "REG_SEND_TT", fromBeam: node, toBeam: bare },
  { kind: "18", name: "EXIT2_TT", fromBeam: NO_TOKEN, toBeam: bare },
  { kind: "19", name: "MONITOR_P", fromBeam: node, toBeam: node },
  { kind: "20", name: "DEMONITOR_P", fromBeam: node, toBeam: node },
  { kind: "21", name: "MONITOR_P_EXIT", fromBeam: bare, toBeam: bare },
  { kind: "22", name: "SEND_SENDER", fromBeam: node, toBeam: node },
  { kind: "23", name: "SEND_SENDER_TT", fromBeam: node, toBeam: bare },
  { kind: "24", name: "PAYLOAD_EXIT", fromBeam: node, toBeam: node },
  { kind: "25", name: "PAYLOAD_EXIT_TT", fromBeam: node, toBeam: bare },
  { kind: "26", name: "PAYLOAD_EXIT2", fromBeam: node, toBeam: node },
  { kind: "27", name: "PAYLOAD_EXIT2_TT", fromBeam: NO_TOKEN, toBeam: bare },
  { kind: "28", name: "PAYLOAD_MONITOR_P_EXIT", fromBeam: node, toBeam: node },
  { kind: "29", name: "SPAWN_REQUEST", fromBeam: node, toBeam: node },
  { kind: "30", name: "SPAWN_REQUEST_TT", fromBeam: node, toBeam: bare },
  { kind: "31", name: "SPAWN_REPLY", fromBeam: node, toBeam: node },
  { kind: "32", name: "SPAWN_REPLY_TT", fromBeam: bare, toBeam: bare },
  { kind: "33", name: "ALIAS_SEND", fromBeam: { by: "bare", since: 24 }, toBeam: { by: "node", until: 27 } },
  { kind: "34", name: "ALIAS_SEND_TT", fromBeam: { by: "bare", since: 24 }, toBeam: { by: "bare", since: 24 } },
  { kind: "35", name: "UNLINK_ID", fromBeam: node, toBeam: node },
  { kind: "36", name: "UNLINK_ID_ACK", fromBeam: node, toBeam: node },
  { kind: "37/0", name: "ALTACT_SIG_SEND to a pid", fromBeam: ALIASES_ONLY, toBeam: from28("bare") },
  { kind: "37/2", name: "with a token", fromBeam: ALIASES_ONLY, toBeam: from28("bare") },
  { kind: "37/4", name: "to an alias", fromBeam: from28("node"), toBeam: from28("node") },
  { kind: "37/5", name: "to an alias, with priority", fromBeam: from28("node"), toBeam: from28("node") },
  { kind: "37/6", name: "to an alias, with a token", fromBeam: from28("node"), toBeam: from28("bare") },
  { kind: "37/8", name: "to a name", fromBeam: ALIASES_ONLY, toBeam: from28("bare") },
  { kind: "37/16", name: "an exit to a pid", fromBeam: ALIASES_ONLY, toBeam: from28("bare") },
  { kind: "37/21", name: "an exit to an alias, with priority", fromBeam: from28("node"), toBeam: from28("node") },
];

/** What a suite should have overheard and has not. */
export function notOverheard({ sent, received }: Overheard, by: Seen["by"], otp: number): string[] {
  const due = (seen: Seen | string) =>
    typeof seen === "object" && seen.by === by && otp >= (seen.since ?? 0) && otp <= (seen.until ?? otp);
  return CONTROL_TABLE.flatMap(({ kind, name, fromBeam, toBeam }) => [
    ...(due(fromBeam) && !received.includes(kind) ? [`${kind} ${name} from the BEAM`] : []),
    ...(due(toBeam) && !sent.includes(kind) ? [`${kind} ${name} to the BEAM`] : []),
  ]);
}
