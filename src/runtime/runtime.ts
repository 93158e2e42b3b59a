import { type Clock, type Logger, NodeDownError, PeerLimitError } from "../base/index.ts";
import type { DownSignal, Signal, SpawnRequestSignal } from "../dist/index.ts";
import { type CopyOptions, EncodeError, inspect, type Pid, type Ref, type Structs } from "../term/index.ts";
import type { Behaviour } from "./behaviour.ts";
import { Copies } from "./copies.ts";
import { crashReport } from "./crash-report.ts";
import type { Environment } from "./environment.ts";
import { isOrderly, Reason } from "./exit-reason.ts";
import type { FunctionTable } from "./function-table.ts";
import type { Identity } from "./identity.ts";
import { type Monitoring, watched } from "./monitors.ts";
import { Names } from "./names.ts";
import { NodeWatchers } from "./node-watchers.ts";
import type { OtpRules } from "./otp-rules.ts";
import { type Origin, PeerQueues } from "./peer-queues.ts";
import { PeerTies, type Tie } from "./peer-ties.ts";
import { ProcessCore } from "./process-core.ts";
import { Queue } from "./queue.ts";
import { replyAlias } from "./reply-tag.ts";
import { samePid } from "./same.ts";
import { Scheduler } from "./scheduler.ts";
import { SpawnRequests } from "./spawn-requests.ts";
import { factsOf, silentTelemetry, type Telemetry } from "./telemetry.ts";
import { Watch, WatchTable } from "./watches.ts";

/** Told that something could not be sent, and why. */
export type Unsent = (error: Error) => void;

/** The way to other nodes, as the runtime sees it. */
export interface Remote {
  /**
   * Hands a signal to the link with a node; it is fixed when this returns. Without a link, `dial` says whether to make one
   * or to drop the signal. The promise, given only when the link is full, resolves once there is room again or the link is
   * gone; it never rejects. `unsent` hears of a signal that waited for a connection and then could not be sent on it.
   *
   * @throws EncodeError for what cannot be sent, BusyError when far too much is queued already.
   */
  transmit(node: string, signal: Signal, dial: boolean, unsent?: Unsent): Promise<void> | undefined;
  /** A peer went over a limit: it is to lose its connection. */
  overLimit(error: PeerLimitError): void;
  /** Why there is no connection to a node, where that is known. */
  downCause(node: string): { readonly reason: string; readonly error: Error | undefined } | undefined;
}

/** Who gets the messages sent to an alias. */
export interface AliasTarget {
  readonly core: ProcessCore;
  deliver(message: unknown, origin: Origin): void;
}

export interface RuntimeOptions {
  readonly identity: Identity;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly remote: Remote;
  /** The functions that terms of others may name. */
  readonly functions: FunctionTable;
  /** What other nodes may ask of OTP processes. Default: everything. */
  readonly otp?: OtpRules;
  /** Bytes that one peer may have waiting in mailboxes. */
  readonly maxQueuedBytesPerPeer: number;
  /** Monitors and links that one peer may have made. */
  readonly maxTiesPerPeer: number;
  /** How local messages are copied; `"share"` hands them over as they are. */
  readonly localMessages: CopyOptions | "share";
  /** Classes whose instances are structs. */
  readonly structs?: Structs | undefined;
  /** Where to tell what happens. Default: nowhere. */
  readonly telemetry?: Telemetry;
}

/** A signal that is to take effect, and where it came from. */
interface Arrival extends Origin {
  readonly signal: Signal;
}

/**
 * All processes of one node, and the signals between them and to others.
 *
 * Signals take effect in the order in which they were given, one after the other: what a signal causes (the end of a
 * process, and then of those linked to it) is queued behind it, however long the chain.
 */
