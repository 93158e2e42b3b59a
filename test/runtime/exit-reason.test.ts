import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { NodeDownError } from "../../src/base/index.ts";
import { Exit, raised, reasonOf } from "../../src/runtime/index.ts";
import { atom, inspect, type Tuple, tuple } from "../../src/term/index.ts";

type Frame = Tuple<[module: unknown, name: unknown, arity: number, location: readonly Tuple[]]>;

function exceptionOf(error: unknown): { message: string; stack: readonly Frame[] } {
  const [exception, stack] = reasonOf(error) as Tuple<[{ message: string }, readonly Frame[]]>;
  expect(exception).toMatchObject({ __struct__: atom("Elixir.RuntimeError"), __exception__: true });
  return { message: exception.message, stack };
}

class OutOfStock extends Error {}

class Cart {
  add(): unknown {
    return reasonOf(new OutOfStock("no sku-1"));
  }
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe("the exit reason of an error", () => {
  test("names class, message, file and line", () => {
    const [exception, [place]] = new Cart().add() as [{ message: string }, Frame[]];
    expect(exception.message).toBe("OutOfStock: no sku-1");
    expect(inspect(place)).toMatch(/^\{:Cart, :add, 0, \[file: ~c"exit-reason.test.ts", line: 19\]\}$/);
  });

  test.each([
    [new TypeError("a"), "TypeError: a"],
    [new Error("a"), "Error: a"],
    [Object.assign(new Error("a"), { name: "Named" }), "Named: a"],
    [runInNewContext("new RangeError('other realm')"), "RangeError: other realm"],
    [
      new TypeError("fetch failed", { cause: new Error("refused") }),
      "TypeError: fetch failed, caused by Error: refused",
    ],
    [new Error("a", { cause: tuple(atom("error"), 1) }), "Error: a, caused by {:error, 1}"],
    [new Error("a", { cause: null }), "Error: a, caused by nil"],
    [new AggregateError([new Error("a"), "b"], "both"), 'AggregateError: both (Error: a; "b")'],
    [new Error("lone \ud800"), "Error: lone \ufffd"],
  ])("%s says %s", (error, message) => {
    expect(exceptionOf(error).message).toBe(message);
  });

  test.each([
    [
      "a getter that throws",
      {
        get message() {
          throw new Error("no message");
        },
      },
    ],
    ["a name that is a symbol", { name: Symbol("n") }],
    ["a cause without a text", { cause: Object.assign(Object.create(null), { f() {} }) }],
  ])("%s still gives one", (_, properties) => {
    const error = Object.defineProperties(new Error("a"), Object.getOwnPropertyDescriptors(properties));
    expect(inspect(reasonOf(error))).toMatch(/without a text/);
  });

  test.each([
    ["neither a term nor a text", Object.assign(Object.create(null), { f() {} })],
    ["a proxy that is revoked", revoked()],
  ])("is there for what is thrown and is %s", (_, thrown) => {
    expect(inspect(reasonOf(thrown))).toBe('{{:nocatch, "a value without a text"}, [{:javascript, :throw, 1, []}]}');
  });

  test("of causes without end tells some of them", () => {
    const error = new Error("a");
    error.cause = error;
    expect(exceptionOf(error).message.match(/caused by/g)).toHaveLength(8);
  });

  test("of many errors tells some, and how many more there are", () => {
    const within = new AggregateError([new Error("not told of")], "some");
    const error = new AggregateError(Array.from({ length: 20 }).fill(within));
    expect(exceptionOf(error).message).toMatch(/^AggregateError: {2}\((AggregateError: some; ){8}12 more\)$/);
  });

  test("has no places out of its message", () => {
    const { stack } = exceptionOf(new Error("text\n    at Evil.fake (evil.ts:1:1)"));
    expect(inspect(stack)).not.toContain("Evil");
  });

  test("is made in no time of a stack that is made to be slow", () => {
    const error = new Error("x");
    error.stack = `Error\n    at ${"a (".repeat(100_000)}`;
    const started = performance.now();
    exceptionOf(error);
    expect(performance.now() - started).toBeLessThan(200);
  });

  test.each([undefined, "", 7, "no frames"])("has a place even if the stack is %j", (stack) => {
    const error = Object.assign(new Error("a"), { stack });
    expect(inspect(exceptionOf(error).stack)).toBe("[{:javascript, :throw, 1, []}]");
  });

  test("tells of thirty places at most", () => {
    const error = new Error("a");
    error.stack = `Error: a\n${"    at f (x.ts:1:1)\n".repeat(100)}`;
    expect(exceptionOf(error).stack).toHaveLength(30);
  });

  test.each([
    ["    at Object.add [as x] (/app/src/cart.ts:12:5)", '{:Object, :add, 0, [file: ~c"cart.ts", line: 12]}'],
    ["    at async Cart.add (file:///app/cart.ts:1:2)", '{:Cart, :add, 0, [file: ~c"cart.ts", line: 1]}'],
    ["    at new Cart (C:\\app\\cart.js:1:2)", '{:javascript, :Cart, 0, [file: ~c"cart.js", line: 1]}'],
    ["    at file:///app/cart.ts:3:4", '{:javascript, :anonymous, 0, [file: ~c"cart.ts", line: 3]}'],
    [
      "    at node:internal/process/task_queues:105:5",
      '{:javascript, :anonymous, 0, [file: ~c"task_queues", line: 105]}',
    ],
  ])("reads %s", (line, frame) => {
    const error = new Error("a");
    error.stack = `Error: a\n${line}\n    at new Promise (<anonymous>)`;
    expect(inspect(exceptionOf(error).stack)).toBe(`[${frame}]`);
  });
});

describe("the exit reason of anything else that is thrown", () => {
  test.each([
    ["text", '"text"'],
    [tuple(atom("a"), 1), "{:a, 1}"],
    [undefined, "nil"],
    [Symbol("s"), '"Symbol(s)"'],
    [() => 1, '"() => 1"'],
  ])("%s is a throw that nobody catches", (thrown, text) => {
    expect(inspect(reasonOf(thrown))).toBe(`{{:nocatch, ${text}}, [{:javascript, :throw, 1, []}]}`);
  });

  test("an Exit is its reason, whatever that is", () => {
    expect(reasonOf(new Exit(tuple(atom("shutdown"), 1)))).toEqual(tuple(atom("shutdown"), 1));
  });

  test("the loss of a node is nodedown", () => {
    expect(inspect(reasonOf(new NodeDownError("a@b", "gone")))).toBe("{:nodedown, :a@b}");
  });

  test("what Elixir raises has no class in its message", () => {
    expect(exceptionOf(raised("attempted in vain")).message).toBe("attempted in vain");
  });
});
