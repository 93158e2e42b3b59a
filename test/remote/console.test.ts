import { describe, expect, test } from "vitest";
import { CallerWithConsole, Exposed, Spawner, startRex } from "../../src/node/index.ts";
import { type Output, startConsole, startLoggerProxy } from "../../src/remote/index.ts";
import { atom, charlist, ImproperList, Pid, Ref, type Term, tuple, tupleFrom } from "../../src/term/index.ts";
import { MemoryLogger, World } from "../support/world.ts";

const FROM = new Pid("there@host", 40, 2, 9);
const REF = new Ref("there@host", 9, [1, 2, 3]);

const term = (value: unknown) => value as Term;
const request = (...parts: unknown[]) => tupleFrom(parts);
const put = (...parts: unknown[]) => request(atom("put_chars"), ...parts);
const unicode = atom("unicode");
const latin1 = atom("latin1");
const ok = atom("ok");
const error = (reason: object) => tuple(atom("error"), reason);
const format = (text: string, ...args: unknown[]) => put(unicode, atom("io_lib"), atom("format"), [text, args]);

function world(output?: Output) {
  const logger = new MemoryLogger();
  const here = new World({ logger });
  const printed: string[] = [];
  startConsole(here.runtime, output ?? ((text) => void printed.push(text)));
  const leader = here.runtime.groupLeader!;
  const send = (message: unknown) =>
    here.runtime.accept({ op: "send", from: FROM, to: leader, message: message as Term });
  const replies = () => here.take().map((signal) => ("message" in signal ? signal.message : signal));
  return { here, logger, printed, leader, send, replies };
}

describe("the console", () => {
  test.each<[string, unknown, string[], unknown]>([
    ["text", put(unicode, "hå\n"), ["hå\n"], ok],
    ["chardata", put(unicode, [104, ["i", new ImproperList([33], "!")]]), ["hi!!"], ok],
    ["Latin-1 bytes", put(latin1, [new Uint8Array([0xe5]), 0xe4]), ["åä"], ok],
    ["text of a node without Unicode", put("abc"), ["abc"], ok],
    ["what io:format leaves to it", format("x~p ~ts~n", 1, "å"), ["x1 å\n"], ok],
    ["the same with a charlist", put(unicode, atom("io_lib"), atom("format"), [charlist("~w"), [1]]), ["1"], ok],
    ["the same in Latin-1", put(atom("io_lib"), atom("nl"), []), ["\n"], ok],
    ["io:write", put(unicode, atom("io_lib"), atom("write"), ["ab"]), ["<<97,98>>"], ok],
    ["several requests", request(atom("requests"), [put(unicode, "a"), put(unicode, "b")]), ["a", "b"], ok],
    [
      "several up to the first that fails",
      request(atom("requests"), [put(unicode, "a"), atom("what"), put(unicode, "b")]),
      ["a"],
      error(atom("request")),
    ],
    ["text that is none", put(unicode, atom("a")), [], error(tuple(atom("put_chars"), unicode, atom("a")))],
    ["wrong arguments of io:format", format("~p"), [], error(atom("format"))],
    ["a function that is not io_lib's", put(unicode, atom("os"), atom("cmd"), ["ls"]), [], error(atom("cmd"))],
    ["reading a line", request(atom("get_line"), unicode, "> "), [], atom("eof")],
    ["reading characters", request(atom("get_chars"), unicode, "> ", 3), [], atom("eof")],
    ["reading a term", request(atom("get_until"), unicode, "", atom("m"), atom("f"), []), [], error(atom("enotsup"))],
    ["its size", request(atom("get_geometry"), atom("columns")), [], error(atom("enotsup"))],
    ["its options", atom("getopts"), [], [tuple(atom("binary"), true), tuple(atom("encoding"), unicode)]],
    ["options as they are", request(atom("setopts"), [tuple(atom("encoding"), unicode)]), [], ok],
    ["other options", request(atom("setopts"), [tuple(atom("echo"), false)]), [], error(atom("enotsup"))],
    ["anything else", request(atom("fly"), 1), [], error(atom("request"))],
  ])("answers %s", async (_, asked, printed, answer) => {
    const { here, send, replies, ...seen } = world();
    send(tuple(atom("io_request"), FROM, REF, asked as object));
    await here.settle();
    expect(seen.printed).toEqual(printed);
    expect(replies()).toEqual([tuple(atom("io_reply"), REF, answer as object)]);
  });

  test("prints in order, however slow the output is, and answers when it is done", async () => {
    const printed: string[] = [];
    const gates: (() => void)[] = [];
    const { here, send, replies } = world((text) => {
      printed.push(text);
      return new Promise((resolve) => gates.push(resolve));
    });
    send(tuple(atom("io_request"), FROM, 1, put(unicode, "a")));
    send(tuple(atom("io_request"), FROM, 2, put(unicode, "b")));
    await here.settle();
    expect({ printed: [...printed], replies: replies() }).toEqual({ printed: ["a"], replies: [] });
    gates[0]!();
    await here.settle();
    expect({ printed, replies: replies() }).toEqual({
      printed: ["a", "b"],
      replies: [tuple(atom("io_reply"), 1, ok)],
    });
  });

  test("answers also when its output fails, and ignores what is no request", async () => {
    const { here, send, replies, logger } = world(() => Promise.reject(new Error("full")));
    send("hello");
    send(tuple(atom("io_request"), "nobody", REF, put(unicode, "a")));
    send(tuple(atom("io_request"), FROM, REF, put(unicode, "a")));
    await here.settle();
    expect(replies()).toEqual([tuple(atom("io_reply"), REF, error(atom("terminated")))]);
    expect(logger.lines).toHaveLength(1);
  });

  test("leads every process that is given no other leader, and a spawn request names it", async () => {
    const { here, leader } = world();
    const child = here.spawn();
    expect(child.groupLeader).toBe(leader);
    void here.runtime.spawns.send(child, "there@host", {
      module: "m",
      function: "f",
      args: [],
      link: false,
      monitor: undefined,
    });
    expect(here.take()).toMatchObject([{ op: "spawnRequest", groupLeader: leader }]);
  });
});

