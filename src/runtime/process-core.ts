import { ArgumentError, type Timer } from "../base/index.ts";
import type { Signal } from "../dist/index.ts";
import { atom, Pid, Ref, tuple } from "../term/index.ts";
import type { Behaviour } from "./behaviour.ts";
import type { Address } from "./destination.ts";
import type { Environment } from "./environment.ts";
import { Reason, reasonOf } from "./exit-reason.ts";
import { Links } from "./links.ts";
import { downMessage, type Monitoring, type MonitorTarget, NO_MONITORS, watched } from "./monitors.ts";
import { type Origin, QueuedMessage } from "./peer-queues.ts";
import { Queue } from "./queue.ts";
import { requestAlias } from "./reply-tag.ts";
import type { Runtime, Unsent } from "./runtime.ts";
import { samePid } from "./same.ts";
import { factsOf, type ProcessReceive } from "./telemetry.ts";
import { Watches } from "./watches.ts";

const EXIT = atom("EXIT");

/**
 * One process: its mailbox, its state between messages, and what it has to do with others. Signals (links, exits,
 * monitors) act on it at once, whatever its code is doing; only messages wait.
 *
 * There may be a great many that do nothing, so what only some need is made with its first use.
 *
 * ```mermaid
 * stateDiagram-v2
 *   waiting --> running: message
 *   running --> waiting: callback returned
 *   running --> held: callback returned a promise
 *   held --> waiting: promise settled
 *   waiting --> dead: exit
 *   running --> dead: exit
 *   held --> dead: exit
 * ```
 */
export class ProcessCore {
  readonly runtime: Runtime;
  readonly pid: Pid;
  readonly behaviour: Behaviour;
  readonly links = new Links();
  /** Monitors that others hold on it. */
  readonly watches = new Watches();
  /** Indexes of the references that act as addresses of this process. */
  aliases: Set<number> | undefined;
  /** Other nodes that this process has or had links or monitors with. */
  ties: Set<string> | undefined;
  readonly #mailbox = new Queue<unknown>();
  #monitors: Map<number, Monitoring> | undefined;
  #timers: Set<Timer> | undefined;
  groupLeader: Pid;
  name: string | undefined;
  trapExit = false;
  /** What `setEnv` has kept here; made on first use. */
  environment: Environment | undefined;
  /** Messages that it has handled. */
  handled = 0;
  #alive = true;
  #exitReason: unknown;
  #held = false;
  #queued = false;
  #abort: AbortController | undefined;

