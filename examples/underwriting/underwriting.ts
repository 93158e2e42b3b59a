// The underwriting service in TypeScript: what underwriting.ex is in Elixir. How to run it stands in README.md.
import process from "node:process";
import { parseArgs } from "node:util";
import {
  Application,
  child,
  mod,
  noReply,
  ProducerConsumer,
  type RestartType,
  type StartType,
  Supervisor,
  startNode,
  type Tuple,
  tuple,
  withOptions,
} from "tiebeam";

type Request = Tuple<[id: string, from: Tuple]>;
type Scored = Tuple<[id: string, from: Tuple, score: object]>;

interface Options {
  /** The node of the company service. */
  readonly company: string;
  readonly scorers: number;
  /** Confirm what has been scored, so that what was not is handed out again. The company service has to know of it, too. */
  readonly ack: boolean;
  /** Whether a scorer that has ended is started again, and what it means for the node if their supervisor gives up. */
  readonly restart: RestartType;
  readonly startType: StartType;
}

/** Adds the score to requests. */
class Scorer extends ProducerConsumer<Request, Scored> {
  scored = 0;

  override init({ company, ack }: Options) {
    const intake = { name: mod("Company.Intake"), node: company };
    const away = { minDelayMs: 100, maxDelayMs: 100, jitter: 0 };
    return withOptions({
      subscribeTo: [{ to: intake, cancel: "transient", maxDemand: 10, minDemand: 5, resubscribe: away, ack }],
    });
  }

  handleEvents(requests: Request[]) {
    this.scored += requests.length;
    return noReply({ events: requests.map(([id, from]): Scored => tuple(id, from, scoreOf(id))) });
  }
}

function scoreOf(id: string) {
  if (id === "Unscorable") throw new RangeError("no score for this one");
  return { score: "450" };
}

class Underwriting extends Application {
  load(options: Options) {
    const scorers = Array.from({ length: options.scorers }, (_, i) => {
      const name = `scorer_${i + 1}`;
      return child(Scorer, { id: name, name, args: options, restart: options.restart });
    });
    const supervisor = Supervisor.of(scorers, { strategy: "one_for_one" });
    // `permanent`: if its tree gives up, the node ends: what runs nodes starts another one.
    const { startType } = options;
    return { name: "underwriting", startType, children: [child(supervisor, { name: mod("Underwriting.Supervisor") })] };
  }
}

const { values } = parseArgs({
  options: {
    name: { type: "string", default: "underwriting@127.0.0.1" },
    company: { type: "string", default: "company@127.0.0.1" },
    scorers: { type: "string", default: "2" },
    ack: { type: "boolean", default: false },
    restart: { type: "string", default: "transient" },
    "start-type": { type: "string", default: "permanent" },
    "tick-ms": { type: "string", default: "60000" },
  },
});
const { name, company, ack } = values;

const node = await startNode({ name, netTickTimeMs: Number(values["tick-ms"]), stopOn: ["SIGINT", "SIGTERM"] });
const options: Options = {
  company,
  scorers: Number(values.scorers),
  ack,
  restart: values.restart as RestartType,
  startType: values["start-type"] as StartType,
};
node.applications.load(Underwriting, options);
await node.applications.start("underwriting");
console.log(`underwriting is open at ${node.name}`);
process.exitCode = (await node.closed) === "application_ended" ? 1 : 0;
