import { afterAll, beforeAll, expect, test } from "vitest";
import { decode, encode } from "../../src/etf/index.ts";
import {
  type Atom,
  atom,
  Exit,
  GenServer,
  isTuple,
  type Monitor,
  type Node,
  type Pid,
  type Ref,
  type Term,
  tuple,
} from "../../src/index.ts";
import { SeededRandom } from "../../src/testing/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { nodeBeside } from "../support/our-node.ts";
import {
  ACTORS,
  type Act,
  type Actor,
  type Observed,
  randomSteps,
  type Side,
  type Step,
  sideOf,
  type Ties,
  traps,
  Worlds,
} from "../support/ties-model.ts";
import { until } from "../support/until.ts";

/** `TIEBEAM_SEEDS=1000` runs more sequences per release; `TIEBEAM_SEED=123` runs that one. */
const { TIEBEAM_SEED, TIEBEAM_SEEDS = "100" } = process.env;
const COUNT = TIEBEAM_SEED === undefined ? Number(TIEBEAM_SEEDS) : 1;
const FIRST_SEED = Number(TIEBEAM_SEED ?? Date.now() % 1_000_000_000);
const TIMEOUT_MS = 60_000 + COUNT * 600;

/** A process of ours that does as it is told. */
class Tied extends GenServer {
  static readonly made: Tied[] = [];
  readonly seen: Term[] = [];
  readonly #monitors = new Map<number, Monitor>();

  override init() {
    Tied.made.push(this);
  }

  override handleInfo(message: Term) {
    this.seen.push(message);
  }

  override handleCast(reason: Term) {
    throw new Exit(reason);
  }

  get pid(): Pid {
    return this.process.pid;
  }

  trap(on: boolean): void {
    this.process.trapExit = on;
  }

  /** Gives the reference of a new monitor. */
  act(act: Act, at: (actor: Actor) => Pid, named: (actor: Actor) => { name: Atom; node: string }): Ref | undefined {
    switch (act.do) {
      case "link":
        this.process.link(at(act.peer));
        return;
      case "unlink":
        this.process.unlink(at(act.peer));
        return;
      case "monitor": {
        const monitor = this.process.monitor(act.named ? named(act.peer) : at(act.peer));
        this.#monitors.set(act.id, monitor);
        return monitor.ref;
      }
      case "demonitor":
        this.#monitors.get(act.id)?.demonitor();
        return;
      case "send":
        void this.process.send(act.named ? named(act.peer) : at(act.peer), act.id);
        return;
      case "exit":
        this.process.exit(at(act.peer), atom(act.reason));
        return;
      default:
        throw new Error(`not one for a process: ${act.do}`);
    }
  }
}

/** One sequence: its processes on both sides, and the model of what they have to do with each other. */
class Sequence {
  readonly #beam: Beam;
  readonly #node: Node;
  readonly #worlds = new Worlds();
  readonly #tied = new Map<Actor, Tied>();
  readonly #pids = new Map<Actor, Pid>();
  readonly #actors = new Map<string, Actor>();
  /** What monitors are known by, by the keys of their references. */
  readonly #ids = new Map<string, number>();
  readonly #refs = new Map<number, Ref>();
  /** Who sent a message, by its number. */
  readonly #senders = new Map<number, Actor>();

  constructor(beam: Beam, node: Node) {
    this.#beam = beam;
    this.#node = node;
  }

