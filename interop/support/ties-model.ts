import type { Random } from "../../src/base/index.ts";

/** The processes of a sequence: two of ours, two of the BEAM. The first of each traps exits, the second does not. */
export const ACTORS = ["t0", "t1", "b0", "b1"] as const;
export type Actor = (typeof ACTORS)[number];
export type Side = "ts" | "beam";

export const sideOf = (actor: Actor): Side => (actor.startsWith("t") ? "ts" : "beam");
export const traps = (actor: Actor): boolean => actor.endsWith("0");

/** What a process does to one of the other side, or to itself; `id` is what a monitor or message is known by here. */
export type Act =
  | { readonly do: "link" | "unlink"; readonly actor: Actor; readonly peer: Actor }
  | {
      readonly do: "monitor";
      readonly actor: Actor;
      readonly peer: Actor;
      readonly id: number;
      readonly named: boolean;
    }
  | { readonly do: "demonitor"; readonly actor: Actor; readonly id: number }
  | { readonly do: "send"; readonly actor: Actor; readonly peer: Actor; readonly id: number; readonly named: boolean }
  | { readonly do: "exit"; readonly actor: Actor; readonly peer: Actor; readonly reason: string }
  | { readonly do: "die"; readonly actor: Actor; readonly reason: string }
  | { readonly do: "disconnect"; readonly actor: Actor };

/** What both sides do at the same time; each side's acts in their order. */
export type Step = Readonly<Record<Side, readonly Act[]>>;

/** What a process has to do with others, and what it got, each list sorted; or that it has ended. */
export interface Ties {
  readonly links: readonly string[];
  readonly monitors: readonly string[];
  readonly monitoredBy: readonly string[];
  readonly messages: readonly string[];
}
export type Observed = Readonly<Record<Actor, Ties | "dead">>;

/** A random sequence of steps. */
export function randomSteps(random: Random): Step[] {
  const below = (n: number) => random.u32() % n;
  const pick = <T>(items: readonly T[]): T => items[below(items.length)]!;
  const held: { id: number; actor: Actor }[] = [];
  let ids = 0;

  const act = (side: Side, kinds: readonly Act["do"][]): Act => {
    const actor = pick(ACTORS.filter((each) => sideOf(each) === side));
    const peer = pick(ACTORS.filter((each) => sideOf(each) !== side));
    const what = pick(kinds);
    const named = below(3) === 0;
    switch (what) {
      case "link":
      case "unlink":
        return { do: what, actor, peer };
      case "monitor":
        held.push({ id: ids, actor });
        return { do: what, actor, peer, id: ids++, named };
      case "demonitor": {
        const own = held.filter((each) => each.actor === actor);
        return own.length > 0 ? { do: what, actor, id: pick(own).id } : { do: "unlink", actor, peer };
      }
      case "send":
        return { do: what, actor, peer, id: ids++, named };
      case "exit":
        return { do: what, actor, peer, reason: pick(["normal", "boom", "shutdown", "kill"]) };
      case "die":
        return { do: what, actor, reason: pick(["normal", "bang", "shutdown"]) };
      case "disconnect":
        return { do: what, actor };
    }
  };
  const some = (side: Side, count: number): Act[] => {
    const acts: Act[] = [];
    while (acts.length < count && acts.at(-1)?.do !== "die") acts.push(act(side, ORDINARY));
    return acts;
  };

  return Array.from({ length: 4 + below(9) }, (): Step => {
    if (below(6) > 0) {
      const [ts, beam] = pick([[1, 0], [0, 1], [1, 1], [2, 0], [0, 2], [2, 1], [1, 2], [2, 2]] as const); // biome-ignore format: a list
      return { ts: some("ts", ts), beam: some("beam", beam) };
    }
    const [side, other] = pick([["ts", "beam"], ["beam", "ts"]] as const); // biome-ignore format: a list
    const cut = act(side, ["disconnect"]);
    const after = below(3) === 0 ? [act(side, TYING)] : [];
    const crossing = below(3) === 0 ? [act(other, TYING)] : [];
    return { [side]: [cut, ...after], [other]: crossing } as unknown as Step;
  });
}

/** More often what ties than what unties, and seldom what ends. */
const ORDINARY: readonly Act["do"][] = [
  "link", "link", "link", "link", "unlink", "unlink", "unlink", "monitor", "monitor", "monitor", "monitor",
  "demonitor", "demonitor", "send", "send", "exit", "die",
]; // biome-ignore format: a list

/** What may be done right after a loss of the connection, or while it happens. */
const TYING: readonly Act["do"][] = ["link", "monitor", "send"];

/**
 * What may be the case after some steps: every state that the acts of both sides and the signals between them can end in,
 * whichever comes first. At rest, what both sides show is exactly one of them.
 */
export class Worlds {
  #worlds: World[] = [newWorld()];

  get size(): number {
    return this.#worlds.length;
  }

