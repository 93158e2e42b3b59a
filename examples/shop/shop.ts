// The shop, for machines without Elixir: what shop.exs, Shop.Orders and Shop.Prices do, on a tiebeam node.
import process from "node:process";
import {
  type Atom,
  atom,
  type Calls,
  ExitError,
  GenServer,
  mod,
  NodeDownError,
  noReply,
  Producer,
  reply,
  silentLogger,
  startNode,
  tuple,
} from "tiebeam";

interface PricesApi {
  price(sku: string): number;
  reload(): Atom<"ok">;
}

class Prices extends GenServer<PricesApi> {
  reloads = 0;

  static readonly calls: Calls<Prices, PricesApi> = {
    price(sku) {
      return reply(100 + 10 * sku.length + this.reloads);
    },
    reload() {
      this.reloads++;
      return reply(atom("ok"));
    },
  };
}

interface OrdersApi {
  demand(): number;
}

const TICK_MS = 50;

/** Emits a few orders each tick, as far as consumers have asked for them. */
class Orders extends Producer<object, OrdersApi> {
  next = 1;
  demand = 0;
  perTick = 0;

  static readonly calls: Calls<Orders, OrdersApi, object> = {
    demand() {
      return reply(this.demand);
    },
  };

  override init(rate: number) {
    this.perTick = Math.max(1, Math.trunc((rate * TICK_MS) / 1000));
    this.process.sendAfter(TICK_MS, this.process.pid, atom("tick"));
  }

  handleDemand(demand: number) {
    this.demand += demand;
    return noReply();
  }

  override handleInfo() {
    this.process.sendAfter(TICK_MS, this.process.pid, atom("tick"));
    const count = Math.min(this.demand, this.perTick);
    this.demand -= count;
    return noReply({ events: Array.from({ length: count }, () => order(this.next++)) });
  }
}

function order(id: number) {
  return { id, sku: `sku-${((id * 7) % 40) + 1}`, count: (id % 5) + 1, customer: `customer ${(id * 13) % 100}` };
}

const [web = "web@127.0.0.1", rate = "2000"] = process.argv.slice(2);
await using node = await startNode({ name: "shop@127.0.0.1", logger: silentLogger });
await node.start(Prices, { name: mod("Shop.Prices") });
const orders = await node.start(Orders, { name: mod("Shop.Orders"), args: Number(rate) });
console.log("open");

let last: unknown;
const clerk = setInterval(async () => {
  try {
    const totals = { name: "totals", node: web };
    void node.cast(totals, tuple(atom("open_demand"), await orders.call(atom("demand"))));
    last = await node.call(totals, atom("totals"), { timeoutMs: 1_000 });
  } catch (error) {
    // The web side may not be there yet, or not any more.
    if (!(error instanceof NodeDownError || error instanceof ExitError)) throw error;
  }
}, 250);

for await (const _line of process.stdin);
clearInterval(clerk);
console.log(`what the shop was told last: ${JSON.stringify(last)}`);
