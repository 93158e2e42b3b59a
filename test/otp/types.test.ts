import { describe, expectTypeOf, test } from "vitest";
import {
  type Address,
  type Atom,
  atom,
  atoms,
  type CallResult,
  type Calls,
  type Casts,
  child,
  GenServer,
  type ListedChild,
  mod,
  type Node,
  noReply,
  type Pid,
  reply,
  type Schemas,
  type Server,
  type StandardSchemaV1,
  Supervisor,
  stop,
  type Term,
  type Tuple,
  tuple,
} from "../../src/index.ts";

interface Order {
  id: string;
  lines: { sku: string; count: number }[];
}

interface ShopApi {
  price(sku: string): number;
  find(id: string): Tuple<[Atom<"ok">, Order]> | Tuple<[Atom<"error">, Atom<"not_found"> | Atom<"closed">]>;
  place(order: Order): Atom<"ok">;
  reload(): Atom<"ok">;
  forget(id: string): void;
}

declare const node: Node;
declare const shop: Server<ShopApi>;
declare const order: Order;

/** Bodies of these tests are checked by the compiler and never run. */
const checked = (_body: () => unknown) => {};

describe("a server's interface", () => {
  test("gives each request the type of its reply", () => {
    checked(async () => {
      expectTypeOf(await shop.call(tuple(atom("price"), "sku-1"))).toEqualTypeOf<number>();
      expectTypeOf(await shop.call(atom("reload"))).toEqualTypeOf<Atom<"ok">>();
      expectTypeOf(await shop.call(tuple(atom("reload")))).toEqualTypeOf<Atom<"ok">>();
    });
  });

  test("lets results narrow by their tag", () => {
    checked(async () => {
      const result = await shop.call(tuple(atom("find"), "a"));
      switch (result.tag) {
        case "ok":
          expectTypeOf(result[1]).toEqualTypeOf<Order>();
          break;
        case "error":
          expectTypeOf(result[1].tag).toEqualTypeOf<"not_found" | "closed">();
      }
    });
  });

  test("accepts ordinary interfaces in requests", () => {
    checked(() => {
      expectTypeOf(shop.call(tuple(atom("place"), order))).toEqualTypeOf<Promise<Atom<"ok">>>();
    });
  });

  test("refuses what is no operation of it", () => {
    checked(() => {
      // @ts-expect-error there is no such operation
      void shop.call(tuple(atom("prize"), "sku-1"));
      // @ts-expect-error the argument is a string
      void shop.call(tuple(atom("price"), 1));
      // @ts-expect-error the argument is missing
      void shop.call(tuple(atom("price")));
      // @ts-expect-error an operation with arguments cannot be asked for by its atom
      void shop.call(atom("price"));
      // @ts-expect-error a cast is not called
      void shop.call(tuple(atom("forget"), "a"));
      // @ts-expect-error a call is not cast
      void shop.cast(tuple(atom("price"), "sku-1"));
      void shop.cast(tuple(atom("forget"), "a"));
    });
  });

  test("is not needed: any request, any reply", () => {
    checked(async () => {
      const server = node.server({ name: mod("Shop"), node: "shop@127.0.0.1" });
      expectTypeOf(await server.call({ some: order })).toEqualTypeOf<Term>();
      expectTypeOf(await node.call(server.target, order)).toEqualTypeOf<Term>();
    });
  });
});