describe("an exposed function prints on the console of its caller", () => {
  function callee(output: (text: string) => void) {
    const { here, leader } = world(output);
    const exposed = new Exposed();
    exposed.add("m", {
      async greet(name: string) {
        await this.write(`hello ${name} `);
        await this.write(`of ${this.node}`);
        return ok;
      },
    });
    return { here, leader, exposed };
  }

  test("by spawn", async () => {
    const printed: string[] = [];
    const { here, leader, exposed } = callee((text) => printed.push(text));
    new Spawner(here.runtime, exposed);
    here.runtime.accept({
      op: "spawnRequest",
      ref: REF,
      from: FROM,
      groupLeader: leader,
      module: "m",
      function: "greet",
      arity: 1,
      options: [],
      args: ["joe"],
    });
    await here.settle();
    expect(printed).toEqual(["hello joe ", "of there@host"]);
    expect(here.runtime.counts()).toMatchObject({ processes: 2, watches: 0 });
  });

  test("by rex: on ours where it names user, and on a C node's own standard output", async () => {
    const printed: string[] = [];
    const { here, exposed } = callee((text) => printed.push(text));
    startRex(here.runtime, exposed);
    const call = (leader: string) => request(atom("call"), atom("m"), atom("greet"), ["joe"], atom(leader));
    const toRex = (message: object) =>
      here.runtime.accept({ op: "sendName", from: FROM, to: "rex", message: term(tuple(FROM, message)) });
    toRex(call("user"));
    await here.settle();
    expect(printed.join("")).toBe("hello joe of there@host");
    here.take();
    toRex(call("send_stdout_to_caller"));
    await here.settle();
    expect(here.take()).toMatchObject([
      { message: tuple(atom("rex_stdout"), "hello joe ") },
      { message: tuple(atom("rex_stdout"), "of there@host") },
      { message: tuple(atom("rex"), ok) },
    ]);
  });

  test("and hears when it is gone", async () => {
    const { here } = world();
    const nobody = new Pid("here@host", 4000, 0, 7);
    const caller = new CallerWithConsole(here.runtime, "there@host", nobody);
    const written = caller.write("hello").catch((error: unknown) => error);
    await here.settle();
    caller.close();
    expect(await written).toMatchObject({ code: "EXIT_NOPROC" });
  });
});

describe("logger_proxy", () => {
  test.each<[string, unknown[], string]>([
    ["a format", [atom("error"), charlist("Error in ~p~n~p~n"), [atom("p"), "why"], {}], 'Error in p\n<<"why">>'],
    ["a wrong format", [atom("error"), "~p", [], {}], '<<"~p">> []'],
    ["a text", [atom("warning"), charlist("late"), {}], "late"],
    ["a report", [atom("error"), { label: atom("x") }, {}], "#{label => x}"],
  ])("logs %s", async (_, event, line) => {
    const { here, logger } = world();
    startLoggerProxy(here.runtime);
    here.runtime.accept({
      op: "sendName",
      from: FROM,
      to: "logger_proxy",
      message: term(tupleFrom([atom("log"), ...event])),
    });
    await here.settle();
    expect(logger.lines).toEqual([line]);
  });
});
