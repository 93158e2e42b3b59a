import { setTimeout as sleep } from "node:timers/promises";
import {
  type Atom,
  atom,
  type Calls,
  Exit,
  type From,
  GenServer,
  isTuple,
  type Monitor,
  noReply,
  type Pid,
  type Ref,
  reply,
  stop,
  type Term,
  tuple,
} from "../../src/index.ts";

const ok = atom("ok");

/** What a {@link Puppet} does for whoever calls it. */
export interface PuppetApi {
  echo(value: Term): Term;
  /** Replies after so many milliseconds, while it serves others. */
  deferred(ms: number, value: Term): Term;
  /** Replies, and replies again. */
  reply_twice(value: Term): Term;
  /** Never replies, lives on. */
  silent(): Term;
  stop(reason: Term): Term;
  stop_with_reply(reason: Term, value: Term): Term;
  exit(reason: Term): Term;
  raise(text: string): Term;
  send(to: Pid | Ref, message: Term): Atom<"ok">;
  /** Spawns a process on a node that ends by itself. */
  spawn_remote(node: Atom): Pid;
  trap(on: boolean): Atom<"ok">;
  link(pid: Pid): Atom<"ok">;
  unlink(pid: Pid): Atom<"ok">;
  monitor(target: Pid): Ref;
  demonitor(): Atom<"ok">;
  /** What it was sent and cast, oldest first. */
  seen(): Term[];
}

/** The TypeScript side's counterpart of `Fixtures.Odd` and `Fixtures.Probe`: does to other processes what it is told. */
export class Puppet extends GenServer<PuppetApi> {
  readonly #seen: Term[] = [];
  readonly #monitors: Monitor[] = [];

  static readonly calls: Calls<Puppet, PuppetApi> = {
    echo: (value) => reply(value),
    deferred(ms, value) {
      const from = this.process.from as From;
      void sleep(ms).then(() => from.reply(value));
      return noReply();
    },
    reply_twice(value) {
      this.process.from?.reply(value);
      return reply(value);
    },
    silent: () => noReply(),
    stop: (reason) => stop(reason),
    stop_with_reply: (reason, value) => stop(reason, value),
    exit(reason) {
      throw new Exit(reason);
    },
    raise(text) {
      throw new TypeError(text);
    },
    send(to, message) {
      void this.process.send(to, message);
      return reply(ok);
    },
    async spawn_remote(node) {
      return reply((await this.process.spawnRemote(node.tag, "timer", "sleep", [5_000])).pid);
    },
    trap(on) {
      this.process.trapExit = on;
      return reply(ok);
    },
    link(pid) {
      this.process.link(pid);
      return reply(ok);
    },
    unlink(pid) {
      this.process.unlink(pid);
      return reply(ok);
    },
    monitor(target) {
      const monitor = this.process.monitor(target);
      this.#monitors.push(monitor);
      return reply(monitor.ref);
    },
    demonitor() {
      for (const monitor of this.#monitors.splice(0)) monitor.demonitor();
      return reply(ok);
    },
    seen() {
      return reply(this.#seen);
    },
  };

  override handleCast(request: Term) {
    if (isTuple(request) && request.tag === "exit") throw new Exit(request[1]);
    this.#seen.push(tuple(atom("cast"), request as object) as Term);
  }

  override handleInfo(message: Term) {
    this.#seen.push(message);
  }
}