  /** Follows every order in which acts and arrivals can happen, to the states in which nothing is left to happen. */
  step(step: Step): void {
    const ends = new Map<string, World>();
    const seen = new Set<string>();
    const open = this.#worlds.map((world) => JSON.stringify({ ...world, acts: step, cutBy: "" }));
    for (let key = open.pop(); key !== undefined; key = open.pop()) {
      if (seen.has(key)) continue;
      seen.add(key);
      const next = moves(key);
      if (next.length === 0) ends.set(key, JSON.parse(key) as World);
      for (const world of next) open.push(JSON.stringify(world));
    }
    this.#worlds = [...ends.values()];
  }

  allows(seen: Observed): boolean {
    return this.#showing(seen).length > 0;
  }

  /** Both sides are at rest, and this is what they show. */
  settle(seen: Observed): void {
    this.#worlds = this.#showing(seen);
  }

  /** What would be right. */
  expected(): Observed[] {
    return this.#worlds.map(observed);
  }

  #showing(seen: Observed): World[] {
    const text = JSON.stringify(seen);
    return this.#worlds.filter((world) => JSON.stringify(observed(world)) === text);
  }
}

/** From a process of one side to one of the other; or the end of the connection, which is seen behind all that was sent. */
type Sent =
  | { readonly signal: "link" | "unlink" | "unlinkAck"; readonly from: Actor; readonly to: Actor }
  | { readonly signal: "linkExit" | "exit"; readonly from: Actor; readonly to: Actor; readonly reason: string }
  | { readonly signal: "monitor"; readonly id: number; readonly from: Actor; readonly to: Actor }
  | { readonly signal: "demonitor"; readonly id: number; readonly to: Actor }
  | { readonly signal: "down"; readonly id: number; readonly to: Actor; readonly reason: string }
  | { readonly signal: "message"; readonly id: number; readonly to: Actor }
  | { readonly signal: "closed" };

interface Process {
  /** True while the link holds, false while an unlink of this side is not acknowledged. */
  links: Partial<Record<Actor, boolean>>;
  monitors: Record<number, { target: Actor; named: boolean }>;
  watchers: Record<number, Actor>;
  messages: string[];
}

/** Plain data, so that it can be copied and compared as text. */
interface World {
  processes: Partial<Record<Actor, Process>>;
  /** What has left a side and not arrived, each with the connection that it left over. */
  sent: Record<Side, { over: number; what: Sent }[]>;
  /** The connection that a side knows of. */
  connection: Record<Side, number>;
  acts: Record<Side, Act[]>;
  cutBy: Side | "";
}

function newWorld(): World {
  const process = (): Process => ({ links: {}, monitors: {}, watchers: {}, messages: [] });
  return {
    processes: { t0: process(), t1: process(), b0: process(), b1: process() },
    sent: { ts: [], beam: [] },
    connection: { ts: 0, beam: 0 },
    acts: { ts: [], beam: [] },
    cutBy: "",
  };
}

function observed({ processes }: World): Observed {
  const ties = (process: Process | undefined): Ties | "dead" =>
    process === undefined
      ? "dead"
      : {
          links: Object.keys(process.links).sort(),
          monitors: Object.values(process.monitors).map(objectOf).sort(),
          monitoredBy: Object.values(process.watchers).sort(),
          messages: [...process.messages].sort(),
        };
  return Object.fromEntries(ACTORS.map((actor) => [actor, ties(processes[actor])])) as unknown as Observed;
}

/** What can happen next: an act of either side, or the arrival of what was sent first by either side. */
function moves(key: string): World[] {
  const copy = () => new Move(JSON.parse(key) as World);
  const { world } = copy();
  const next: World[] = [];
  for (const side of ["ts", "beam"] as const) {
    const [act] = world.acts[side];
    if (act !== undefined) next.push(copy().act(side));
    // Over a connection that was lost a moment ago, it may be that a BEAM does not dial again at once.
    if (act !== undefined && act.do !== "disconnect" && world.cutBy === side) next.push(copy().act(side, "lost"));
    if (act?.do === "disconnect" && world.sent[side].length > 0) next.push(copy().act(side, "lost"));
    if (world.sent[side].length > 0) next.push(copy().arrive(side));
  }
  return next;
}

const other = (side: Side): Side => (side === "ts" ? "beam" : "ts");

/** One thing that happens in a world. */
class Move {
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  /** The next act of a side. `lost`: what it sends, or what the side has sent before a cut, does not arrive. */
  act(side: Side, lost?: "lost"): World {
    const act = this.world.acts[side].shift()!;
    if (act.do === "disconnect") this.#cut(side, lost === "lost");
    else if (this.world.processes[act.actor] !== undefined) this.#do(act, lost === "lost");
    return this.world;
  }

  /** What a side sent first arrives, unless its connection is not that of the receiver. */
  arrive(from: Side): World {
    const { over, what } = this.world.sent[from].shift()!;
    const side = other(from);
    if (what.signal === "closed") {
      this.world.connection[side] = this.world.connection[from];
      this.#nodeDown(side);
    } else if (over === this.world.connection[side]) {
      this.#receive(what);
    }
    return this.world;
  }

