import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  type Atom,
  atom,
  Exit,
  GenServer,
  inspect,
  isTuple,
  mod,
  type Node,
  Pid,
  type ProcessName,
  type Term,
  tuple,
} from "../../src/index.ts";
import { describePeers, freePort, uniqueName } from "../harness/index.ts";
import { startCommand, startProcess } from "../providers/index.ts";
import { nodeBeside } from "../support/our-node.ts";
import { Puppet } from "../support/puppet.ts";
import { noRabbit, Rabbit } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";

const COOKIE = "same";
const peerFile = (name: string) => fileURLToPath(new URL(`../peer/${name}`, import.meta.url));

/** A node of ours that serves epmd where nobody else does, with a function to call. */
async function hostWithEpmd(host: string): Promise<{ node: Node; epmdPort: number; comers: string[] }> {
  const epmdPort = await freePort();
  const name = `${uniqueName("ours")}@${host}`;
  const node = await nodeBeside({ cookie: COOKIE, epmdPort }, { name, epmd: "auto" });
  node.expose(mod("Billing"), { quote: (...args: Term[]) => tuple(atom("ok"), ...(args as string[])) });
  const comers: string[] = [];
  node.monitorNodes(({ type, node }) => type === "nodeup" && comers.push(node));
  return { node, epmdPort, comers };
}

describePeers("erl_call", {}, (release) => {
  test.each([
    { how: "by a long name", host: "127.0.0.1", flags: (node: Node) => ["-name", node.name] },
    { how: "by a short name and its host", host: "localhost", flags: (node: Node) => ["-sname", node.name] },
    { how: "by a short name", host: "localhost", flags: (node: Node) => ["-sname", node.name.split("@")[0]!] },
    { how: "by a name that is completed", host: "localhost", flags: (node: Node) => ["-n", node.name] },
    { how: "by its port", host: "127.0.0.1", flags: (node: Node) => ["-address", `127.0.0.1:${node.port}`] },
  ])("reaches our node $how, and with -r and -R", async ({ host, flags }) => {
    const { node, epmdPort, comers } = await hostWithEpmd(host);
    await using _ = node;
    const outputs: unknown[] = [];

    for (const more of [[], ["-r"], ["-R"]]) {
      const call = ["-c", COOKIE, ...more, ...flags(node), "-a", "Elixir.Billing quote [sku]"];
      const env = { ERL_EPMD_PORT: String(epmdPort) };
      const command = await startCommand(release, { argv: ["erl_call", ...call], env });
      outputs.push(await command.exited, command.output());
    }

    expect(outputs).toEqual(Array(3).fill([0, "{ok, sku}"]).flat());
    // The last one asked for its name, as nodes with a dynamic name do.
    expect(comers.length).toBe(3);
    expect(comers[2]).toMatch(/^[0-9A-Z]+@/);
    expect(node.stats()).toMatchObject({ connecting: 0, monitored: 0 });
  });
});

