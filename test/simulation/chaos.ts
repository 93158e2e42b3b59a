import { atom, tuple } from "../../src/term/index.ts";
import { SimulatedCluster } from "../../src/testing/index.ts";
import type { Life } from "./actor.ts";
import { ACTORS_PER_NODE, Machine } from "./machine.ts";

const NODES = ["a@sim", "b@sim", "c@sim", "d@sim", "e@sim"] as const;
export const TICK_MS = 1_000;
const SETUP_MS = 500;
const MAX_TIMEOUT_MS = 1_500;
const STEPS = 90;

/** One run of five nodes: everything that happens in it follows from the seed. */
export class Chaos {
  readonly cluster: SimulatedCluster;
  readonly machines: Machine[] = [];
  /** What was done, for the reader of a failure. */
  readonly log: string[] = [];
  readonly #random;
  #nonce = 0;

  constructor(seed: number) {
    this.cluster = new SimulatedCluster({
      seed,
      speed: { delayMs: seed % 4 === 0 ? 0 : [0, 1 + (seed % 30)] },
      ...(seed % 7 === 0 && { maxChunkBytes: 1 + (seed % 50) }),
      nodes: { netTickTimeMs: TICK_MS, setupTimeoutMs: SETUP_MS },
    });
    this.#random = this.cluster.random;
  }

  /** All actors that there were. */
  get lives(): Life[] {
    return this.machines.flatMap(({ lives }) => lives);
  }

  /** The nodes that run. */
  get running(): Machine[] {
    return this.machines.filter(({ name, node }) => this.cluster.node(name) === node);
  }

  /** Starts the nodes, lets everything go wrong, and then come to rest. */
  async run(): Promise<void> {
    for (const name of NODES) this.#add(name, await this.cluster.start(name));
    for (let step = 0; step < STEPS; step++) {
      await this.#step();
      await this.cluster.advance(this.#random.pick([0, 0, 1, 5, 20, 60]));
    }
    this.cluster.heal();
    await this.cluster.advance(MAX_TIMEOUT_MS + 2 * TICK_MS + SETUP_MS);
  }

  #add(name: string, node: Machine["node"]): void {
    const machine = new Machine(name, node, (lost) => this.#onLost(machine, lost));
    this.machines.push(machine);
    machine.populate(this.#random);
  }

  async #step(): Promise<void> {
    const chance = this.#random.below(100);
    if (chance < 12) return this.#fault();
    for (const machine of this.running) if (machine.alive.length < ACTORS_PER_NODE) machine.populate(this.#random);
    for (let i = this.#random.below(4); i >= 0; i--) this.#actAnywhere();
  }

  async #fault(): Promise<void> {
    const { cluster } = this;
    const random = this.#random;
    const [one, other] = [random.pick(NODES), random.pick(NODES)];
    const down = NODES.filter((name) => cluster.node(name) === undefined);
    const fault = random.pick([
      "cut",
      "cut",
      "disconnect",
      "block",
      "split",
      "slow",
      "heal",
      "heal",
      "crash",
      "restart",
    ]);
    this.log.push(`${cluster.clock.now()} ${fault} ${one} ${other}`);
    switch (fault) {
      case "cut":
        return cluster.cut(one, other);
      case "disconnect":
        return void cluster.node(one)?.disconnect(other);
      case "block":
        return one === other ? undefined : cluster.block(one, other);
      case "split":
        return one === other ? undefined : cluster.split(one, other);
      case "slow":
        return cluster.setSpeed(one, other, { delayMs: [0, random.below(80)], bytesPerSecond: 20_000 });
      case "heal":
        return cluster.heal();
      case "crash":
        return cluster.node(one) === undefined || down.length > 1 ? undefined : cluster.crash(one);
      case "restart":
        for (const name of down) this.#add(name, await cluster.restart(name));
    }
  }

  /** Some begin anew right when they hear that a node is lost. */
  #onLost({ alive }: Machine, lost: string): void {
    const others = this.lives.filter((life) => life.machine.name === lost);
    if (this.#random.below(3) === 0) this.#act(this.#random.pick(alive), this.#random.pick(others));
  }

  #actAnywhere(): void {
    const actors = this.running.flatMap((machine) => machine.alive);
    const others = this.#random.below(8) === 0 ? this.lives : actors;
    this.#act(this.#random.pick(actors), this.#random.pick(others));
  }

  /** One actor does something with another one. */
  #act(actor: Life | undefined, other: Life | undefined): void {
    const random = this.#random;
    if (actor === undefined || other === undefined) return;
    const act = random.pick(ACTS);
    this.log.push(`${this.cluster.clock.now()} ${act} ${actor.pid.key} ${other.pid.key}`);
    switch (act) {
      case "link":
        return this.#link(actor, other);
      case "unlink":
        actor.unclear.add(other.pid.key);
        other.unclear.add(actor.pid.key);
        return actor.process.unlink(other.pid);
      case "monitor":
        return this.#monitor(actor, other);
      case "monitorName":
        return this.#monitor(actor, { name: `p${random.below(ACTORS_PER_NODE)}`, node: random.pick(NODES) });
      case "demonitor": {
        const record = random.pick(actor.monitors);
        if (record?.monitor.demonitor()) record.ended = true;
        return;
      }
      case "exit":
        other.unclear.add(actor.pid.key);
        return actor.process.exit(other.pid, random.pick([atom("normal"), atom("shutdown"), tuple(atom("bye"), 1)]));
      case "kill":
        return actor.process.exit(other.pid, atom("kill"));
      case "call":
        return this.#call(actor, other);
      case "cast":
        return void actor.process.cast(other.pid, actor.number(other.pid.key, other.machine.name));
      case "send":
        return void actor.process.send(other.pid, actor.number(other.pid.key, other.machine.name));
      case "sendName": {
        const to = { name: `p${random.below(ACTORS_PER_NODE)}`, node: random.pick(NODES) };
        return void actor.process.send(to, actor.number(`${to.name}@${to.node}`, to.node));
      }
    }
  }

