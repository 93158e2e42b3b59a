import { describe, expect, test } from "vitest";
import type { StandardSchemaV1 } from "../../src/base/index.ts";
import { Exposed } from "../../src/node/index.ts";
import { Exit } from "../../src/runtime/index.ts";
import { atom, ImproperList, mod, tuple } from "../../src/term/index.ts";

const BILLING = mod("Billing");
const undef = (...mfa: [object, object, unknown]) => ({
  kind: "error",
  reason: atom("undef"),
  stack: [tuple(mfa[0], mfa[1], mfa[2] as object, [])],
});

/** Takes numbers, and texts of numbers. */
const oneNumber: StandardSchemaV1<unknown, readonly unknown[]> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: async (args) => {
      const number = Number((args as unknown[])[0]);
      return Number.isNaN(number) ? { issues: [{ message: "is no number", path: [0] }] } : { value: [number] };
    },
  },
};

describe("exposed functions", () => {
  test("take any number of arguments by name, or one by name and arity", async () => {
    const exposed = new Exposed();
    exposed.add(BILLING, { sum: (...all: number[]) => all.length, "quote/1": (sku: string) => sku });
    expect(await exposed.call("a@host", BILLING, atom("sum"), [1, 2])).toEqual({ kind: "return", value: 2 });
    expect(await exposed.call("a@host", BILLING, atom("quote"), ["x"])).toEqual({ kind: "return", value: "x" });
    expect(await exposed.call("a@host", BILLING, atom("quote"), [])).toEqual(undef(BILLING, atom("quote"), []));
    expect(await exposed.call("a@host", BILLING, atom("quote/1"), [])).toEqual(undef(BILLING, atom("quote/1"), []));
  });

  test.each([
    ["what is no function", { first() {}, second: 5 }, {}],
    ["what is exposed already", { first() {}, taken() {} }, {}],
    ["a schema that is none", { first() {} }, { schema: { first: 5 } }],
    ["a schema of no function", { first() {} }, { schema: { other: oneNumber } }],
    ["a text in place of a list of peers", { first() {} }, { peers: "a@host" }],
    ["peers that are no nodes", { first() {} }, { peers: ["a"] }],
    ["nothing", null, {}],
  ])("are all there or not at all: %s", async (_, functions, options) => {
    const exposed = new Exposed();
    exposed.add("m", { taken() {} });

    const attempt = () => exposed.add("m", functions as never, options as never);

    expect(attempt).toThrow(expect.objectContaining({ code: "BADARG" }));
    expect([
      exposed.has("a@host", atom("m"), atom("first"), 0),
      exposed.has("a@host", atom("m"), atom("taken"), 0),
    ]).toEqual([false, true]);
  });

  test("are taken back once: what is exposed anew by then stays", () => {
    const exposed = new Exposed();
    const withdraw = exposed.add("m", { run() {} });
    withdraw();
    exposed.add("m", { run() {} });

    withdraw();

    expect(exposed.has("a@host", atom("m"), atom("run"), 0)).toBe(true);
  });

  test("end with badarg when the arguments are no proper list", async () => {
    const args = new ImproperList([1], 2);
    const stack = [tuple(atom("erlang"), atom("apply"), [BILLING, atom("sum"), args], [])];
    expect(await new Exposed().call("a@host", BILLING, atom("sum"), args)).toEqual({
      kind: "error",
      reason: atom("badarg"),
      stack,
    });
  });

  test("end in Erlang's classes", async () => {
    const exposed = new Exposed();
    exposed.add("m", {
      throws: () => {
        throw atom("ball");
      },
      exits: () => {
        throw new Exit(atom("gone"));
      },
      fails: async () => {
        throw new RangeError("too far");
      },
    });
    expect(await exposed.call("a@host", atom("m"), atom("throws"), [])).toEqual({ kind: "throw", value: atom("ball") });
    expect(await exposed.call("a@host", atom("m"), atom("exits"), [])).toEqual({ kind: "exit", reason: atom("gone") });
    expect(await exposed.call("a@host", atom("m"), atom("fails"), [])).toMatchObject({
      kind: "error",
      reason: { __struct__: atom("Elixir.RuntimeError"), message: "RangeError: too far" },
    });
  });

  test("can be for some nodes only, and do not exist for others", async () => {
    const exposed = new Exposed();
    exposed.add("m", { secret: () => 1 }, { peers: ["a@host"] });
    expect(await exposed.call("a@host", atom("m"), atom("secret"), [])).toEqual({ kind: "return", value: 1 });
    expect(await exposed.call("b@host", atom("m"), atom("secret"), [])).toEqual(undef(atom("m"), atom("secret"), []));
  });

  test("can have their arguments checked, and changed, by a Standard Schema", async () => {
    const exposed = new Exposed();
    exposed.add("m", { double: (n: number) => 2 * n, other: () => 1 }, { schema: { double: oneNumber } });
    const call = (args: unknown[]) => exposed.call("a@host", atom("m"), atom("double"), args);
    expect(await call(["21"])).toEqual({ kind: "return", value: 42 });
    expect(await call(["x"])).toEqual({
      kind: "error",
      reason: { __struct__: mod("ArgumentError"), __exception__: true, message: "0: is no number" },
      stack: [tuple(atom("m"), atom("double"), ["x"], [])],
    });
    expect(await exposed.call("a@host", atom("m"), atom("other"), ["x"])).toEqual({ kind: "return", value: 1 });
    expect(() => exposed.add("n", {}, { schema: { double: oneNumber } })).toThrow(
      expect.objectContaining({ code: "BADARG", argument: "schema" }),
    );
  });

  test.each([
    [atom("os"), atom("cmd"), ["ls"]],
    [atom("m"), atom("constructor"), []],
    [tuple(), 1, []],
  ])("and nothing else: %s:%s with %s", async (module, name, args) => {
    const exposed = new Exposed();
    exposed.add("m", { f: () => 1 });
    expect(await exposed.call("a@host", module, name, args)).toMatchObject({ kind: "error", reason: atom("undef") });
  });

  test("can be taken back, and not be given twice", async () => {
    const exposed = new Exposed();
    const takeBack = exposed.add("m", { f: () => 1 });
    expect(() => exposed.add("m", { f: () => 2 })).toThrow(expect.objectContaining({ code: "BADARG" }));
    takeBack();
    expect(await exposed.call("a@host", atom("m"), atom("f"), [])).toMatchObject({ kind: "error" });
  });
});
