// Consumes an Elixir GenStage producer until it ends, and prints what sells best.
//
//   elixir --name shop@127.0.0.1 --cookie secret -r elixir-fixtures/lib/stages/shop_orders.ex examples/orders/orders.exs
//   TIEBEAM_COOKIE=secret node --import ./examples/typescript.mjs examples/orders/report.ts
//
// Elixir needs GenStage: ERL_LIBS=~/.cache/tiebeam/erl_libs/otp-25, which `npm run interop:prepare` fills.
import { mod, NodeDownError, startNode } from "tiebeam";

interface Order {
  readonly id: number;
  readonly sku: string;
  readonly count: number;
}

await using node = await startNode({ name: "report@127.0.0.1" });
const sold = new Map<string, number>();
const orders = node.stream<Order>({ name: mod("Shop.Orders"), node: "shop@127.0.0.1" }, { maxDemand: 100 });
try {
  for await (const { sku, count } of orders) sold.set(sku, (sold.get(sku) ?? 0) + count);
} catch (error) {
  if (!(error instanceof NodeDownError)) throw error;
  console.error(`the report is not complete: ${error.message}`);
  process.exitCode = 1;
}
const best = [...sold].sort(([, a], [, b]) => b - a).slice(0, 3);
for (const [sku, count] of best) console.log(`${sku.padEnd(8)} ${count}`);