  #link(actor: Life, other: Life): void {
    const { key } = other.pid;
    if (actor === other) return;
    other.unclear.add(actor.pid.key);
    const linked = actor.node.processInfo(actor.pid)?.links.some((pid) => pid.key === key);
    if (!linked) actor.links.set(key, (actor.links.get(key) ?? 0) + 1);
    actor.process.link(other.pid);
  }

  #monitor(actor: Life, to: Life | { name: string; node: string }): void {
    const target = "pid" in to ? to : undefined;
    const destination = "pid" in to ? to.pid : to;
    const byMessage = this.#random.below(2) === 0;
    const monitor = byMessage
      ? actor.process.monitor(destination)
      : actor.process.monitor(destination, ({ ref, reason }) => actor.down(ref, reason));
    const record = { monitor, target, downs: [], ended: false };
    actor.monitors.push(record);
    actor.byRef.set(monitor.ref.key, record);
  }

  #call(actor: Life, other: Life): void {
    const random = this.#random;
    const nonce = ++this.#nonce;
    const what = random.pick(["echo", "echo", "echo", "late", "never", "die"] as const);
    const record = { nonce, to: other.pid.key, settled: 0, outcome: undefined as unknown };
    const settle = (outcome: unknown) => {
      record.settled++;
      record.outcome = outcome;
    };
    actor.calls.push(record);
    const request = tuple(atom(what), nonce, random.below(200));
    const timeoutMs = 1 + random.below(MAX_TIMEOUT_MS);
    actor.process.call(other.pid, request, { timeoutMs }).then(settle, settle);
  }
}

const ACTS = [
  "link", "link", "link", "unlink", "monitor", "monitor", "monitorName", "demonitor", "exit", "kill",
  "call", "call", "call", "cast", "cast", "send", "send", "send", "sendName", "sendName",
] as const; // biome-ignore format: a list