describe("a table of calls", () => {
  test("needs an entry for each operation, with its reply", () => {
    class Shop extends GenServer<ShopApi> {
      #prices = new Map<string, number>();
      static readonly calls: Calls<Shop, ShopApi> = {
        price(sku) {
          expectTypeOf(sku).toEqualTypeOf<string>();
          return reply(this.#prices.get(sku) ?? 0);
        },
        async find(id) {
          return id === "" ? reply(tuple(atom("error"), atom("not_found"))) : reply(tuple(atom("ok"), order));
        },
        place: () => noReply(),
        reload: () => stop(atom("normal"), atom("ok")),
      };
      static readonly casts: Casts<Shop, ShopApi> = { forget: (id) => void expectTypeOf(id).toEqualTypeOf<string>() };
    }
    checked(async () => {
      const started = await node.start(Shop, { name: "shop" });
      expectTypeOf(await started.call(tuple(atom("price"), "a"))).toEqualTypeOf<number>();
    });
  });

  test("does not compile when one is missing, unknown, or replies with something else", () => {
    const { ok } = atoms("ok");
    class Shop extends GenServer<Pick<ShopApi, "price" | "reload">> {
      // @ts-expect-error reload is missing
      static readonly missing: Calls<Shop, Pick<ShopApi, "price" | "reload">> = { price: () => reply(1) };
      static readonly wrong: Calls<Shop, Pick<ShopApi, "price" | "reload">> = {
        // @ts-expect-error a price is a number
        price: () => reply("1"),
        reload: () => reply(ok),
      };
      static readonly extra: Calls<Shop, Pick<ShopApi, "price" | "reload">> = {
        price: () => reply(1),
        reload: () => reply(ok),
        // @ts-expect-error is no operation
        repay: () => reply(ok),
      };
      static readonly bare: Calls<Shop, Pick<ShopApi, "price" | "reload">> = {
        // @ts-expect-error a result is made by reply, noReply or stop
        price: () => 1,
        reload: () => reply(ok),
      };
    }
    void Shop;
  });
});

describe("schemas of requests", () => {
  const list = <A>(): StandardSchemaV1<unknown, A> => ({
    "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: value as A }) },
  });

  test("give what the operation takes, for calls and casts", () => {
    const schemas = { price: list<[string]>(), forget: list<[string]>(), place: list<[Order]>() };
    expectTypeOf(schemas).toExtend<Schemas<ShopApi>>();
    expectTypeOf<NonNullable<Schemas<ShopApi>["price"]>>().toEqualTypeOf<StandardSchemaV1<unknown, [sku: string]>>();
    class Shop extends GenServer<ShopApi> {
      static readonly schemas: Schemas<ShopApi> = schemas;
    }
    void Shop;
  });

  test("do not compile for other arguments or operations", () => {
    const wrong: Schemas<ShopApi> = {
      // @ts-expect-error the sku is a string
      price: list<[number]>(),
    };
    const unknown: Schemas<ShopApi> = {
      // @ts-expect-error there is no such operation
      prize: list<[string]>(),
    };
    void [wrong, unknown];
  });
});

describe("the client's side", () => {
  test("gives names of registries where names go, and replies their type", () => {
    checked(async () => {
      const via = { whereis: () => undefined, register: () => true, unregister: () => {} };
      class Plain extends GenServer {}
      await node.start(Plain, { name: { via, name: tuple(atom("cart"), 7) }, timeoutMs: 1_000 });
      // @ts-expect-error one that only looks up cannot register
      await node.start(Plain, { name: { via: { whereis: () => undefined }, name: 7 } });
      await node.call({ via: { whereis: () => undefined }, name: 7 }, 1);
      const { replies, badNodes } = await node.multiCall<number>(["a@host"], "stock", atom("count"));
      expectTypeOf(replies).toEqualTypeOf<readonly { readonly node: string; readonly reply: number }[]>();
      expectTypeOf(badNodes).toEqualTypeOf<readonly string[]>();
      expectTypeOf(await shop.stop(atom("shutdown"), { timeoutMs: 1_000 })).toBeVoid();
      expectTypeOf(node.whereis("shop")).toEqualTypeOf<Address | undefined>();
    });
  });
});

describe("starting a server", () => {
  class Counter extends GenServer {
    override init(_args: { from: number }) {}
    override handleCall(): CallResult {
      return noReply();
    }
  }
  class Plain extends GenServer {}

  test("takes the arguments of its init", () => {
    checked(() => {
      void node.start(Counter, { args: { from: 1 } });
      void node.start(Plain);
      void node.start(Plain, { name: "plain" });
      // @ts-expect-error the arguments are missing
      void node.start(Counter);
      // @ts-expect-error a field is missing
      void node.start(Counter, { args: {} });
    });
  });
});

describe("the children of a supervisor", () => {
  class Cart extends GenServer {
    override init(_args: { owner: string }) {}
  }
  class Plain extends GenServer {}

  test("are given the args that their init takes", () => {
    checked(() => {
      child(Plain);
      child(Cart, { args: { owner: "ann" }, restart: "transient", shutdown: "brutal_kill" });
      // @ts-expect-error: its init takes args
      child(Cart);
      // @ts-expect-error: and these are others
      child(Cart, { args: { owner: 1 } });
      // @ts-expect-error: no such restart type
      child(Plain, { restart: "always" });
    });
  });

  test("are asked for with typed requests", () => {
    checked(async () => {
      const supervisor = await node.start(Supervisor.of([child(Plain)], { strategy: "rest_for_one" }));
      expectTypeOf(await supervisor.call(atom("which_children"))).toEqualTypeOf<ListedChild[]>();
      const stopped = await supervisor.call(tuple(atom("terminate_child"), atom("a")));
      expectTypeOf(stopped.tag).toEqualTypeOf<"ok" | "error">();
      expectTypeOf(await node.startChild(supervisor.pid, child(Plain))).toEqualTypeOf<Pid | undefined>();
    });
  });
});