describePeers("erl_call's other flags", {}, (release) => {
  /** Runs it against our node, with text for its input. */
  async function erlCall(node: Node, epmdPort: number, flags: string, input = "") {
    const command = `printf %s "$INPUT" | erl_call -c ${COOKIE} -name ${node.name} ${flags}`;
    const env = { ERL_EPMD_PORT: String(epmdPort), INPUT: input };
    const { exited, output } = await startCommand(release, { argv: ["sh", "-c", command], env });
    return [await exited, output()];
  }

  test("do with our node what they do with a BEAM", async () => {
    const { node, epmdPort, comers } = await hostWithEpmd("127.0.0.1");
    await using _ = node;
    const call = "-a 'Elixir.Billing quote [sku]'";

    expect(await erlCall(node, epmdPort, `-h client ${call}`)).toEqual([0, "{ok, sku}"]);
    expect(comers).toEqual([expect.stringMatching(/^client@/)]);
    // A node that is there is not started by -s.
    expect(await erlCall(node, epmdPort, `-s ${call}`)).toEqual([0, "{ok, sku}"]);
    expect((await erlCall(node, epmdPort, `-v ${call}`))[1]).toMatch(/connected to node.*\{ok, sku\}$/s);
    if (Number(release.otp) < 25) return; // These came later.
    expect(await erlCall(node, epmdPort, `-fetch_stdout ${call}`)).toEqual([0, "{ok, sku}"]);
    expect(await erlCall(node, epmdPort, `-no_result_term ${call}`)).toEqual([0, ""]);
    expect(await erlCall(node, epmdPort, `-timeout 5 ${call}`)).toEqual([0, "{ok, sku}"]);
    expect(node.stats()).toMatchObject({ peers: [], refused: 0 });
  });

  test("that evaluate, load or halt are refused, and the node works on", async () => {
    const { node, epmdPort } = await hostWithEpmd("127.0.0.1");
    await using _ = node;

    const [ended, output] = await erlCall(node, epmdPort, "-e", "halt().");
    await erlCall(node, epmdPort, "-m", "-module(m). -export([f/0]). f() -> 1.");
    await erlCall(node, epmdPort, "-q");

    expect([ended, output]).toEqual([0, expect.stringMatching(/^\{badrpc, \{'EXIT', \{undef, /)]);
    expect(node.stats().refused).toBeGreaterThanOrEqual(3);
    expect(await erlCall(node, epmdPort, "-a 'Elixir.Billing quote [sku]'")).toEqual([0, "{ok, sku}"]);
  });
});

const jar = "/usr/share/java/OtpErlang.jar";
const noJava = existsSync(jar) && existsSync("/usr/bin/javac") ? undefined : "no jinterface, or no JDK";

describe("a node of jinterface", () => {
  test("pings our node, calls a server, links, unlinks and gets an exit; its own end reaches our process", async (context) => {
    if (noJava) return context.skip(noJava);
    const { node, epmdPort } = await hostWithEpmd("127.0.0.1");
    await using _ = node;
    const puppet = await node.start(Puppet, { name: "puppet" });
    const guide = await startGuide(node);
    const java = await startProcess({
      argv: ["java", "-cp", jar, peerFile("JavaNode.java"), `${uniqueName("java")}@127.0.0.1`, COOKIE, node.name],
      env: { ERL_EPMD_PORT: String(epmdPort) },
    });

    const ended = await java.exited;

    expect(java.output().trim().split("\n")).toEqual([
      "ping: true",
      'reply: true "grüße"',
      "exit: true over",
      "told: linked",
      "ping: true",
    ]);
    expect(ended).toBe(0);
    await until(() => guide.ends.length === 1 && node.peers().length === 0);
    expect(guide.ends).toEqual(["EXIT :done"]);
    expect(node.processInfo(guide.second)).toMatchObject({ links: [], monitors: [], monitoredBy: [] });
    expect(await puppet.call(atom("seen"))).toEqual([]);
    expect(node.stats()).toMatchObject({ peers: [], connecting: 0, monitored: 0 });
  });
});

describe("a node of jinterface that serves", () => {
  test("is called by our processes, and sees the exit of one that is linked to it", async (context) => {
    if (noJava) return context.skip(noJava);
    const { node, epmdPort } = await hostWithEpmd("127.0.0.1");
    await using _ = node;
    const puppet = await node.start(Puppet);
    const name = `${uniqueName("java")}@127.0.0.1`;
    const java = await startProcess({
      argv: ["java", "-cp", jar, peerFile("JavaNode.java"), name, COOKIE, "serve"],
      env: { ERL_EPMD_PORT: String(epmdPort) },
    });
    await until(() => java.output().includes("serving"), 60_000);
    const echo = (request: object) =>
      node.call<[Term, Pid]>({ name: "echo", node: name }, request, { timeoutMs: 30_000 });

    const [request, pid] = await echo(tuple(atom("order"), 7, "grüße", [1.5, null]));
    await puppet.call(tuple(atom("link"), pid));
    await puppet.call(tuple(atom("exit"), atom("over"))).catch(() => {});
    const ended = await java.exited;

    expect(inspect(request)).toBe('{:order, 7, "grüße", [1.5, nil]}');
    expect(java.output()).toBe("serving: echo\nexit: over\n");
    expect(ended).toBe(0);
    await until(() => node.peers().length === 0);
  }, 120_000);
});

/** The process `guide`, which tells who asks for the pids of two others: one that may die, one that traps exits. */
async function startGuide(node: Node) {
  const ends: string[] = [];
  class First extends GenServer {
    override handleInfo() {
      throw new Exit(atom("over"));
    }
  }
  class Second extends GenServer {
    override init() {
      this.process.trapExit = true;
    }
    override handleInfo(message: Term) {
      if (isTuple(message)) ends.push(`EXIT ${inspect(message[2])}`);
      else void this.process.send(asked!, message);
    }
  }
  let asked: Pid | undefined;
  const first = await node.start(First);
  const second = await node.start(Second);
  class Guide extends GenServer {
    override handleInfo(from: Term) {
      if (!(from instanceof Pid)) return;
      asked = from;
      void this.process.send(from, tuple(first.pid, second.pid));
    }
  }
  await node.start(Guide, { name: "guide" });
  return { ends, second: second.pid };
}

describe("a C node", () => {
  test("of erl_interface calls a server and a function that is exposed, and no other", async (context) => {
    using built = await buildCNode();
    if ("reason" in built) return context.skip(built.reason);
    const { node, epmdPort, comers } = await hostWithEpmd("127.0.0.1");
    await using _ = node;
    await node.start(Puppet, { name: "puppet" });
    const name = `${uniqueName("cnode")}@127.0.0.1`;
    const env = { ERL_EPMD_PORT: String(epmdPort) };

    const cNode = await startProcess({ argv: [built.program, name, COOKIE, node.name], env });
    await cNode.exited;

    const [reply, quote, cmd] = cNode.output().trim().split("\n");
    expect(reply).toBe("reply: 1.500000");
    expect(quote).toBe("quote: {ok, sku}");
    expect(cmd).toMatch(/^cmd: \{badrpc, \{'EXIT', \{undef, /);
    expect(comers).toEqual([name]);
  });
});

describe("a C node that serves", () => {
  test("is called by our processes, and sees when it is cut off", async (context) => {
    using built = await buildCNode();
    if ("reason" in built) return context.skip(built.reason);
    const { node, epmdPort } = await hostWithEpmd("127.0.0.1");
    await using _ = node;
    const name = `${uniqueName("cnode")}@127.0.0.1`;
    const env = { ERL_EPMD_PORT: String(epmdPort) };
    const cNode = await startProcess({ argv: [built.program, name, COOKIE, "serve"], env });
    await until(() => cNode.output().includes("listening"), 30_000);

    const echoed = await node.call({ name: "echo", node: name }, tuple(atom("order"), 7, "grüße", [1.5, null]));
    const many = await Promise.all([1, 2, 3].map((n) => node.call({ name: "echo", node: name }, n)));
    const peers = node.peers();
    node.disconnect(name);
    await cNode.exited;

    expect(inspect(echoed)).toBe('{:order, 7, "grüße", [1.5, nil]}');
    expect(many).toEqual([1, 2, 3]);
    expect(peers).toEqual([name]);
    expect(cNode.output()).toBe(`listening\naccepted: ${node.name}\ncut off\n`);
  }, 60_000);
});

/** Compiles the C node, or says why that cannot be. */
async function buildCNode(): Promise<Disposable & ({ readonly program: string } | { readonly reason: string })> {
  const folder = mkdtempSync(join(tmpdir(), "tiebeam-c-node-"));
  const program = join(folder, "c_node");
  const build = `root=$(ls -d /usr/lib/erlang/lib/erl_interface-*) &&
    cc -D_REENTRANT -o "$PROGRAM" -I$root/include "$SOURCE" -L$root/lib -lei -lpthread`;
  const env = { PROGRAM: program, SOURCE: peerFile("c_node.c") };
  const compiler = await startProcess({ argv: ["sh", "-c", build], env });
  const ended = await compiler.exited;
  const result = ended === 0 ? { program } : { reason: `no C node: ${compiler.output().split("\n")[0]}` };
  return { ...result, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

describe("a RabbitMQ node", () => {
  test("answers our pings, calls and monitors, and its end is told once to each monitor", async (context) => {
    const reason = noRabbit();
    if (reason) return context.skip(reason);
    await using rabbit = await Rabbit.start();
    await using node = await nodeBeside(rabbit);
    const at = (name: ProcessName) => ({ name, node: rabbit.name });
    const downs: string[] = [];
    const monitor = (name: string) => {
      node.monitor(at(name), ({ reason }) => downs.push(`${name} ${inspect(reason)}`));
    };

    expect(await node.call(at("net_kernel"), tuple(atom("is_auth"), atom(node.name)))).toBe(atom("yes"));
    expect(await node.call(at("rabbit_node_monitor"), atom("partitions"))).toEqual([]);
    const running = await node.call<[Atom, ...Term[]][]>(at("application_controller"), atom("which_applications"));
    expect(running.map(([name]) => name.tag)).toContain("rabbit");
    monitor("no_such_process");
    monitor("rabbit");
    monitor("rabbit_node_monitor");
    await until(() => downs.length === 1);
    expect(downs.splice(0)).toEqual(["no_such_process :noproc"]);
    expect(node.peers()).toEqual([rabbit.name]);

    await rabbit.kill();
    await until(() => downs.length === 2 && node.peers().length === 0);
    expect(downs.sort()).toEqual(["rabbit :noconnection", "rabbit_node_monitor :noconnection"]);
    await expect(node.call(at("rabbit"), 1)).rejects.toMatchObject({ code: "NODEDOWN" });
  }, 180_000);

  test("is asked by rpc for what rabbitmqctl asks it for, through a restart of its application and one of its node", async (context) => {
    const reason = noRabbit();
    if (reason) return context.skip(reason);
    await using rabbit = await Rabbit.start();
    await using node = await nodeBeside(rabbit, {
      keepConnected: [rabbit.name],
      reconnect: { minDelayMs: 50, maxDelayMs: 200 },
    });
    const ends: string[] = [];
    node.monitorNodes(({ type }) => ends.push(type));
    const ask = <T>(module: string, name: string, ...args: unknown[]) =>
      node.rpc.call<T>(rabbit.name, module, name, args, { timeoutMs: 30_000 });
    const monitor = () =>
      node.monitor({ name: "rabbit_node_monitor", node: rabbit.name }, ({ reason }) =>
        ends.push(`DOWN ${inspect(reason)}`),
      );
    const listQueues = () => ask<Term[][]>("rabbit_amqqueue", "info_all", "/", [atom("name"), atom("messages")]);
    const orders = tuple(atom("resource"), "/", atom("queue"), "orders");

    const status = await ask<[Atom, Term][]>("rabbit", "status");
    const before = await listQueues();
    const made = await ask<Term[]>("rabbit_amqqueue", "declare", orders, true, false, [], atom("none"), "guest");
    const listed = await listQueues();

    expect(status.map(([key]) => key.tag)).toEqual(
      expect.arrayContaining(["pid", "running_applications", "listeners"]),
    );
    expect(await ask("rabbit_alarm", "get_alarms")).toEqual([]);
    expect(await ask("rabbit_vhost", "list_names")).toEqual(["/"]);
    expect(before).toEqual([]);
    expect(made[0]).toBe(atom("new"));
    expect(inspect(listed)).toBe('[[name: {:resource, "/", :queue, "orders"}, messages: 0]]');

    await until(() => ends.length === 1);
    expect(ends.splice(0)).toEqual(["nodeup"]);

    // rabbitmqctl stop_app, start_app. A boot that has said it is complete may still be marked as one that goes on, and
    // as long as it is, RabbitMQ answers a start with ok and does nothing.
    const isBooting = async () => (await ask("erlang", "whereis", atom("rabbit_boot"))) !== atom("undefined");
    await until(async () => !(await isBooting()), 30_000);
    monitor();
    expect(await ask("rabbit", "stop")).toBe(atom("ok"));
    await until(() => ends.length > 0, 30_000);
    expect(ends.splice(0)).toEqual(["DOWN :shutdown"]);
    expect(await ask("rabbit", "is_running")).toBe(false);
    expect(await ask("rabbit", "start")).toBe(atom("ok"));
    expect(inspect(await listQueues())).toBe(inspect(listed));

    monitor();
    await rabbit.kill();
    await until(() => ends.length === 2);
    expect(ends.splice(0).sort()).toEqual(["DOWN :noconnection", "nodedown"]);
    await rabbit.startAgain();
    await until(() => ends.includes("nodeup"), 30_000);
    expect(inspect(await listQueues())).toBe(inspect(listed));
    expect(await node.erpc.call(rabbit.name, "rabbit", "is_running", [])).toBe(true);
  }, 180_000);
});
