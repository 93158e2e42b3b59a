import { ArgumentError, type Timer } from "../base/index.ts";
import { inspect, Pid, Ref, type Term, type Tuple } from "../term/index.ts";
import { type Address, type Destination, nameText, type ProcessName, resolve } from "./destination.ts";
import { findInEnvironment, keepIn } from "./environment.ts";
import { sendReply } from "./from.ts";
import { type CallOptions, call, cast } from "./gen.ts";
import type { MonitorTarget } from "./monitors.ts";
import { abcast, type MultiCallResult, multiCall } from "./multi-call.ts";
import type { NodeEvent } from "./node-watchers.ts";
import type { ProcessCore } from "./process-core.ts";
import { type AnyApi, Server } from "./server.ts";
import type { SpawnedRemotely } from "./spawn-requests.ts";

/** The end of what was monitored. */
export interface Down {
  readonly ref: Ref;
  readonly target: MonitorTarget;
  /** An exit reason, `noproc` when there was no such process, `noconnection` when its node was lost. */
  readonly reason: Term;
}

/** A monitor that is held. */
export interface Monitor {
  readonly ref: Ref;
  readonly target: MonitorTarget;
  /** Ends the monitor; nothing is heard of it afterwards. False when it had fired. */
  demonitor(): boolean;
}

/** The process behind what its code sees of it: for behaviours, which do more with it than that code may. */
export let coreOf: (process: Process) => ProcessCore;

/**
 * A process as its own code sees it: inside callbacks `this.process`, and `Node` for a process of the host's own.
 * Once the process has ended, nothing that is done here has an effect any more.
 */
export class Process {
  readonly #core: ProcessCore;

  static {
    coreOf = (process) => process.#core;
  }

  constructor(core: ProcessCore) {
    this.#core = core;
  }

  get pid(): Pid {
    return this.#core.pid;
  }

  /** Aborted when the process ends, with the exit reason. For whatever async work it has under way. */
  get signal(): AbortSignal {
    return this.#core.abortSignal;
  }

  /** True: exit signals arrive as messages `{'EXIT', Pid, Reason}` instead of ending the process. Default false. */
  get trapExit(): boolean {
    return this.#core.trapExit;
  }

  set trapExit(value: boolean) {
    this.#core.trapExit = value;
  }