export class Runtime {
  readonly identity: Identity;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly scheduler: Scheduler;
  readonly functions: FunctionTable;
  readonly otpRules: OtpRules;
  readonly telemetry: Telemetry;
  readonly copies: Copies;
  readonly names = new Names();
  readonly spawns = new SpawnRequests(this);
  readonly nodeWatchers = new NodeWatchers();
  readonly peerQueues: PeerQueues;
  readonly peerTies: PeerTies;
  /** What all processes of the node find by name, unless something nearer has it too. */
  readonly environment: Environment = new Map();
  /**
   * What other nodes asked for and did not get: functions that are not exposed, requests of `sys` and supervisors that are not
   * granted, signals against their rules, names that nobody has, the end of what cannot be ended.
   */
  refused = 0;
  /** The group leader of processes that are given none: who prints for them. Without one, each is its own. */
  groupLeader: Pid | undefined;
  /** Starts a process that a node, this one included, has asked for. */
  spawnRequested: ((signal: SpawnRequestSignal, origin: Origin) => void) | undefined;
  readonly #remote: Remote;
  readonly #processes = new Map<number, ProcessCore>();
  readonly #aliases = new Map<number, AliasTarget>();
  readonly #watches = new WatchTable();
  /** Per other node, the processes that have or had to do with it: those to tell when it goes down. */
  readonly #ties = new Map<string, Set<ProcessCore>>();
  readonly #arrivals = new Queue<Arrival>();
  #handling = false;

  constructor(options: RuntimeOptions) {
    this.identity = options.identity;
    this.clock = options.clock;
    this.logger = options.logger;
    this.functions = options.functions;
    this.otpRules = options.otp ?? {};
    this.telemetry = options.telemetry ?? silentTelemetry;
    const { remote, maxQueuedBytesPerPeer, maxTiesPerPeer } = options;
    this.peerQueues = new PeerQueues(maxQueuedBytesPerPeer, (node, bytes) =>
      remote.overLimit(new PeerLimitError("PEER_QUEUE_LIMIT", node, `${bytes} bytes of it wait in mailboxes`)),
    );
    this.peerTies = new PeerTies(maxTiesPerPeer, (node, held) =>
      remote.overLimit(new PeerLimitError("PEER_TIE_LIMIT", node, `it holds ${held} monitors and links`)),
    );
    this.scheduler = new Scheduler(options.clock);
    this.#remote = remote;
    this.copies = new Copies(options.localMessages, options.structs);
  }

  /** Starts a process. Its behaviour is made knowing its process. */
  spawn(behaviour: (core: ProcessCore) => Behaviour, options: { groupLeader?: Pid } = {}): ProcessCore {
    const pid = this.identity.newPid();
    const core: ProcessCore = new ProcessCore(this, pid, behaviour, options.groupLeader ?? this.groupLeader);
    this.#processes.set(this.identity.pidIndex(pid), core);
    const { processStart } = this.telemetry;
    if (processStart.hasSubscribers) processStart.publish(factsOf(core));
    return core;
  }

  /** The living process of a pid of ours. */
  find(pid: Pid): ProcessCore | undefined {
    return this.#processes.get(this.identity.pidIndex(pid));
  }

  /** All living processes. */
  processes(): IterableIterator<ProcessCore> {
    return this.#processes.values();
  }

  /** What is left here, for tests and for people: everything is zero once all processes have ended. */
  counts(): { processes: number; names: number; aliases: number; watches: number; ties: number } {
    return {
      processes: this.#processes.size,
      names: this.names.list().length,
      aliases: this.#aliases.size,
      watches: this.#watches.size,
      ties: this.#ties.size,
    };
  }

  /** Gives a signal to its receiver, on this node or another. `dial` and `unsent` as for {@link Remote.transmit}. */
  route(node: string, signal: Signal, dial: boolean, unsent?: Unsent): Promise<void> | undefined {
    if (node !== this.identity.node) return this.#remote.transmit(node, signal, dial, unsent);
    this.accept(signal);
    return undefined;
  }

