import { TiebeamError } from "../base/index.ts";
import { SPAWN_LINKED, SPAWN_MONITORED, type SpawnReplySignal } from "../dist/index.ts";
import { atom, atomText, Pid, type Ref, type Term } from "../term/index.ts";
import { Exit } from "./exit-reason.ts";
import type { ProcessCore } from "./process-core.ts";
import type { Runtime } from "./runtime.ts";

/** A function on another node, and what to set up with the process that runs it. */
export interface SpawnRequest {
  readonly module: string;
  readonly function: string;
  readonly args: readonly unknown[];
  readonly link: boolean;
  /** Monitors the process; told of its end, or, when it is `"message"`, a DOWN message comes. */
  readonly monitor: ((pid: Pid, ref: Ref, reason: unknown) => void) | "message" | undefined;
  /** Told that the process that asked has ended before the monitored one. */
  readonly onAbandoned?: (reason: unknown) => void;
}

/** A process that was spawned on another node. `ref` is that of the monitor, if one was asked for. */
export interface SpawnedRemotely {
  readonly pid: Pid;
  readonly ref: Ref;
}

/** The other node did not start the process. Code `SPAWN_REFUSED`; `reason` is its word for why: `notsup`, `badopt` and so on. */
export class SpawnError extends TiebeamError {
  readonly node: string;
  readonly reason: string;

  constructor(node: string, reason: string) {
    super("SPAWN_REFUSED", `${node} does not spawn the process: ${reason}`);
    this.node = node;
    this.reason = reason;
  }
}

interface Pending {
  readonly core: ProcessCore;
  readonly node: string;
  readonly ref: Ref;
  readonly request: SpawnRequest;
  resolve(spawned: SpawnedRemotely): void;
  reject(error: Error): void;
}

/**
 * The requester's side of SPAWN_REQUEST: what was asked for and not yet answered. Link and monitor hold from the moment the
 * answer is there, before anything else that the new process sends. Source: erl_dist_protocol, "SPAWN_REQUEST".
 */
export class SpawnRequests {
  readonly #runtime: Runtime;
  readonly #pending = new Map<number, Pending>();
  /** Those of each living process that has any. */
  readonly #ofProcess = new Map<ProcessCore, Set<Pending>>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Asks a node for a process; dials it when there is no link. */
  send(core: ProcessCore, node: string, request: SpawnRequest): Promise<SpawnedRemotely> {
    return new Promise((resolve, reject) => {
      if (!core.alive) throw new Exit(core.exitReason);
      const { identity } = this.#runtime;
      const ref = identity.newRef();
      const options = [...(request.link ? [atom("link")] : []), ...(request.monitor ? [atom("monitor")] : [])];
      this.#runtime.tie(core, node);
      const pending: Pending = { core, node, ref, request, resolve, reject };
      this.#add(pending);
      const unsent = (error: Error) => {
        this.#remove(pending);
        reject(error);
      };
      try {
        void this.#runtime.route(
          node,
          {
            op: "spawnRequest",
            ref,
            from: core.pid,
            groupLeader: core.groupLeader,
            module: request.module,
            function: request.function,
            arity: request.args.length,
            options,
            args: (node === identity.node ? this.#runtime.copies.local(request.args) : request.args) as Term[],
          },
          true,
          unsent,
        );
      } catch (error) {
        unsent(error as Error);
      }
    });
  }

  /** The answer to a request. One that comes for a process that has ended meanwhile gives up what it had asked for. */
  answered({ ref, flags, result }: SpawnReplySignal, peer: string | undefined): void {
    const pending = this.#take(ref, peer);
    if (pending === undefined) return;
    const { core, node, request } = pending;
    if (!(result instanceof Pid)) return pending.reject(new SpawnError(node, atomText(result) ?? "unknown"));
    if (!core.alive) return this.#giveUp(core, result, ref, flags);
    if (request.link) core.links.onLink(result);
    const { monitor } = request;
    if (monitor !== undefined) {
      const onDown = monitor === "message" ? undefined : (reason: unknown) => monitor(result, ref, reason);
      core.expectDown({ ref, target: result, onDown, onAbandoned: request.onAbandoned });
    }
    pending.resolve({ pid: result, ref });
  }

  /** The process that asked has ended. Its requests stay until they are answered: what they made has to be told. */
  abandoned(core: ProcessCore): void {
    const own = this.#ofProcess.get(core);
    if (own === undefined) return;
    this.#ofProcess.delete(core);
    for (const pending of own) pending.reject(new Exit(core.exitReason));
  }

  /** Requests that were not answered yet. */
  get size(): number {
    return this.#pending.size;
  }

  /** The connection to a node is gone: none of its answers will come. */
  nodeDown(node: string): void {
    for (const pending of this.#pending.values()) {
      if (pending.node !== node) continue;
      this.#remove(pending);
      pending.reject(this.#runtime.nodeDownError(node));
    }
  }

  /** What the answer of a node, this one without, is for. What was asked of another it cannot answer. */
  #take(ref: Ref, peer: string | undefined): Pending | undefined {
    const pending = this.#pending.get(this.#runtime.identity.refIndex(ref));
    if (pending === undefined || pending.node !== (peer ?? pending.node)) return undefined;
    this.#remove(pending);
    return pending;
  }

  #add(pending: Pending): void {
    const { core, ref } = pending;
    this.#pending.set(this.#runtime.identity.refIndex(ref), pending);
    const own = this.#ofProcess.get(core) ?? new Set();
    this.#ofProcess.set(core, own.add(pending));
  }

  #remove(pending: Pending): void {
    const { core, ref } = pending;
    this.#pending.delete(this.#runtime.identity.refIndex(ref));
    const own = this.#ofProcess.get(core);
    if (own?.delete(pending) && own.size === 0) this.#ofProcess.delete(core);
  }

  #giveUp({ pid: from, exitReason: reason }: ProcessCore, to: Pid, ref: Ref, flags: number): void {
    if (flags & SPAWN_MONITORED) this.#runtime.notify(to.node, { op: "demonitor", from, to, ref });
    if (flags & SPAWN_LINKED) this.#runtime.notify(to.node, { op: "linkExit", from, to, reason });
  }
}