  /**
   * Sends a message, which is fixed when this returns. To a node without a link it connects first; to nobody it is lost.
   *
   * @returns nothing as a rule; a promise when the link is full, which settles once there is room. Await it in loops. For bytes
   * that are lent (see `lend`) it settles once they have left.
   * @param options.priority - to an alias only: ahead of what waits there, if it was made for that, as from OTP 28 on.
   * @throws EncodeError; BusyError `BUSY` when it is not awaited for too long; ArgumentError for a wrong destination.
   */
  send(to: Destination, message: unknown, options?: { readonly priority?: boolean }): Promise<void> | undefined {
    const address = resolve(to, this.#core.runtime.identity.node);
    if (address === undefined) return undefined;
    if (!options?.priority) return this.#core.send(address, message, true);
    if (address instanceof Ref) return this.#core.sendPriority(address, message);
    throw new ArgumentError("to", "only an alias takes priority messages");
  }

  /**
   * Makes an alias: a reference that others can send to as if it were this process, until {@link Process.unalias}.
   * Same as `alias/0`.
   */
  alias(): Ref {
    return this.#core.alias();
  }

  /** Ends an alias: messages to it are dropped from now on. */
  unalias(alias: Ref): void {
    this.#core.runtime.removeAlias(alias);
  }

  /** Makes `leader` the group leader of a process, here or on another node: what that one prints goes there. */
  setGroupLeader(pid: Pid, leader: Pid): void {
    this.#core.leadGroup(leader, pid);
  }

  /**
   * Sends a message after `ms` milliseconds, unless this process has ended or the timer was cancelled by then.
   * @throws EncodeError, ArgumentError at once. What cannot be sent when the time has come is lost, and logged.
   */
  sendAfter(ms: number, to: Destination, message: unknown): Timer {
    const fixed = this.#core.runtime.copies.fixed(message);
    return this.#core.startTimer(ms, () => {
      try {
        void this.send(to, fixed);
      } catch (error) {
        this.#core.runtime.logger.warn(`a delayed message of ${this.pid} could not be sent: ${error}`);
      }
    });
  }

  /**
   * Calls a server and waits for its reply. {@link Process.server} gives the same with types.
   *
   * @throws ExitError `EXIT_TIMEOUT`, `EXIT_NOPROC`, `EXIT_CALLING_SELF`, `EXIT_OTHER`; NodeDownError; EncodeError.
   * A late reply is dropped: the call uses an alias. Same as `gen_server:call/3`.
   */
  call<T = Term>(to: Destination, request: unknown, options?: CallOptions): Promise<T> {
    return call(this.#core, to, request, options) as Promise<T>;
  }

  /** Sends a request without an answer. Same as `gen_server:cast/2`; promise and errors as {@link Process.send}. */
  cast(to: Destination, request: unknown): Promise<void> | undefined {
    return cast(this.#core, to, request);
  }

  /**
   * Calls the server of that name on each of the nodes, all at once, and waits for every answer.
   *
   * @param options.timeoutMs - for all of it. Default 5000, where the BEAM has no limit.
   * @throws EncodeError; the signal's reason. What fails at a node makes it a bad one. Late replies are dropped.
   * Same as `gen_server:multi_call/4`.
   */
  multiCall<T = Term>(
    nodes: readonly ProcessName[],
    name: ProcessName,
    request: unknown,
    options?: CallOptions,
  ): Promise<MultiCallResult<T>> {
    return multiCall(this.#core, nodes, name, request, options) as Promise<MultiCallResult<T>>;
  }

  /**
   * Casts to the server of that name on each of the nodes. What cannot be sent to one of them goes to the others all the
   * same. Promise and errors as {@link Process.send}. Same as `gen_server:abcast/3`.
   */
  abcast(nodes: readonly ProcessName[], name: ProcessName, request: unknown): Promise<void> | undefined {
    return abcast(this.#core, nodes, name, request);
  }

  /**
   * Where a name leads at this moment: the pid of a process of this node, or of any that a registry knows; undefined when
   * there is none. A name on another node is known only there, and comes back as it is. Same as `GenServer.whereis/1`.
   */
  whereis(name: Destination): Address | undefined {
    const { identity, names } = this.#core.runtime;
    const address = resolve(name, identity.node);
    if (address === undefined || !("name" in address) || address.node !== identity.node) return address;
    return names.find(address.name)?.pid;
  }

  /** Answers a call whose `{Pid, Tag}` came as a term; a `From` answers itself. */
  reply(from: Tuple, value: unknown): void {
    const [pid, tag] = from;
    if (!(pid instanceof Pid)) throw new ArgumentError("from", `${inspect(from)} is no caller`);
    sendReply(this.#core, pid, tag, value);
  }

  /** A server to call and cast to, typed by its interface. */
  server<Api = AnyApi>(target: Destination): Server<Api> {
    return new Server<Api>(this.#core, target);
  }

  /**
   * Monitors a process, by pid or by name. Its end arrives as message `{'DOWN', Ref, process, Target, Reason}`, or, when
   * `onDown` is given, as a call of it in the message's place; once in any case.
   */
  monitor(to: Destination, onDown?: (down: Down) => void): Monitor {
    const target = resolve(to, this.#core.runtime.identity.node);
    if (target === undefined || !(target instanceof Pid || "name" in target)) {
      throw new ArgumentError("to", "only a pid or a name can be monitored");
    }
    const core = this.#core;
    const ref = core.monitor(
      target,
      onDown && ((reason) => core.enqueue(() => onDown({ ref, target, reason: reason as Term }))),
    );
    return { ref, target, demonitor: () => core.demonitor(ref) };
  }

  /**
   * Starts a process on another node that runs `module:name` with these arguments; dials when there is no link.
   *
   * @param options.link - link to it, set up with the spawn.
   * @param options.monitor - `true`: its end comes as a DOWN message with the `ref` of the result; a function is told of it.
   * @returns its pid, once the other node has answered. What it runs may not exist: then it ends with `{undef, ...}`.
   * @throws SpawnError `SPAWN_REFUSED`; NodeDownError; EncodeError. Same as `spawn_request/5`.
   */
  spawnRemote(
    node: string,
    module: ProcessName,
    name: ProcessName,
    args: readonly unknown[],
    options: { readonly link?: boolean; readonly monitor?: boolean | ((down: Down) => void) } = {},
  ): Promise<SpawnedRemotely> {
    const { link = false, monitor = false } = options;
    const core = this.#core;
    const told =
      typeof monitor === "function"
        ? (target: Pid, ref: Ref, reason: unknown) =>
            core.enqueue(() => monitor({ ref, target, reason: reason as Term }))
        : undefined;
    return core.runtime.spawns.send(core, node, {
      module: nameText(module),
      function: nameText(name),
      args,
      link,
      monitor: told ?? (monitor ? "message" : undefined),
    });
  }

  /**
   * Tells of every node that is connected or lost: `listener`, or without one this process by messages
   * `{nodeup, Node, Info}` and `{nodedown, Node, Info}`. Returns a function that ends it.
   * Same as `net_kernel:monitor_nodes(true, #{node_type => all, nodedown_reason => true})`.
   */
  monitorNodes(listener?: (event: NodeEvent) => void): () => void {
    return this.#core.runtime.nodeWatchers.add(this.#core, listener ?? "message");
  }

  /** Links to a process: if either ends abnormally, so does the other, or it gets a message if it traps exits. */
  link(pid: Pid): void {
    this.#core.link(checkPid(pid));
  }

  unlink(pid: Pid): void {
    this.#core.unlink(pid);
  }

  /**
   * Sends an exit signal, as `exit/2`: reason `kill` ends even a process that traps exits. To an alias as `exit/3`, which
   * nodes before OTP 28 do not know: nothing is sent to them.
   */
  exit(to: Pid | Ref, reason: unknown, options?: { readonly priority?: boolean }): void {
    if (!(to instanceof Ref)) checkPid(to);
    this.#core.sendExit(to, reason, options?.priority ?? false);
  }

  /**
   * Looks a value up by name: among those of this process, of those that started it, of its application, and of the node.
   * Undefined when none has it. See {@link Process.setEnv}.
   */
  env<T = unknown>(name: string): T | undefined {
    return findInEnvironment(this.#core, name) as T | undefined;
  }

  /** Keeps a value under a name, for this process and those it starts; on a node, for all its processes. `null` takes it away. */
  setEnv(name: string, value: unknown): void {
    this.#core.environment ??= new Map();
    keepIn(this.#core.environment, name, value);
  }

  /** Registers this process under a name. @throws ArgumentError when it is taken, or this process has one. */
  register(name: ProcessName): void {
    this.#core.runtime.names.register(nameText(name), this.#core);
  }
}

/** Names are for messages, calls and monitors. */
function checkPid(pid: Pid): Pid {
  if (pid instanceof Pid) return pid;
  throw new ArgumentError("pid", `${inspect(pid)} is no pid`);
}