  /** Takes a signal for this node, from one of its processes or from the node `peer`, in so many bytes. */
  accept(signal: Signal, peer?: string, bytes = 0): void {
    const arrival = { signal, peer, bytes };
    if (this.#handling) return void this.#arrivals.put(arrival);
    this.#handling = true;
    try {
      this.#handle(arrival);
      while (this.#arrivals.size > 0) this.#handle(this.#arrivals.take());
    } finally {
      this.#arrivals.clear();
      this.#handling = false;
    }
  }

  /** Messages to this reference of ours go to `target` from now on. */
  addAlias(ref: Ref, target: AliasTarget): void {
    const index = this.identity.refIndex(ref);
    this.#aliases.set(index, target);
    target.core.aliases ??= new Set();
    target.core.aliases.add(index);
  }

  /** The reference is no address any more; messages to it are dropped. */
  removeAlias(ref: Ref): void {
    const index = this.identity.refIndex(ref);
    this.#aliases.get(index)?.core.aliases?.delete(index);
    this.#aliases.delete(index);
  }

  /** A process of a node, which may be this one, has made a monitor or link with a process here. */
  tiedBy(node: string, core: ProcessCore, made: Tie | undefined): void {
    this.tie(core, node);
    if (made !== undefined && node !== this.identity.node) this.peerTies.add(node, made);
  }

  /** Remembers that a process has a link or monitor with a node, so that it is told when the node goes down. */
  tie(core: ProcessCore, node: string): void {
    if (node === this.identity.node) return;
    const tied = this.#ties.get(node) ?? new Set();
    this.#ties.set(node, tied.add(core));
    core.ties ??= new Set();
    core.ties.add(node);
  }

  /** The error for those who wait for something from a node that is gone; its `cause` says what happened. */
  nodeDownError(node: string): NodeDownError {
    const cause = this.#remote.downCause(node);
    return new NodeDownError(node, cause?.reason ?? "noconnection", cause?.error && { cause: cause.error });
  }

  /** The connection to a node is gone, or could not be made: every link and monitor across it ends, once. */
  nodeDown(node: string): void {
    this.peerQueues.forget(node);
    this.peerTies.forget(node);
    this.spawns.nodeDown(node);
    const tied = this.#ties.get(node);
    if (tied === undefined) return;
    this.#ties.delete(node);
    // First what is lost, then who is told: one that is told may link and monitor anew, which is not lost.
    const lost = [...tied].map((core) => {
      core.ties?.delete(node);
      for (const watch of core.watches) if (watch.watcher.node === node) this.#unwatch(watch);
      const monitors = [...core.monitors].filter(([, { target }]) => target.node === node).map(([index]) => index);
      return { core, links: core.links.takeNode(node), monitors };
    });
    for (const { core, links, monitors } of lost) {
      for (const peer of links) core.receiveExit(peer, Reason.noconnection, "link");
      for (const index of monitors) core.receiveDown(index, Reason.noconnection);
    }
  }

  /** A process has ended: tells all that have to do with it, and forgets it. Called by the process itself. */
  bury(core: ProcessCore, reason: unknown, held: ReadonlyMap<number, Monitoring>): void {
    const { processExit } = this.telemetry;
    if (processExit.hasSubscribers) processExit.publish({ ...factsOf(core), reason });
    this.names.release(core);
    this.#processes.delete(this.identity.pidIndex(core.pid));
    this.spawns.abandoned(core);
    this.nodeWatchers.remove(core);
    for (const index of core.aliases ?? []) this.#aliases.delete(index);
    for (const node of core.ties ?? []) {
      const tied = this.#ties.get(node);
      tied?.delete(core);
      if (tied?.size === 0) this.#ties.delete(node);
    }
    for (const to of core.links.takeAll()) this.notify(to.node, { op: "linkExit", from: core.pid, to, reason });
    for (const watch of core.watches) {
      this.#unwatch(watch);
      const { watcher: to, ref, target } = watch;
      this.notify(to.node, { op: "down", from: target, to, ref, reason });
    }
    for (const monitoring of held.values()) {
      const { ref, target } = monitoring;
      this.notify(target.node, { op: "demonitor", from: core.pid, to: watched(target), ref });
      monitoring.onAbandoned?.(reason);
    }
  }

  /** A process fails: the log and the channel for it get to know, unless the reason is an orderly one. */
  reportCrash(core: ProcessCore, reason: unknown, thrown: unknown): void {
    if (isOrderly(reason) || thrown instanceof NodeDownError) return;
    const facts = factsOf(core);
    const error = thrown instanceof Error ? thrown : undefined;
    const more = core.behaviour.crashFacts?.() ?? {};
    this.logger.error(...crashReport(facts, reason, error, more));
    const { processCrash } = this.telemetry;
    if (processCrash.hasSubscribers) processCrash.publish({ lastMessage: undefined, ...more, ...facts, reason, error });
  }

  /** Sends what is owed to others, never dialling. A reason that this peer cannot be sent goes as its text instead. */
  notify(node: string, signal: Signal): void {
    try {
      void this.route(node, signal, false);
    } catch (error) {
      if (error instanceof EncodeError && "reason" in signal) {
        return this.notify(node, { ...signal, reason: inspect(signal.reason) });
      }
      this.logger.warn(`could not send ${signal.op} to ${node}: ${error}`);
    }
  }

  #handle(arrival: Arrival): void {
    const { signal, peer } = arrival;
    switch (signal.op) {
      case "send":
        return this.#deliver(this.find(signal.to), signal.message, arrival);
      case "sendName": {
        const core = this.names.find(signal.to);
        if (core === undefined && peer !== undefined) this.refused++;
        return this.#deliver(core, signal.message, arrival);
      }
      case "sendAlias":
        return this.#aliases.get(this.identity.refIndex(signal.to))?.deliver(signal.message, arrival);
      case "link":
        return this.#link(signal.from, signal.to);
      case "unlink":
        this.find(signal.to)?.links.onUnlink(signal.from);
        return this.notify(signal.from.node, { op: "unlinkAck", from: signal.to, to: signal.from, id: signal.id });
      case "unlinkAck":
        return this.find(signal.to)?.links.onUnlinkAck(signal.from, signal.id);
      case "linkExit": {
        const core = this.find(signal.to);
        if (core?.links.onExit(signal.from)) core.receiveExit(signal.from, this.#reason(signal, peer), "link", arrival);
        return;
      }
      case "exitAlias": {
        const alias = this.#aliases.get(this.identity.refIndex(signal.to));
        return alias?.core.receiveExit(signal.from, this.#reason(signal, peer), "sent", arrival);
      }
      case "spawnRequest":
        return this.spawnRequested?.(signal, arrival);
      case "spawnReply":
        return this.spawns.answered(signal, peer);
      case "exit":
        return this.find(signal.to)?.receiveExit(signal.from, this.#reason(signal, peer), "sent", arrival);
      case "monitor":
        return this.#watch(signal.from, signal.to, signal.ref);
      case "demonitor": {
        const watch = this.#watches.find(signal.ref);
        return watch !== undefined && samePid(watch.watcher, signal.from) ? this.#unwatch(watch) : undefined;
      }
      case "down":
        return this.#down(signal, arrival);
      case "groupLeader": {
        const core = this.find(signal.to);
        if (core?.behaviour.immortal && peer !== undefined) this.refused++;
        else if (core !== undefined) core.groupLeader = signal.from;
        return;
      }
    }
  }

  /** A reply that was sent to the caller's pid rather than to its alias finds its call all the same, or nothing at all. */
  #deliver(core: ProcessCore | undefined, message: unknown, origin: Origin): void {
    if (core === undefined) return;
    const alias = replyAlias(message);
    const index = alias === undefined ? -1 : this.identity.refIndex(alias);
    if (index === -1) core.deliver(message, origin);
    else this.#aliases.get(index)?.deliver(message, origin);
  }

  #link(from: Pid, to: Pid): void {
    const core = this.find(to);
    if (core === undefined) {
      return this.notify(from.node, { op: "linkExit", from: to, to: from, reason: Reason.noproc });
    }
    this.tiedBy(from.node, core, core.links.onLink(from));
  }

  #watch(watcher: Pid, target: Pid | string, ref: Ref): void {
    const core = typeof target === "string" ? this.names.find(target) : this.find(target);
    if (core === undefined) {
      if (typeof target === "string" && watcher.node !== this.identity.node) this.refused++;
      return this.notify(watcher.node, { op: "down", from: target, to: watcher, ref, reason: Reason.noproc });
    }
    const before = this.#watches.find(ref);
    if (before !== undefined) this.#unwatch(before);
    const watch = new Watch(core, watcher, ref, target);
    this.#watches.add(watch);
    core.watches.add(watch);
    this.tiedBy(watcher.node, core, watch);
  }

  /** Nobody but the node of a process knows of its end. */
  #down(signal: DownSignal, origin: Origin): void {
    const { to, ref } = signal;
    const core = this.find(to);
    const index = this.identity.refIndex(ref);
    const target = core?.monitors.get(index)?.target;
    if (target?.node === (origin.peer ?? target?.node))
      core?.receiveDown(index, this.#reason(signal, origin.peer), origin);
  }

  /** The reason of a signal as its receiver here is to see it. What comes from a peer is only for it. */
  #reason({ reason }: { readonly reason: unknown }, peer: string | undefined): unknown {
    return peer === undefined ? this.copies.localReason(reason) : reason;
  }

  #unwatch(watch: Watch): void {
    watch.countedBy?.release();
    this.#watches.remove(watch);
    watch.core.watches.remove(watch);
  }
}
