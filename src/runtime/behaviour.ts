import type { Pid } from "../term/index.ts";

/** What runs in a process: it takes the messages, one at a time. */
export interface Behaviour {
  /**
   * Handles one message. A returned promise holds the mailbox until it settles; a throw or a rejection ends the process
   * with the reason of the error. Returns nothing, rather than a promise, whenever it can.
   */
  receive(message: unknown): void | Promise<void>;
  /** Asked for each message of another node when it arrives. True: it is dropped, and has been answered if need be. */
  refuses?(message: unknown, peer: string): boolean;
  /** The process has ended, in whatever way. Frees what the behaviour holds outside of it; must not throw. */
  ended?(reason: unknown): void;
  /** The process that started this one with a link, where it is known. */
  readonly parent?: Pid | undefined;
  /** What a crash report calls it, as `GenServer Cart`. */
  readonly label?: string;
  /**
   * True for what the node itself cannot do without: a failure is logged, and exit signals, even `kill`, are messages to it.
   */
  readonly immortal?: boolean;
  /** What else a crash report tells. */
  crashFacts?(): CrashFacts;
  /** What a list of processes shows in place of a name: module, function and arity that it began with. */
  readonly initialCall?: InitialCall;
}

/** What only the behaviour knows of its failure. */
export interface CrashFacts {
  /** The message that it had last begun to handle, as text. */
  readonly lastMessage?: string;
}

export type InitialCall = readonly [module: string, name: string, arity: number];
