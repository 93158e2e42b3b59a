import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decode } from "../../src/etf/index.ts";
import {
  Atom,
  atom,
  charlist,
  child,
  GenServer,
  isList,
  isTuple,
  type Node,
  Pid,
  Supervisor,
  type Term,
  type Tuple,
  tuple,
} from "../../src/index.ts";
import { exposeObserver } from "../../src/observer/index.ts";
import { Cluster } from "../support/cluster.ts";

interface Call {
  readonly otp: number;
  readonly step: string;
  readonly op: string;
  /** Of a SPAWN_REQUEST, as `module:function`. */
  readonly spawned?: string;
  readonly asked: string;
  readonly answers: readonly string[];
}

const { calls } = JSON.parse(readFileSync(new URL("../vectors/tools.json", import.meta.url), "utf8")) as {
  calls: Call[];
};
const term = (hex: string) => decode(Buffer.from(hex, "hex"));

class Cart extends GenServer {}

/**
 * Where an answer of ours has another form than the recorded one. Figures, names and texts may be others, and so may how many
 * there are of something; keys of proplists, the sizes of tuples, tags and the kinds of values may not. What is in a list of
 * ours has to be like something in theirs.
 */
function differences(ours: unknown, theirs: unknown, path = "answer"): string[] {
  if (path.endsWith("alloc_info") || theirs === NOT_YET || kind(ours) === "empty" || kind(theirs) === "empty")
    return [];
  if (kind(ours) !== kind(theirs)) return [`${path}: ${kind(ours)} instead of ${kind(theirs)}`];
  if (isTuple(ours) && isTuple(theirs)) {
    if (ours.length !== theirs.length) return [`${path}: size ${ours.length} instead of ${theirs.length}`];
    if (TAGS.has(theirs.tag ?? "") && ours.tag !== theirs.tag) return [`${path}: ${ours.tag} instead of ${theirs.tag}`];
    return Array.from(ours).flatMap((item, i) => differences(item, theirs[i], `${path}.${i}`));
  }
  if (!isList(ours) || !isList(theirs) || kind(ours) === "text") return [];
  if (isKeyed(theirs) && theirs.length === ours.length) {
    return (ours as Tuple[]).flatMap(([key, value], i) => {
      const [expected, like] = theirs[i] as Tuple;
      return key === expected
        ? differences(value, like, `${path}.${(key as Atom).tag}`)
        : [`${path}: ${key} instead of ${expected}`];
    });
  }
  if (isKeyed(theirs)) return [`${path}: the keys are ${ours.map(String)} instead of ${theirs.map(String)}`];
  const unlike = ours.findIndex((item) => theirs.every((like) => differences(item, like, "").length > 0));
  return unlike < 0 ? [] : [`${path}: nothing is like number ${unlike}: ${differences(ours[unlike], theirs[0], path)}`];
}

/** What a BEAM knows from the second time on that it is asked. */
const NOT_YET = atom("undefined");

const TAGS = new Set(["delivery", "etop_info", "etop_proc_info", "procs_info", "stats", "process"]);

function kind(value: unknown): string {
  if (isTuple(value)) return "tuple";
  if (isList(value)) {
    if (value.length === 0) return "empty";
    return value.every((item) => typeof item === "number" && item >= 32 && item < 256) ? "text" : "list";
  }
  if (typeof value === "boolean" || value instanceof Atom) return "atom";
  return value instanceof Pid ? "pid" : typeof value === "bigint" ? "number" : typeof value;
}

const isPair = (item: unknown): item is Tuple => isTuple(item) && item.length === 2;

function isKeyed(list: readonly unknown[]): boolean {
  return (
    list.length > 1 && list.every((item) => isPair(item) && item[0] instanceof Atom && item[0] !== atom("process"))
  );
}

