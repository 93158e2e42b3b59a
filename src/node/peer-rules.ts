import { ArgumentError, type Clock } from "../base/index.ts";
import type { Admission, Signal } from "../dist/index.ts";
import { Reason } from "../runtime/index.ts";
import { atom } from "../term/index.ts";

/** What a peer does to processes of this node; answers to what this node did are not among them, and always allowed. */
export type PeerOperation = "send" | "link" | "monitor" | "exit" | "spawn" | "groupLeader";

/**
 * What a peer that knows the cookie may do here. Everything that is left out is allowed.
 *
 * What is refused is answered as for a process that does not exist, where the BEAM has an answer: `noproc` to monitors and
 * links, `notsup` to spawns. Messages and exits are dropped.
 */
export interface PeerRules {
  /** The registered names that it may send to and monitor; `net_kernel`, which answers pings, always is one. */
  readonly names?: readonly string[];
  /**
   * The operations that it may use. Messages to an alias, which this node handed out, are always taken. Exposed functions
   * are called by `"spawn"`, and by messages to the name `rex`, which `names` keeps away; who may reach `rex` has it pass
   * messages on to every name, as `rpc:sbcast` does.
   */
  readonly operations?: readonly PeerOperation[];
  /**
   * Longest message, exit reason or list of arguments in bytes, as it comes, without the names of its atoms. A longer one is
   * refused before it is decoded, and once so many bytes of it are here the rest is not kept. Of what the peer owes this
   * node, the end of a linked or monitored process still arrives, with the reason `reason_too_long`.
   */
  readonly maxMessageBytes?: number;
  /**
   * Signals in one second; above that its connection is closed with `rate_limit`, and the log says `PEER_RATE_LIMIT`.
   */
  readonly maxSignalsPerSecond?: number;
}

/**
 * Rules that say nothing, or something of another kind than meant, would let a peer do everything.
 *
 * @throws ArgumentError for what are none, as the promise of an `async` function.
 */
export function checkRules(rules: PeerRules): void {
  // A promise of rules may reject, which says no more.
  if (rules instanceof Promise) rules.catch(() => {});
  if (typeof rules !== "object" || rules === null || "then" in rules) {
    throw new ArgumentError("rules", "rules have to be an object, or undefined for none");
  }
  for (const [rule, value] of Object.entries(rules)) {
    if (value !== undefined && !KNOWN_RULES.get(rule)?.(value)) {
      throw new ArgumentError("rules", `${rule} is no rule, or cannot be what it is set to`);
    }
  }
}

const isBound = (value: unknown): boolean => typeof value === "number" && value >= 0;

const KNOWN_RULES = new Map<string, (value: unknown) => boolean>([
  ["names", (value) => Array.isArray(value) && value.every((name) => typeof name === "string")],
  ["operations", (value) => Array.isArray(value) && value.every((each) => Object.values(OPERATIONS).includes(each))],
  ["maxMessageBytes", isBound],
  ["maxSignalsPerSecond", isBound],
]);

/** What {@link PeerGuard} does about what it refuses. */
export interface GuardEffects {
  /** Sends an answer to the peer. */
  answer(signal: Signal): void;
  /** It is dropped, or answered as if there was nothing there. */
  refused(): void;
  /** Takes a signal in place of one that is too long. */
  instead(signal: Signal): void;
  /** The peer sends more than it may: so many signals since the last second began. */
  tooMany(signals: number): void;
}

const NOTSUP = atom("notsup");
const REASON_TOO_LONG = atom("reason_too_long");
const ALWAYS_REACHED = "net_kernel";

/** The operation that a signal is, undefined for those that are always allowed. */
const OPERATIONS: Partial<Record<Signal["op"], PeerOperation>> = {
  send: "send",
  sendName: "send",
  link: "link",
  monitor: "monitor",
  exit: "exit",
  exitAlias: "exit",
  spawnRequest: "spawn",
  groupLeader: "groupLeader",
};

/** Holds one connection to the rules of its peer. Sees every signal before its payload is decoded. */
export class PeerGuard implements Admission {
  readonly maxPayloadBytes: number;
  readonly #effects: GuardEffects;
  readonly #clock: Clock;
  readonly #names: ReadonlySet<string> | undefined;
  readonly #operations: ReadonlySet<PeerOperation> | undefined;
  readonly #perSecond: number;
  #second: number;
  #signals = 0;

  constructor(rules: PeerRules, clock: Clock, effects: GuardEffects) {
    this.#effects = effects;
    this.#clock = clock;
    this.#names = rules.names && new Set([...rules.names, ALWAYS_REACHED]);
    this.#operations = rules.operations && new Set(rules.operations);
    this.maxPayloadBytes = rules.maxMessageBytes ?? Number.POSITIVE_INFINITY;
    this.#perSecond = rules.maxSignalsPerSecond ?? Number.POSITIVE_INFINITY;
    this.#second = clock.now();
  }

  /** True when the signal is taken. When not, it has been answered. */
  admit(signal: Signal): boolean {
    if (!this.#inTime()) {
      this.#effects.tooMany(this.#signals);
      return false;
    }
    if (this.#allows(signal)) return true;
    this.#refuse(signal);
    return false;
  }

  tooLong(signal: Signal): void {
    if (signal.op === "linkExit" || signal.op === "down") this.#effects.instead({ ...signal, reason: REASON_TOO_LONG });
    else this.#refuse(signal);
  }

  #refuse(signal: Signal): void {
    this.#effects.refused();
    const answer = refusal(signal);
    if (answer !== undefined) this.#effects.answer(answer);
  }

  #allows(signal: Signal): boolean {
    const operation = OPERATIONS[signal.op];
    if (operation === undefined) return true;
    if (this.#names !== undefined && (signal.op === "sendName" || signal.op === "monitor")) {
      if (typeof signal.to === "string" && !this.#names.has(signal.to)) return false;
    }
    const reachesKernel = "to" in signal && signal.to === ALWAYS_REACHED;
    return this.#operations === undefined || reachesKernel || this.#operations.has(operation);
  }

  #inTime(): boolean {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return true;
    const now = this.#clock.now();
    if (now - this.#second >= 1000) {
      this.#second = now;
      this.#signals = 0;
    }
    return ++this.#signals <= this.#perSecond;
  }
}

/** The answer of a BEAM to a signal for what does not exist. */
function refusal(signal: Signal): Signal | undefined {
  switch (signal.op) {
    case "monitor":
      return { op: "down", from: signal.to, to: signal.from, ref: signal.ref, reason: Reason.noproc };
    case "link":
      return { op: "linkExit", from: signal.to, to: signal.from, reason: Reason.noproc };
    case "spawnRequest":
      return { op: "spawnReply", ref: signal.ref, to: signal.from, flags: 0, result: NOTSUP };
    default:
      return undefined;
  }
}
