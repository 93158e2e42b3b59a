import fc from "fast-check";
import { expect, test } from "vitest";
import { GenServer } from "../../src/otp/gen-server.ts";
import { type ChildSpec, child, Supervisor, startServer } from "../../src/otp/index.ts";
import { type ProcessCore, Reason } from "../../src/runtime/index.ts";
import { atom, type Pid } from "../../src/term/index.ts";
import { World } from "../support/world.ts";
import { type ModelRules, type ModelSpec, SupervisorModel } from "./supervision-model.ts";

interface Tree {
  readonly rules: ModelRules;
  readonly inner: ModelRules;
  readonly specs: readonly ModelSpec[];
  readonly innerSpecs: readonly ModelSpec[];
}

const rules = (): fc.Arbitrary<ModelRules> =>
  fc.record({
    strategy: fc.constantFrom("one_for_one", "one_for_all", "rest_for_one"),
    autoShutdown: fc.constantFrom("never", "any_significant", "all_significant"),
    maxRestarts: fc.nat(4),
    maxSeconds: fc.integer({ min: 1, max: 4 }),
  });

const specs = (first: number, { autoShutdown }: ModelRules): fc.Arbitrary<ModelSpec[]> =>
  fc
    .array(fc.record({ restart: fc.constantFrom("permanent", "transient", "temporary"), significant: fc.boolean() }), {
      minLength: 1,
      maxLength: 5,
    })
    .map((list) =>
      list.map(({ restart, significant }, i) => ({
        id: first + i,
        restart,
        significant: significant && autoShutdown !== "never" && restart !== "permanent",
      })),
    );

const tree: fc.Arbitrary<Tree> = fc.tuple(rules(), rules()).chain(([outer, inner]) =>
  fc.record({
    rules: fc.constant(outer),
    inner: fc.constant(inner),
    specs: specs(0, outer),
    innerSpecs: specs(100, inner),
  }),
);

/** Children that crash: which of the running ones, how, and how long after the one before. */
const crashes = fc.array(
  fc.record({
    pick: fc.nat(1000),
    orderly: fc.boolean(),
    afterMs: fc.constantFrom(0, 0, 400, 1000, 3000),
  }),
  { maxLength: 8 },
);

/** The real thing, of processes: what it starts and stops is written to a log by the children themselves. */
class Real {
  readonly world = new World();
  readonly log: string[] = [];
  readonly pids = new Map<number, Pid>();
  top!: ProcessCore;

  spec({ id, restart, significant }: ModelSpec): ChildSpec {
    const { log, pids } = this;
    class Leaf extends GenServer {
      override init() {
        this.process.trapExit = true;
        pids.set(id, this.process.pid);
        log.push(`start ${id}`);
      }
      override terminate() {
        pids.delete(id);
        log.push(`stop ${id}`);
      }
    }
    return child(Leaf, { id, restart, significant });
  }

  async start({ rules, specs, inner, innerSpecs }: Tree): Promise<void> {
    const below = child(
      Supervisor.of(
        innerSpecs.map((spec) => this.spec(spec)),
        inner,
      ),
      { id: "inner" },
    );
    const all = Supervisor.of([...specs.map((spec) => this.spec(spec)), below], rules);
    const [{ pid }] = await Promise.all([startServer(this.world.user, all, {}), this.world.settle()]);
    this.top = this.world.runtime.find(pid)!;
  }

  /** The child ends without a word, as it does by a crash. */
  async crash(id: number, orderly: boolean): Promise<void> {
    const core = this.world.runtime.find(this.pids.get(id)!)!;
    this.pids.delete(id);
    core.exit(orderly ? Reason.shutdown : atom("crashed"));
    await this.world.settle();
  }
}

const INNER = 50;

/** Two supervisors by the model: the inner one is the last child of the outer one. */
class TreeModel {
  readonly log: string[] = [];
  readonly #tree: Tree;
  readonly outer: SupervisorModel;
  inner: SupervisorModel;
  #seen = 0;

  constructor(tree: Tree) {
    this.#tree = tree;
    const last: ModelSpec = { id: INNER, restart: "permanent", significant: false };
    this.outer = new SupervisorModel([...tree.specs, last], tree.rules);
    this.inner = new SupervisorModel([], tree.inner);
    this.#follow();
  }

  running(): number[] {
    return [...this.outer.running, ...this.inner.running].filter((id) => id !== INNER);
  }

  crash(id: number, orderly: boolean, atMs: number): void {
    if (id < INNER) this.outer.crash(id, orderly, atMs);
    else {
      const before = this.inner.log.length;
      this.inner.crash(id, orderly, atMs);
      this.log.push(...this.inner.log.slice(before));
      if (this.inner.ended) this.outer.crash(INNER, true, atMs);
    }
    this.#follow();
  }

  /** What the outer one did; a start or stop of the inner one is that of its children. */
  #follow(): void {
    for (const line of this.outer.log.slice(this.#seen)) {
      if (line === `start ${INNER}`) {
        this.inner = new SupervisorModel(this.#tree.innerSpecs, this.#tree.inner);
        this.log.push(...this.inner.log);
      } else if (line === `stop ${INNER}`) {
        const before = this.inner.log.length;
        this.inner.end();
        this.log.push(...this.inner.log.slice(before));
      } else this.log.push(line);
    }
    this.#seen = this.outer.log.length;
  }
}

const RUNS = 5_000;

test(`random trees under random crashes start and stop what the rules say, in ${RUNS} runs`, {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(tree, crashes, async (shape, plan) => {
      const real = new Real();
      await real.start(shape);
      const model = new TreeModel(shape);
      expect(real.log).toEqual(model.log);
      for (const { pick, orderly, afterMs } of plan) {
        const running = model.running();
        if (running.length === 0) break;
        const id = running[pick % running.length]!;
        real.world.clock.elapse(afterMs);
        await real.crash(id, orderly);
        model.crash(id, orderly, real.world.clock.now());
        expect(real.log).toEqual(model.log);
        expect(real.top.alive).toBe(!model.outer.ended);
      }
      expect([...real.pids.keys()].sort()).toEqual(model.running().sort());
    }),
    { numRuns: RUNS, seed: 1 },
  );
});
