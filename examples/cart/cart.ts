// A GenServer in TypeScript that Elixir calls, casts to and monitors. Runs until Ctrl-C.
//
//   TIEBEAM_COOKIE=secret node --import ./examples/typescript.mjs examples/cart/cart.ts
//   elixir --name shop@127.0.0.1 --cookie secret examples/cart/cart.exs
import { type Atom, atom, type Calls, type Casts, GenServer, reply, startNode, stop, type Tuple, tuple } from "tiebeam";

interface CartApi {
  add(sku: string, count: number): Tuple<[Atom<"ok">, number]> | Tuple<[Atom<"error">, Atom<"out_of_stock">]>;
  items(): ReadonlyMap<string, number>;
  clear(): void;
  close(): Atom<"ok">;
}

const MOST = 10;

class Cart extends GenServer<CartApi> {
  #items = new Map<string, number>();

  static readonly calls: Calls<Cart, CartApi> = {
    add(sku, count) {
      // What a peer sends may be of any type; a throw ends this server, and the caller learns why.
      if (typeof sku !== "string" || !Number.isInteger(count))
        throw new TypeError("add takes a SKU and a whole number");
      const total = (this.#items.get(sku) ?? 0) + count;
      if (total > MOST) return reply(tuple(atom("error"), atom("out_of_stock")));
      this.#items.set(sku, total);
      return reply(tuple(atom("ok"), total));
    },
    items() {
      return reply(this.#items);
    },
    close() {
      return stop(atom("normal"), atom("ok"));
    },
  };

  static readonly casts: Casts<Cart, CartApi> = {
    clear() {
      this.#items.clear();
    },
  };
}

const node = await startNode({ name: "web@127.0.0.1", stopOn: ["SIGINT", "SIGTERM"] });
await node.start(Cart, { name: "cart" });
console.log(`the cart is open at ${node.name}`);
await node.closed;
