// The web side of the shop: consumes its orders, asks it for their prices, and answers it what was sold.
import process from "node:process";
import { parseArgs } from "node:util";
import {
  type Atom,
  atom,
  type Calls,
  type Casts,
  GenServer,
  mod,
  NodeDownError,
  reply,
  silentLogger,
  startNode,
  tuple,
} from "tiebeam";
import { LiveView } from "./live-view.ts";

/** What the shop's producer emits: %{id: 1, sku: "sku-8", count: 2, customer: "customer 13"} */
interface Order {
  readonly id: number;
  readonly sku: string;
  readonly count: number;
  readonly customer: string;
}

/** The shop's GenServer Shop.Prices. */
interface PricesApi {
  price(sku: string): number;
  reload(): Atom<"ok">;
}

/** Our GenServer. In Elixir: GenServer.call({:totals, :"web@127.0.0.1"}, :totals) */
interface TotalsApi {
  totals(): { orders: number; cents: number };
  figures(): { orders: number; cents: number; openDemand: number; asked: number };
  sold(cents: number): void;
  open_demand(events: number): void;
}

class Totals extends GenServer<TotalsApi> {
  orders = 0;
  cents = 0;
  openDemand = 0;
  asked = 0;

  static readonly calls: Calls<Totals, TotalsApi> = {
    totals() {
      this.asked++;
      return reply({ orders: this.orders, cents: this.cents });
    },
    figures() {
      const { orders, cents, openDemand, asked } = this;
      return reply({ orders, cents, openDemand, asked });
    },
  };

  static readonly casts: Casts<Totals, TotalsApi> = {
    sold(cents) {
      this.orders++;
      this.cents += cents;
    },
    open_demand(events) {
      this.openDemand = events;
    },
  };
}

const { values } = parseArgs({
  options: {
    name: { type: "string", default: "web@127.0.0.1" },
    shop: { type: "string", default: "shop@127.0.0.1" },
    seconds: { type: "string", default: "10" },
    "max-demand": { type: "string", default: "500" },
  },
});
const { name, shop } = values;

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
if (values.seconds !== "0") setTimeout(() => stop.abort(), Number(values.seconds) * 1000).unref();

await using node = await startNode({ name, logger: silentLogger });
const totals = await node.start(Totals, { name: "totals" });
const prices = node.server<PricesApi>({ name: mod("Shop.Prices"), node: shop });
const orders = node.stream<Order>(
  { name: mod("Shop.Orders"), node: shop },
  { maxDemand: Number(values["max-demand"]), signal: stop.signal },
);

const view = new LiveView(() => totals.call(atom("figures")));
try {
  // The loop is the demand: while an order waits for its price, no further ones are asked for.
  for await (const order of orders) {
    const cents = await prices.call(tuple(atom("price"), order.sku));
    void totals.cast(tuple(atom("sold"), cents * order.count));
  }
  await view.close("the shop is sold out");
} catch (error) {
  if (stop.signal.aborted) await view.close("done");
  else {
    await view.close(error instanceof NodeDownError ? `the shop is gone (${error.code})` : String(error));
    process.exitCode = 1;
  }
}
