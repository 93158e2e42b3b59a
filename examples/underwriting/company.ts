// The company service in TypeScript: what company.ex is in Elixir. How to run it stands in README.md.
import process from "node:process";
import { parseArgs } from "node:util";
import {
  type Atom,
  atom,
  type Calls,
  type Casts,
  Consumer,
  child,
  mod,
  noReply,
  Producer,
  reply,
  Supervisor,
  startNode,
  type Term,
  TermMap,
  type Tuple,
  tuple,
  withOptions,
} from "tiebeam";

type Request = Tuple<[id: string, from: Tuple]>;
type Scored = Tuple<[id: string, from: Tuple, score: object]>;

interface IntakeApi {
  /** The record of a company, or `{error, underwriting_unavailable}` when the deadline is over. */
  get(id: string, deadlineMs: number): Term;
  /** Which of these still wait for an answer, which is the asker's to give then. */
  claim(froms: Tuple[]): Tuple[];
  figures(): Record<string, number>;
  deadline(from: Tuple): void;
}

const UNAVAILABLE = tuple(atom("error"), atom("underwriting_unavailable"));

/** Holds requests until scorers ask for them. Each is answered once: by who claims it, or at its deadline. */
class Intake extends Producer<Request, IntakeApi> {
  asked = 0;
  mostDemand = 0;
  handedOut = 0;
  answered = 0;
  unavailable = 0;
  late = 0;
  /** How many have subscribed. */
  scorers = 0;
  demand = 0;
  /** What no scorer has asked for yet. */
  queue: Request[] = [];
  /** Who waits for an answer, with what takes back the deadline. */
  readonly #open = new TermMap() as Map<Term, unknown> as Map<Tuple, () => void>;

  static readonly calls: Calls<Intake, IntakeApi, Request> = {
    get(id, deadlineMs) {
      const from = this.process.from as unknown as Tuple;
      const timer = this.process.sendAfter(deadlineMs, this.process.pid, tuple(atom("deadline"), from));
      this.#open.set(from, () => timer.cancel());
      this.asked++;
      this.queue.push(tuple(id, from));
      return noReply({ events: this.#take() });
    },

    // What was scored twice, or too late, is answered once all the same.
    claim(froms) {
      const claimed = froms.filter((from) => this.#open.has(from));
      for (const from of claimed) {
        this.#open.get(from)?.();
        this.#open.delete(from);
      }
      this.answered += claimed.length;
      this.late += froms.length - claimed.length;
      return reply(claimed);
    },

    figures() {
      const { asked, mostDemand, handedOut, answered, unavailable, late, scorers, demand, queue } = this;
      const figures = {
        asked,
        answered,
        unavailable,
        late,
        scorers,
        demand,
        queued: queue.length,
        open: this.#open.size,
      };
      return reply({ ...figures, most_demand: mostDemand, handed_out: handedOut });
    },
  };

  handleDemand(demand: number) {
    this.demand += demand;
    this.mostDemand = Math.max(this.mostDemand, this.demand);
    return noReply({ events: this.#take() });
  }

  override handleInfo(message: Term) {
    const [, from] = message as Tuple<[Atom<"deadline">, Tuple]>;
    if (!this.#open.delete(from)) return;
    this.unavailable++;
    this.process.reply(from, UNAVAILABLE);
  }

  override handleSubscribe() {
    this.scorers++;
    this.process.later(() => noReply({ events: this.#take() }));
  }

  override handleCancel() {
    this.scorers--;
  }

  /**
   * As many requests as there is demand for, but for those whose deadline is over. The demand of scorers that are gone stays;
   * without any, what was emitted would wait in the stage's own buffer, deadline or not.
   */
  #take(): Request[] {
    const requests: Request[] = [];
    if (this.scorers === 0) return requests;
    while (this.demand > requests.length && this.queue.length > 0) {
      const request = this.queue.shift()!;
      if (this.#open.has(request[1])) requests.push(request);
    }
    this.demand -= requests.length;
    this.handedOut += requests.length;
    return requests;
  }
}

interface AssemblerApi {
  subscribe(scorer: Tuple<[name: Atom, node: Atom]>): void;
}

const INTAKE = mod("Company.Intake");
const away = { minDelayMs: 100, maxDelayMs: 100, jitter: 0 };

/** Builds the records from what comes scored, and answers. */
class Assembler extends Consumer<Scored, AssemblerApi> {
  assembled = 0;
  #ack = false;

  static readonly casts: Casts<Assembler, AssemblerApi> = {
    subscribe(scorer) {
      this.process.asyncSubscribe(this.#subscription({ name: scorer[0], node: scorer[1].tag }));
    },
  };

  override init({ scorers, ack }: { scorers: readonly { name: string; node: string }[]; ack: boolean }) {
    this.#ack = ack;
    return withOptions({ subscribeTo: scorers.map((scorer) => this.#subscription(scorer)) });
  }

  async handleEvents(scored: Scored[]) {
    const froms = scored.map(([, from]) => from);
    const claimed = new TermMap(
      (await this.process.call<Term[]>(INTAKE, tuple(atom("claim"), froms))).map((f) => [f, f]),
    );
    for (const [id, from, score] of scored) {
      if (claimed.has(from as unknown as Term)) this.process.reply(from, record(id, score));
    }
    this.assembled += scored.length;
  }

  /** A scorer that crashes takes the assembler along, which starts anew; one that is away is waited for. */
  #subscription(to: { name: string | Atom; node: string }) {
    return { to, cancel: "transient", maxDemand: 10, minDemand: 5, resubscribe: away, ack: this.#ack } as const;
  }
}

function record(name: string, score: object) {
  const address = { address: "123 4th Avenue", city: "Salt Lake City", state: "UT", zip: "84014" };
  return { name, ...address, underwriting_score: score };
}

const { values } = parseArgs({
  options: {
    name: { type: "string", default: "company@127.0.0.1" },
    underwriting: { type: "string", default: "underwriting@127.0.0.1" },
    scorers: { type: "string", default: "2" },
    ack: { type: "boolean", default: false },
    "tick-ms": { type: "string", default: "60000" },
  },
});
const { name, underwriting, ack } = values;
const scorers = Array.from({ length: Number(values.scorers) }, (_, i) => ({
  name: `scorer_${i + 1}`,
  node: underwriting,
}));

const node = await startNode({ name, netTickTimeMs: Number(values["tick-ms"]), stopOn: ["SIGINT", "SIGTERM"] });
const company = Supervisor.of(
  [
    child(Intake, { id: INTAKE, name: INTAKE }),
    child(Assembler, { id: mod("Company.Assembler"), name: mod("Company.Assembler"), args: { scorers, ack } }),
  ],
  // Scorers that crash take the assembler along: it must bear more of that than their own supervisor does.
  { strategy: "rest_for_one", maxRestarts: 50 },
);
await node.start(company, { name: mod("Company.Supervisor") });
console.log(`company is open at ${node.name}`);
process.exitCode = (await node.closed) === "application_ended" ? 1 : 0;