  constructor(runtime: Runtime, pid: Pid, behaviour: (core: ProcessCore) => Behaviour, groupLeader: Pid | undefined) {
    this.runtime = runtime;
    this.pid = pid;
    this.groupLeader = groupLeader ?? pid;
    this.behaviour = behaviour(this);
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Why it ended; undefined while alive. */
  get exitReason(): unknown {
    return this.#exitReason;
  }

  /** Monitors held on others, by the index of their reference. */
  get monitors(): ReadonlyMap<number, Monitoring> {
    return this.#monitors ?? NO_MONITORS;
  }

  /** Messages that wait. */
  get queueLength(): number {
    return this.#mailbox.size;
  }

  /** True while a callback awaits something. */
  get held(): boolean {
    return this.#held;
  }

  /** The messages that wait, the oldest first, without taking them. */
  waiting(): unknown[] {
    return this.#mailbox
      .toArray()
      .filter((message) => !(message instanceof Work))
      .map((message) => (message instanceof QueuedMessage ? message.message : message));
  }

  /** True when a message would have to wait for others, or for a callback that awaits. */
  get busy(): boolean {
    return this.#held || this.#mailbox.size > 0;
  }

  /** Aborted, with the exit reason, when the process ends. Made on first use. */
  get abortSignal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (!this.#alive && !this.#abort.signal.aborted) this.#abort.abort(this.#exitReason);
    return this.#abort.signal;
  }

  /** Puts a message into the mailbox. One of another node that has to wait counts against that node. */
  deliver(message: unknown, origin?: Origin): void {
    if (!this.#alive) return;
    if (origin?.peer !== undefined && this.behaviour.refuses?.(message, origin.peer))
      return void this.runtime.refused++;
    const peer = this.busy ? origin?.peer : undefined;
    const waiting = peer === undefined ? message : this.runtime.peerQueues.add(message, peer, origin!.bytes);
    if (!this.#alive) return; // the node was lost, for it had too much waiting, and this process with it
    this.#mailbox.put(waiting);
    this.#wake();
  }

  /**
   * Runs `work` in place of the next message: an `init`, the end of a timer. Messages wait while its promise is pending;
   * its failure is the process's.
   */
  occupy(work: () => void | Promise<void>): void {
    if (!this.#alive) return;
    try {
      const pending = work();
      if (pending instanceof Promise) this.#hold(pending);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Runs `work` as the message that it stands for: behind those that came before, while no other callback runs. */
  enqueue(work: () => void | Promise<void>): void {
    this.deliver(new Work(work));
  }

  /** Handles up to `budget` messages; called by the scheduler. */
  run(budget: number): number {
    this.#queued = false;
    let taken = 0;
    while (taken < budget && this.#alive && !this.#held && this.#mailbox.size > 0) {
      taken++;
      const message = this.#take();
      try {
        const { processReceive } = this.runtime.telemetry;
        const pending = processReceive.hasSubscribers
          ? processReceive.runStores(received(this, message), () => this.#handle(message))
          : this.#handle(message);
        if (pending instanceof Promise) this.#hold(pending);
      } catch (error) {
        this.fail(error);
      }
    }
    this.handled += taken;
    this.#wake();
    return taken;
  }

  /** The process's own code failed: it ends with the reason of the error, and the log says so. */
  fail(error: unknown): void {
    if (!this.#alive) return;
    const reason = reasonOf(error);
    this.runtime.reportCrash(this, reason, error);
    if (!this.behaviour.immortal) this.exit(reason);
  }

  /** An exit signal arrived: from a broken link, or sent by `exit/2`. The table of the docs, "Exit signals". */
  receiveExit(from: Pid, reason: unknown, kind: "link" | "sent", origin?: Origin): void {
    const { immortal } = this.behaviour;
    if (immortal && kind === "sent" && origin?.peer !== undefined) this.runtime.refused++;
    if (kind === "sent" && reason === Reason.kill && !immortal) this.exit(Reason.killed);
    else if (this.trapExit || immortal) this.deliver(tuple(EXIT, from, reason as object), origin);
    else if (reason !== Reason.normal || (kind === "sent" && samePid(from, this.pid))) this.exit(reason);
  }

  /** A monitor of this process fired. */
  receiveDown(refIndex: number, reason: unknown, origin?: Origin): void {
    const monitoring = this.#monitors?.get(refIndex);
    if (monitoring === undefined) return;
    this.#monitors?.delete(refIndex);
    if (monitoring.onDown === undefined) this.deliver(downMessage(monitoring, reason), origin);
    else monitoring.onDown(reason);
  }

  /**
   * Sends a message. Nothing leaves a process that has ended.
   * Promise, errors, `dial` and `unsent` as {@link Remote.transmit}; a message within the node is never waited for.
   */
  send(to: Address, message: unknown, dial: boolean, unsent?: Unsent): Promise<void> | undefined {
    return this.#send(to, message, dial, false, unsent);
  }

  /** Sends to an alias ahead of what waits there, if it was made for that. Nodes before OTP 28 get an ordinary message. */
  sendPriority(to: Ref, message: unknown): Promise<void> | undefined {
    return this.#send(to, message, true, true);
  }

  #send(to: Address, message: unknown, dial: boolean, priority: boolean, unsent?: Unsent): Promise<void> | undefined {
    if (!this.#alive) return undefined;
    const local = to.node === this.runtime.identity.node;
    const sent = local ? this.runtime.copies.local(message) : message;
    return this.runtime.route(to.node, sendSignal(this.pid, to, sent, priority), dial, unsent);
  }

  /** Makes an address of this process: messages to it are its own until `removeAlias` of the runtime. */
  alias(): Ref {
    const ref = this.runtime.identity.newRef();
    if (this.#alive)
      this.runtime.addAlias(ref, {
        core: this,
        deliver: (message, origin) => this.deliver(message, origin),
      });
    return ref;
  }

  /**
   * Monitors a process; dials its node when there is no link. The reference is ours until the DOWN, which may come before
   * this returns, or `demonitor`.
   */
  monitor(
    target: MonitorTarget,
    onDown?: (reason: unknown) => void,
    onAbandoned?: (reason: unknown) => void,
    ref: Ref = this.runtime.identity.newRef(),
  ): Ref {
    this.hold({ ref, target, onDown, onAbandoned });
    return ref;
  }

  /** Sets a monitor up, as {@link monitor} does. */
  hold(monitoring: Monitoring): void {
    if (!this.#alive) return;
    const { ref, target } = monitoring;
    this.expectDown(monitoring);
    this.runtime.tie(this, target.node);
    try {
      this.#route(target.node, { op: "monitor", from: this.pid, to: watched(target), ref });
    } catch (error) {
      this.#monitors?.delete(this.runtime.identity.refIndex(ref)); // what cannot be asked for will not be answered
      throw error;
    }
  }

  /** Takes over a monitor that the target's node has set up already, with a spawn. */
  expectDown(monitoring: Monitoring): void {
    this.#monitors ??= new Map();
    this.#monitors.set(this.runtime.identity.refIndex(monitoring.ref), monitoring);
  }

  /** Ends a monitor. False when it had fired, or was none. */
  demonitor(ref: Ref): boolean {
    const index = this.runtime.identity.refIndex(ref);
    const monitoring = this.#monitors?.get(index);
    if (monitoring === undefined) return false;
    this.#monitors?.delete(index);
    const { target } = monitoring;
    this.#route(target.node, { op: "demonitor", from: this.pid, to: watched(target), ref }, false);
    return true;
  }

  /** Links to a process; dials its node when there is no link. */
  link(peer: Pid): void {
    if (!this.#alive || samePid(peer, this.pid) || !this.links.link(peer)) return;
    this.runtime.tie(this, peer.node);
    try {
      this.#route(peer.node, { op: "link", from: this.pid, to: peer });
    } catch (error) {
      this.links.onExit(peer);
      throw error;
    }
  }

  unlink(peer: Pid): void {
    const id = this.#alive ? this.links.unlink(peer) : undefined;
    if (id !== undefined) this.#route(peer.node, { op: "unlink", from: this.pid, to: peer, id }, false);
  }

  /** Sends an exit signal, as `exit/2` and, to an alias, `exit/3` do. */
  sendExit(to: Pid | Ref, reason: unknown, priority = false): void {
    if (!this.#alive) return;
    const signal = { from: this.pid, reason: this.runtime.copies.reason(reason) };
    if (to instanceof Pid) this.#route(to.node, { op: "exit", to, ...signal });
    else this.#route(to.node, { op: "exitAlias", to, priority, ...signal });
  }

  /** Makes `leader` the group leader of a process. */
  leadGroup(leader: Pid, of: Pid): void {
    if (this.#alive) this.#route(of.node, { op: "groupLeader", from: leader, to: of });
  }

  /** Runs `callback` in this process after `ms` milliseconds, unless it has ended by then. */
  startTimer(ms: number, callback: () => void): Timer {
    if (!(ms >= 0)) throw new ArgumentError("ms", `must be a number of milliseconds, got ${ms}`);
    if (!this.#alive) return { cancel() {} };
    const timer = this.runtime.clock.setTimer(ms, () => {
      this.#timers?.delete(timer);
      try {
        callback();
      } catch (error) {
        this.fail(error);
      }
    });
    this.#timers ??= new Set();
    this.#timers.add(timer);
    return { cancel: () => void (this.#timers?.delete(timer) && timer.cancel()) };
  }

  /** Ends the process: at once, without its code having a say. Does nothing when it has ended already. */
  exit(reason: unknown): void {
    if (!this.#alive) return;
    reason = this.runtime.copies.reason(reason);
    this.#alive = false;
    this.#exitReason = reason;
    while (this.#mailbox.size > 0) this.#take();
    this.#mailbox.clear();
    for (const timer of this.#timers ?? []) timer.cancel();
    this.#timers = undefined;
    const held = this.monitors;
    this.#monitors = undefined;
    this.runtime.bury(this, reason, held);
    this.#abort?.abort(reason);
    this.behaviour.ended?.(reason);
  }

  /** Links, monitors and exits are small, and not waited for. */
  #route(node: string, signal: Signal, dial = true): void {
    void this.runtime.route(node, signal, dial);
  }

  #handle(message: unknown): void | Promise<void> {
    return message instanceof Work ? message.run() : this.behaviour.receive(message);
  }

  #take(): unknown {
    const message = this.#mailbox.take();
    if (!(message instanceof QueuedMessage)) return message;
    message.release();
    return message.message;
  }

  #wake(): void {
    if (this.#queued || this.#held || !this.#alive || this.#mailbox.size === 0) return;
    this.#queued = true;
    this.runtime.scheduler.add(this);
  }

  #hold(pending: Promise<void>): void {
    this.#held = true;
    pending.then(
      () => {
        this.#held = false;
        this.#wake();
      },
      (error: unknown) => {
        this.#held = false;
        this.fail(error);
        this.#wake();
      },
    );
  }
}

/** What waits in a mailbox in place of a message. */
class Work {
  readonly run: () => void | Promise<void>;

  constructor(run: () => void | Promise<void>) {
    this.run = run;
  }
}

function received(core: ProcessCore, message: unknown): ProcessReceive {
  const shown = message instanceof Work ? undefined : message;
  return { ...factsOf(core), message: shown, call: requestAlias(shown) };
}

function sendSignal(from: Pid, to: Address, message: unknown, priority: boolean): Signal {
  if (to instanceof Pid) return { op: "send", from, to, message };
  if (to instanceof Ref) return { op: "sendAlias", from, to, message, priority };
  return { op: "sendName", from, to: to.name, message };
}