describe.each([25, 29])("what was recorded from OTP %i", (otp) => {
  let cluster: Cluster;
  let tool: Node;
  let node: Node;
  let inbox: Term[];

  const of = (step: string, op = "SPAWN_REQUEST") =>
    calls.find((call) => call.otp === otp && call.step === step && call.op === op)!;

  async function ask(module: string, name: string, args: readonly unknown[]): Promise<Term> {
    return (await cluster.outcome(tool.erpc.call(node.name, module, name, args))) as Term;
  }

  /** A request as it was recorded, with pids of ours in the places of theirs. */
  async function asked(hex: string): Promise<Term> {
    const cart = await ask("erlang", "whereis", [atom("cart")]);
    const replace = (value: unknown, at: number): unknown => {
      if (value instanceof Pid) return at === 0 && value.node.startsWith("h2e") ? cart : tool.pid;
      if (isTuple(value)) return tuple(...(Array.from(value).map(replace) as object[]));
      return isList(value) ? value.map(replace) : value;
    };
    return replace(term(hex), -1) as Term;
  }

  /** The answer to a recorded call by erpc, and the recorded one. */
  async function replayed(step: string): Promise<{ ours: unknown; theirs: unknown }> {
    const { asked: request, answers } = of(step);
    const [, module, name, args] = (await asked(request)) as [unknown, Atom, Atom, Term[]];
    const [, , theirs] = term(answers[0]!) as Term[];
    return { ours: await ask(module.tag, name.tag, args), theirs };
  }

  beforeEach(async () => {
    inbox = [];
    cluster = new Cluster();
    tool = await cluster.start("tool@sim", { onMessage: (message) => void inbox.push(message) });
    node = await cluster.start("ours@sim");
    const tree = Supervisor.of([child(Cart, { id: "cart", name: "cart" })]);
    await cluster.outcome(node.start(tree, { name: "tree" }));
    exposeObserver(node);
  });

  afterEach(async () => {
    await Promise.all([tool.stop(), node.stop()]);
  });

  test.each([
    "observer sys_info",
    "observer which_applications",
    "observer ets list",
    "observer ports",
    "process_info items",
    "process_info all",
    "translate_initial_call",
  ])("%s has the same form", async (step) => {
    const { ours, theirs } = await replayed(step);

    expect(differences(ours, theirs)).toEqual([]);
  });

  test("the attributes of a server's class name its behaviour", async () => {
    await replayed("translate_initial_call");

    const { theirs } = await replayed("module attributes");

    const behaviour = (list: unknown) => (list as Tuple[]).find(([key]) => key === atom("behaviour"));
    expect(behaviour(await ask("Cart", "module_info", [atom("attributes")]))).toEqual(behaviour(theirs));
  });

  test.each(["observer procs_info", "observer etop_collect"])(
    "%s sends the same, and ends with normal",
    async (step) => {
      const { spawned, answers } = of(step);
      const [module, name] = spawned!.split(":") as [string, string];

      const { pid } = (await cluster.outcome(
        tool.spawnRemote(node.name, module, name, [tool.pid], { link: true }),
      )) as { pid: Pid };
      await cluster.clock.settle();

      expect(differences(inbox[0], term(answers[0]!))).toEqual([]);
      expect(inbox.slice(1)).toEqual([tuple(atom("EXIT"), pid, term(answers[1]!) as Atom)]);
    },
  );

  test("fetch_stats sends the same again and again, until it is sent something", async () => {
    const { asked: request, answers } = of("observer fetch_stats");
    const [, ms] = term(request) as [Pid, number];

    const args = [tool.pid, ms];
    const { pid } = (await cluster.outcome(
      tool.spawnRemote(node.name, "observer_backend", "fetch_stats", args, { link: true }),
    )) as { pid: Pid };
    await cluster.clock.advance(3 * ms);
    void tool.send(pid, atom("stop"));
    await cluster.clock.advance(3 * ms);

    expect(inbox.slice(0, 3).flatMap((stats) => differences(stats, term(answers[0]!)))).toEqual([]);
    expect(inbox.slice(3)).toEqual([tuple(atom("EXIT"), pid, atom("normal"))]);
  });

  test("appmon delivers applications and their trees, again when they have changed, and ends with its client", async () => {
    const { ours } = await replayed("appmon start_link2");
    const server = (ours as Tuple)[1] as Pid;
    const about = (command: string, what: string) =>
      tuple(atom("$gen_cast"), tuple(tool.pid, atom(command), atom(what), true, []));

    void tool.send(server, about("app_ctrl", node.name));
    void tool.send(server, about("app", "tiebeam"));
    await cluster.clock.settle();
    const delivered = [...inbox];
    await cluster.clock.advance(10_000);
    expect(inbox).toEqual(delivered);
    await cluster.outcome(node.start(Cart, { name: "second" }));
    await cluster.clock.advance(2_000);

    expect(differences(delivered[0], term(of("appmon app_ctrl", "SEND_SENDER").answers[0]!))).toEqual([]);
    expect(differences(delivered[1], term(of("appmon app", "SEND_SENDER").answers[0]!))).toEqual([]);
    const [, , , , tree] = inbox.at(-1) as unknown as [unknown, unknown, unknown, unknown, Tuple];
    expect(inbox).toHaveLength(3);
    expect(tree[2]).toContainEqual(tuple(charlist("tree"), charlist("cart")));
    expect(tree[2]).toContainEqual(tuple(tree[0] as object, charlist("second")));
    await tool.stop();
    await cluster.clock.settle();
    expect(node.processInfo(server)).toBeUndefined();
  });
});
