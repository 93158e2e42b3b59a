import type { AtomTerm, Pid, Ref, Term } from "../term/index.ts";

/**
 * What goes from process to process, between nodes and inside one: the control messages of the distribution protocol
 * with their payload, freed from the form in which they travel (erl_dist_protocol, "Protocol Between Connected Nodes").
 *
 * One union serves both directions. In a signal that arrived, terms are decoded ones; in one that leaves, they are
 * whatever the encoder takes. `from` and `to` name processes of either side; who may name whom is checked by the
 * connection, who still lives by the runtime.
 */
export type Signal =
  | SendSignal
  | SendNameSignal
  | SendAliasSignal
  | LinkSignal
  | UnlinkSignal
  | UnlinkAckSignal
  | LinkExitSignal
  | ExitSignal
  | ExitAliasSignal
  | MonitorSignal
  | DemonitorSignal
  | DownSignal
  | GroupLeaderSignal
  | SpawnRequestSignal
  | SpawnReplySignal;

/** A message to a pid. `from` is for information only, and null from peers that do not tell it (C nodes). */
export interface SendSignal {
  readonly op: "send";
  readonly from: Pid | null;
  readonly to: Pid;
  readonly message: unknown;
}

/** A message to a registered name. */
export interface SendNameSignal {
  readonly op: "sendName";
  readonly from: Pid;
  readonly to: string;
  readonly message: unknown;
}

/** A message to an alias. With `priority` it overtakes those waiting, if the alias was made for that (OTP 28). */
export interface SendAliasSignal {
  readonly op: "sendAlias";
  readonly from: Pid;
  readonly to: Ref;
  readonly message: unknown;
  readonly priority: boolean;
}

/** `from` links itself to `to`. */
export interface LinkSignal {
  readonly op: "link";
  readonly from: Pid;
  readonly to: Pid;
}

/** `from` ends its link to `to`. `id` is echoed by the answer; 0 means the protocol of OTP 23.2, which has none. */
export interface UnlinkSignal {
  readonly op: "unlink";
  readonly from: Pid;
  readonly to: Pid;
  readonly id: number | bigint;
}

/** The answer to every {@link UnlinkSignal} whose id is not 0. */
export interface UnlinkAckSignal {
  readonly op: "unlinkAck";
  readonly from: Pid;
  readonly to: Pid;
  readonly id: number | bigint;
}

/** A link broke because `from` ended: counts only while the link is active, and `kill` is an ordinary reason here. */
export interface LinkExitSignal {
  readonly op: "linkExit";
  readonly from: Pid;
  readonly to: Pid;
  readonly reason: unknown;
}

/** `exit/2`: needs no link, and the reason `kill` cannot be trapped. */
export interface ExitSignal {
  readonly op: "exit";
  readonly from: Pid;
  readonly to: Pid;
  readonly reason: unknown;
}

/** `exit/3` to an alias (OTP 28). It has no form for peers without ALTACT_SIG. */
export interface ExitAliasSignal {
  readonly op: "exitAlias";
  readonly from: Pid;
  readonly to: Ref;
  readonly reason: unknown;
  readonly priority: boolean;
}

/** `from` monitors a pid or a registered name. `ref` belongs to the watcher's node and is the key of the monitor. */
export interface MonitorSignal {
  readonly op: "monitor";
  readonly from: Pid;
  readonly to: Pid | string;
  readonly ref: Ref;
}

/** `from` ends its monitor; `to` repeats what {@link MonitorSignal} said. */
export interface DemonitorSignal {
  readonly op: "demonitor";
  readonly from: Pid;
  readonly to: Pid | string;
  readonly ref: Ref;
}

/** The monitored process is no more, or never was. `from` repeats the monitor's `to`: a name stays a name. */
export interface DownSignal {
  readonly op: "down";
  readonly from: Pid | string;
  readonly to: Pid;
  readonly ref: Ref;
  readonly reason: unknown;
}

/** `from` becomes the group leader of `to`. */
export interface GroupLeaderSignal {
  readonly op: "groupLeader";
  readonly from: Pid;
  readonly to: Pid;
}

/** `from` asks for a process that runs `module:function` with `args`, a list of `arity` elements. */
export interface SpawnRequestSignal {
  readonly op: "spawnRequest";
  /** Names the request, and the monitor if one was asked for. */
  readonly ref: Ref;
  readonly from: Pid;
  readonly groupLeader: Pid;
  readonly module: string;
  readonly function: string;
  readonly arity: number;
  /** `link`, `monitor`, `{priority, P}` and the like, as they came. */
  readonly options: readonly Term[];
  readonly args: Term;
}

/** The answer to {@link SpawnRequestSignal}: the pid of the new process, or an atom that says why there is none. */
export interface SpawnReplySignal {
  readonly op: "spawnReply";
  readonly ref: Ref;
  readonly to: Pid;
  /** {@link SPAWN_LINKED} and {@link SPAWN_MONITORED}, 0 when the spawn failed. */
  readonly flags: number;
  readonly result: Pid | AtomTerm;
}

/** In `SpawnReplySignal.flags`: the link that was asked for is established. */
export const SPAWN_LINKED = 1;

/** In `SpawnReplySignal.flags`: the monitor that was asked for is established. */
export const SPAWN_MONITORED = 2;