  #do(act: Exclude<Act, { do: "disconnect" }>, lost: boolean): void {
    const { processes } = this.world;
    const self = processes[act.actor]!;
    const from = act.actor;
    switch (act.do) {
      case "link":
        if (self.links[act.peer]) return;
        if (lost) return this.#exit(from, act.peer, "noconnection");
        self.links[act.peer] = true;
        return this.#send(from, { signal: "link", from, to: act.peer });
      case "unlink":
        if (!self.links[act.peer]) return;
        self.links[act.peer] = false;
        return this.#send(from, { signal: "unlink", from, to: act.peer });
      case "monitor":
        self.monitors[act.id] = { target: act.peer, named: act.named };
        if (lost) return this.#down(from, act.id, "noconnection");
        return this.#send(from, { signal: "monitor", id: act.id, from, to: act.peer });
      case "demonitor":
        return this.#demonitor(from, act.id);
      case "send":
        return lost ? undefined : this.#send(from, { signal: "message", id: act.id, to: act.peer });
      case "exit":
        return this.#send(from, { signal: "exit", from, to: act.peer, reason: act.reason });
      case "die":
        return this.#end(from, act.reason);
    }
  }

  #receive(what: Exclude<Sent, { signal: "closed" }>): void {
    const { to } = what;
    const self = this.world.processes[to];
    switch (what.signal) {
      case "link":
        if (self === undefined) {
          return this.#send(to, { signal: "linkExit", from: to, to: what.from, reason: "noproc" });
        }
        self.links[what.from] ??= true;
        return;
      case "unlink":
        if (self?.links[what.from]) delete self.links[what.from];
        return this.#send(to, { signal: "unlinkAck", from: to, to: what.from });
      case "unlinkAck":
        if (self?.links[what.from] === false) delete self.links[what.from];
        return;
      case "linkExit": {
        const linked = self?.links[what.from];
        delete self?.links[what.from];
        return linked ? this.#exit(to, what.from, what.reason) : undefined;
      }
      case "exit":
        return what.reason === "kill" ? this.#end(to, "killed") : this.#exit(to, what.from, what.reason);
      case "monitor":
        if (self === undefined) return this.#send(to, { signal: "down", id: what.id, to: what.from, reason: "noproc" });
        self.watchers[what.id] = what.from;
        return;
      case "demonitor":
        delete self?.watchers[what.id];
        return;
      case "down":
        return this.#down(to, what.id, what.reason);
      case "message":
        self?.messages.push(`message ${what.id}`);
    }
  }

  #send(from: Actor, what: Sent): void {
    const side = sideOf(from);
    this.world.sent[side].push({ over: this.world.connection[side], what });
  }

  #demonitor(from: Actor, id: number): void {
    const self = this.world.processes[from]!;
    const held = self.monitors[id];
    if (held === undefined) return;
    delete self.monitors[id];
    this.#send(from, { signal: "demonitor", id, to: held.target });
  }

  #down(to: Actor, id: number, reason: string): void {
    const self = this.world.processes[to];
    const held = self?.monitors[id];
    if (self === undefined || held === undefined) return;
    delete self.monitors[id];
    self.messages.push(`DOWN ${id} ${objectOf(held)} ${reason}`);
  }

  /** An exit signal, of whatever origin. */
  #exit(to: Actor, from: Actor, reason: string): void {
    if (traps(to)) this.world.processes[to]?.messages.push(`EXIT ${from} ${reason}`);
    else if (reason !== "normal") this.#end(to, reason);
  }

  #end(actor: Actor, reason: string): void {
    const self = this.world.processes[actor];
    if (self === undefined) return;
    delete this.world.processes[actor];
    for (const to of linkedTo(self)) this.#send(actor, { signal: "linkExit", from: actor, to, reason });
    for (const [id, to] of Object.entries(self.watchers))
      this.#send(actor, { signal: "down", id: Number(id), to, reason });
    for (const [id, { target: to }] of Object.entries(self.monitors)) {
      this.#send(actor, { signal: "demonitor", id: Number(id), to });
    }
  }

  /** A side ends the connection. What is on its way to it is lost, what it has sent may be. */
  #cut(side: Side, lost: boolean): void {
    const { connection, sent } = this.world;
    if (lost) sent[side] = [];
    connection[side]++;
    sent[side].push({ over: connection[side], what: { signal: "closed" } });
    this.world.cutBy = side;
    this.#nodeDown(side);
  }

  #nodeDown(side: Side): void {
    const { processes } = this.world;
    const own = ACTORS.filter((actor) => sideOf(actor) === side && processes[actor] !== undefined);
    const ended = own.map((actor) => {
      const self = processes[actor]!;
      const { monitors } = self;
      const linked = linkedTo(self);
      processes[actor] = { links: {}, watchers: {}, monitors: {}, messages: self.messages };
      for (const [id, held] of Object.entries(monitors))
        self.messages.push(`DOWN ${id} ${objectOf(held)} noconnection`);
      return { actor, linked };
    });
    for (const { actor, linked } of ended) for (const peer of linked) this.#exit(actor, peer, "noconnection");
  }
}

function linkedTo({ links }: Process): Actor[] {
  return ACTORS.filter((actor) => links[actor]);
}

function objectOf({ target, named }: { target: Actor; named: boolean }): string {
  return named ? `name ${target}` : target;
}