  async start(): Promise<void> {
    const theirs = ACTORS.filter((actor) => sideOf(actor) === "beam");
    const pids = await this.#onBeam<Pid[]>(
      "start",
      theirs.map((actor) => tuple(nameOf(actor), traps(actor))),
    );
    for (const [index, actor] of theirs.entries()) this.#know(actor, pids[index]!);
    for (const actor of ACTORS.filter((actor) => sideOf(actor) === "ts")) {
      const { pid } = await this.#node.start(Tied, { name: nameOf(actor).tag });
      const tied = Tied.made.pop()!;
      tied.trap(traps(actor));
      this.#tied.set(actor, tied);
      this.#know(actor, pid);
    }
  }

  /** Does what a step says, and waits until both sides are at rest in one of the states that it can lead to. */
  async step(step: Step): Promise<void> {
    const cut = [...step.ts, ...step.beam].some((act) => act.do === "disconnect");
    if (cut) await this.#decided();
    if (step.beam.some((act) => act.do === "die" || act.do === "demonitor")) await this.#connected();
    this.#worlds.step(step);
    for (const act of [...step.ts, ...step.beam]) if (act.do === "send") this.#senders.set(act.id, act.actor);
    const beams = this.#actOnBeam(step.beam);
    this.#actHere(step.ts);
    await beams;
    if (cut) await this.#reconnected(step);
    await (this.#worlds.size > 1 ? this.settled() : this.atRest());
  }

  async atRest(): Promise<Observed> {
    let seen = await this.#observe();
    const allowed = async () => {
      seen = await this.#observe();
      return this.#worlds.allows(seen);
    };
    await until(allowed).catch(() => expect(seen, "what both sides show").toEqual(this.#worlds.expected()[0]));
    return seen;
  }

  /** At rest, and what each of the two sides had said has arrived at the other and was answered. */
  async settled(): Promise<void> {
    await this.atRest();
    await this.#connected();
    await this.#node.call({ name: atom("net_kernel"), node: this.#beam.name }, tuple(atom("is_auth"), atom("x")));
    this.#worlds.settle(await this.atRest());
  }

  async stop(): Promise<void> {
    const pids = (side: Side) => ACTORS.filter((actor) => sideOf(actor) === side).map((actor) => this.#pid(actor));
    for (const pid of pids("ts")) this.#node.exit(pid, atom("kill"));
    await this.#onBeam("stop", pids("beam"));
    await until(() => this.#node.stats().monitored === 0);
  }

  /**
   * There is a connection. A process of the BEAM that ends, or takes its monitor back, while that monitor waits for one leaves
   * it behind on the other side; it does so between two BEAMs too (OTP 25 and 29; taken back at once, in 60 of 60 tries).
   */
  async #connected(): Promise<void> {
    await this.#beam.until(`:net_adm.ping(:"${this.#node.name}") == :pong`);
  }

  /** The connection is up or not, but nothing between: a BEAM does not break off one that is being made. */
  async #decided(): Promise<void> {
    await until(() => this.#node.stats().connecting === 0);
    await this.#beam.until(`Enum.all?(:ets.lookup(:sys_dist, :"${this.#node.name}"), &(elem(&1, 3) == :up))`);
  }

  /** After a cut, both sides have noticed it before the next step; a connection may be there again, or not. */
  async #reconnected(step: Step): Promise<void> {
    const ours = this.#node.name;
    if (step.ts.length + step.beam.length > 1) {
      await this.#connected();
    } else {
      await until(() => this.#node.peers().length === 0);
      await this.#beam.until(`Node.list(:hidden) == [] and :ets.lookup(:sys_dist, :"${ours}") == []`);
    }
  }

  #actHere(acts: readonly Act[]): void {
    for (const act of acts) {
      const tied = this.#tied.get(act.actor)!;
      if (act.do === "disconnect") this.#node.disconnect(this.#beam.name);
      else if (act.do === "die") void this.#node.cast(tied.pid, atom(act.reason));
      else
        this.#keep(
          act,
          tied.act(
            act,
            (actor) => this.#pid(actor),
            (actor) => this.#named(actor),
          ),
        );
    }
  }

  async #actOnBeam(acts: readonly Act[]): Promise<void> {
    if (acts.length === 0) return;
    // A monitor that the same step made has no reference here yet: it is given up in a request of its own.
    const split = acts.findIndex((act) => act.do === "demonitor" && !this.#refs.has(act.id));
    const now = split > 0 ? acts.slice(0, split) : acts;
    const results = await this.#onBeam<Term[]>(
      "act",
      now.map((act) => this.#request(act)),
    );
    for (const [index, act] of now.entries()) this.#keep(act, results[index]);
    if (split > 0) await this.#actOnBeam(acts.slice(split));
  }

  #request(act: Act): Term {
    const to = (peer: Actor, named: boolean) => {
      const { name, node } = this.#named(peer);
      return named ? tuple(name, atom(node)) : this.#pid(peer);
    };
    const what = atom(act.do);
    const request = () => {
      switch (act.do) {
        case "disconnect":
          return tuple(what, atom(this.#node.name));
        case "die":
          return tuple(what, atom(act.reason));
        case "link":
        case "unlink":
          return tuple(what, this.#pid(act.peer));
        case "monitor":
          return tuple(what, to(act.peer, act.named));
        case "demonitor":
          return tuple(what, this.#refs.get(act.id) ?? (atom("none") as object));
        case "send":
          return tuple(what, to(act.peer, act.named), act.id);
        case "exit":
          return tuple(what, this.#pid(act.peer), atom(act.reason));
      }
    };
    return tuple(this.#pid(act.actor), request()) as Term;
  }

  #keep(act: Act, result: unknown): void {
    if (act.do !== "monitor" || result === undefined || result === atom("dead")) return;
    this.#refs.set(act.id, result as Ref);
    this.#ids.set((result as Ref).key, act.id);
  }

  async #observe(): Promise<Observed> {
    const theirs = ACTORS.filter((actor) => sideOf(actor) === "beam");
    const shown = await this.#onBeam<Term[]>(
      "observe",
      theirs.map((actor) => this.#pid(actor)),
    );
    const observed = theirs.map((actor, index) => [actor, this.#theirTies(shown[index]!)] as const);
    const ours = [...this.#tied.keys()].map((actor) => [actor, this.#ourTies(actor)] as const);
    return Object.fromEntries([...ours, ...observed]) as unknown as Observed;
  }

  #theirTies(shown: Term): Ties | "dead" {
    if (!isTuple(shown)) return "dead";
    const [links, monitors, monitoredBy, messages] = shown as unknown as [Pid[], [Atom, Term][], Pid[], Term[]];
    return this.#ties(
      links,
      monitors.map(([, target]) => this.#object(target)),
      monitoredBy,
      messages,
    );
  }

  #ourTies(actor: Actor): Ties | "dead" {
    const info = this.#node.processInfo(this.#pid(actor));
    if (info === undefined) return "dead";
    const monitors = info.monitors.map((target) =>
      "name" in target ? `name ${actorOf(target.name)}` : this.#actor(target),
    );
    return this.#ties(info.links, monitors, info.monitoredBy, this.#tied.get(actor)!.seen);
  }

  #ties(links: readonly Pid[], monitors: string[], monitoredBy: readonly Pid[], messages: readonly Term[]): Ties {
    const sent = messages.filter((message) => typeof message === "number");
    for (const sender of ACTORS) {
      const inOrder = sent.filter((id) => this.#senders.get(id) === sender);
      expect(inOrder, `what ${sender} sent`).toEqual([...inOrder].sort((a, b) => a - b));
    }
    return {
      links: links.map((pid) => this.#actor(pid)).sort(),
      monitors: monitors.sort(),
      monitoredBy: monitoredBy.map((pid) => this.#actor(pid)).sort(),
      messages: [
        ...sent.map((id) => `message ${id}`),
        ...messages.filter((message) => typeof message !== "number").map((message) => this.#signal(message)),
      ].sort(),
    };
  }

  #signal(message: Term): string {
    const [tag, from, ...rest] = message as unknown as [Atom, Pid | Ref, ...Term[]];
    const reason = rest.at(-1) as Atom;
    if (tag.tag === "EXIT") return `EXIT ${this.#actor(from as Pid)} ${reason.tag}`;
    return `DOWN ${this.#ids.get(from.key)} ${this.#object(rest[1]!)} ${reason.tag}`;
  }

  #object(target: Term): string {
    return isTuple(target) ? `name ${actorOf((target[0] as Atom).tag)}` : this.#actor(target as Pid);
  }

  #actor(pid: Pid): string {
    return this.#actors.get(pid.key) ?? `someone else, ${pid}`;
  }

  #pid(actor: Actor): Pid {
    return this.#pids.get(actor)!;
  }

  #named(actor: Actor): { name: Atom; node: string } {
    return { name: nameOf(actor), node: sideOf(actor) === "ts" ? this.#node.name : this.#beam.name };
  }

  #know(actor: Actor, pid: Pid): void {
    this.#pids.set(actor, pid);
    this.#actors.set(pid.key, actor);
  }

  async #onBeam<T>(name: string, argument: readonly Term[]): Promise<T> {
    const code = `Fixtures.Ties.${name}(:erlang.binary_to_term(input))`;
    return decode(await this.#beam.evalBytes(code, { input: encode(argument) })) as T;
  }
}

const nameOf = (actor: Actor): Atom => atom(`tied_${actor}`);
const actorOf = (name: string): string => name.replace("tied_", "");

// OTP 23.2 is left out: it has no UNLINK_ID, and a link that crosses an unlink on its way can leave the two sides with
// different tables (seen with seed 266630802). That two nodes of OTP 23.2 do the same to each other follows from the
// protocol, but has not been tried.
describePeers("random links, monitors, exits and reconnects", { otp: ["25", "27", "29"] }, (release) => {
  let beam: Beam;
  let node: Node;

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam);
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  test(
    `leave both sides with the same tables, and every mailbox with what was due, ${COUNT} times`,
    async () => {
      const { processes, names } = node.stats();
      let steps = 0;
      let cuts = 0;
      for (let seed = FIRST_SEED; seed < FIRST_SEED + COUNT; seed++) {
        const sequence = new Sequence(beam, node);
        await sequence.start();
        const done: string[] = [];
        try {
          for (const step of randomSteps(new SeededRandom(seed))) {
            done.push(JSON.stringify(step));
            await sequence.step(step);
            steps++;
            if (done.at(-1)?.includes("disconnect")) cuts++;
          }
          await sequence.settled();
        } catch (error) {
          const again = `TIEBEAM_SEED=${seed} npx vitest run --config interop/vitest.config.ts suites/ties`;
          throw new Error(`seed ${seed}, again with: ${again}\n${done.join("\n")}`, { cause: error });
        }
        await sequence.stop();
      }

      console.log(`OTP ${release.otp}: ${COUNT} sequences from seed ${FIRST_SEED}, ${steps} steps, ${cuts} cuts`);
      expect(node.stats()).toMatchObject({ processes, names, aliases: 0, monitored: 0 });
      expect(node.processInfo(node.pid)).toMatchObject({ links: [], monitors: [], monitoredBy: [] });
    },
    TIMEOUT_MS,
  );
});
