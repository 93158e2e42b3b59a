import type { Node } from "../../src/api/index.ts";
import { GenServer, noReply, reply, stop } from "../../src/otp/index.ts";
import type { From, Monitor, Process } from "../../src/runtime/index.ts";
import { type Atom, atom, isTuple, type Pid, type Ref, type Term, type Tuple, tuple } from "../../src/term/index.ts";
import type { Machine } from "./machine.ts";

/** A monitor that an actor holds or held. */
export interface MonitorRecord {
  readonly monitor: Monitor;
  /** The actor that was meant, undefined where it was monitored by name. */
  readonly target: Life | undefined;
  /** What came of it. */
  readonly downs: Term[];
  /** `demonitor` has returned true. */
  ended: boolean;
}

/** A call that an actor made. */
export interface CallRecord {
  readonly nonce: number;
  readonly to: string;
  /** How often it settled: in the end once. */
  settled: number;
  outcome: unknown;
}

/** A numbered message as its receiver finds it. */
export interface Numbered {
  /** The sender and the address it sent to. */
  readonly stream: string;
  /** The connection of the sender's node that it was sent over, counted from 1; 0 within a node. */
  readonly epoch: number;
  readonly n: number;
}

/** What an actor sent to one address. */
export interface Outgoing {
  n: number;
  /** The last epoch; see {@link Numbered}. */
  epoch: number;
  /** False when the connection was still being made. */
  wasUp: boolean;
}

/** What one actor did and saw, from its start to its end. */
export class Life {
  readonly machine: Machine;
  readonly node: Node;
  readonly trapExit: boolean;
  process!: Process;
  /** Why it ended; undefined while it lives. */
  reason: unknown;
  readonly monitors: MonitorRecord[] = [];
  readonly byRef = new Map<string, MonitorRecord>();
  readonly calls: CallRecord[] = [];
  readonly received: Numbered[] = [];
  readonly sent = new Map<string, Outgoing>();
  /** How many exit messages came, by pid. */
  readonly exits = new Map<string, number>();
  /** How often it linked to a process that it was not linked to, by pid. */
  readonly links = new Map<string, number>();
  /** Pids about which nothing can be said: also linked from there, unlinked by either, or sent exits by them. */
  readonly unclear = new Set<string>();
  /** Pids whose end, other than by the loss of their node, this one has been told of. */
  readonly buried = new Set<string>();
  /** What must never happen and did. */
  readonly wrong: string[] = [];

  constructor(machine: Machine, node: Node, trapExit: boolean) {
    this.machine = machine;
    this.node = node;
    this.trapExit = trapExit;
  }

  get pid(): Pid {
    return this.process.pid;
  }

  get alive(): boolean {
    return this.reason === undefined;
  }

  /** Takes a message that was numbered by {@link Life.number}. */
  take([, stream, epoch, n]: Tuple): void {
    const numbered = { stream: String(stream), epoch: Number(epoch), n: Number(n) };
    const sender = numbered.stream.split(" ")[0]!;
    if (this.buried.has(sender)) this.wrong.push(`a message of ${sender} came after its end`);
    this.received.push(numbered);
  }

  /** The next message to an address on a node. */
  number(address: string, node: string): Tuple {
    const outgoing = this.sent.get(address) ?? { n: 0, epoch: 0, wasUp: true };
    this.sent.set(address, outgoing);
    const { epoch, isUp } = this.machine.epoch(node);
    outgoing.n++;
    outgoing.epoch = epoch;
    outgoing.wasUp = isUp;
    return tuple(NUMBERED, `${this.pid.key} ${address}`, epoch, outgoing.n);
  }

  /** A monitor fired: a message, or a function told in its place. It comes behind what its target sent before. */
  down(ref: Ref, reason: Term): void {
    const record = this.byRef.get(ref.key);
    if (record === undefined) return void this.wrong.push(`a DOWN of an unknown monitor came: ${reason}`);
    record.downs.push(reason);
    if (record.ended) this.wrong.push("a monitor fired after demonitor had returned");
    if (record.target !== undefined && reason !== NOCONNECTION) this.buried.add(record.target.pid.key);
  }
}

const NUMBERED = atom("n");
const NOCONNECTION = atom("noconnection");

/** The processes of the simulation: they do as they are told, and write down what happens to them. */
export class Actor extends GenServer {
  #life!: Life;

  override init(life: Life) {
    this.#life = life;
    life.process = this.process;
    this.process.trapExit = life.trapExit;
    const { signal } = this.process;
    signal.addEventListener("abort", () => {
      life.reason = signal.reason;
    });
  }

  override handleCall(request: Term, from: From) {
    const [what, value, ms] = request as unknown as [Atom, Term, number];
    switch (what.tag) {
      case "echo":
        return reply(value);
      case "late":
        this.process.sendAfter(ms, this.process.pid, tuple(atom("answer"), from, value as object));
        return noReply();
      case "never":
        return noReply();
      default:
        return stop(atom("told_to"));
    }
  }

  override async handleCast(request: Term) {
    this.#life.take(request as unknown as Tuple);
    // Some hold their mailbox for a while.
    if (this.#life.trapExit) await Promise.resolve();
  }

  override handleInfo(message: Term) {
    if (!isTuple(message)) return;
    const parts = message as unknown as Tuple;
    switch (message.tag) {
      case "n":
        return this.#life.take(parts);
      case "DOWN":
        return this.#life.down(parts[1] as Ref, parts[4] as Term);
      case "EXIT": {
        const { key } = parts[1] as Pid;
        return void this.#life.exits.set(key, (this.#life.exits.get(key) ?? 0) + 1);
      }
      case "answer":
        return this.process.reply(parts[1] as Tuple, parts[2]);
    }
  }
}
