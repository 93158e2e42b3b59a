import { expect, test } from "vitest";
import { atom } from "../../src/term/index.ts";
import { Cluster } from "../support/cluster.ts";

const A = "a@127.0.0.1";
const NOBODY = { name: "nobody", node: "b@127.0.0.1" };

test.each([
  { atomBudget: undefined, budget: 10_000 },
  { atomBudget: 100, budget: 100 },
])("a connection makes its peer remember at most $budget atoms when the option is $atomBudget", async (options) => {
  const cluster = new Cluster();
  const { atomBudget, budget } = options;
  const a = await cluster.start(A, atomBudget === undefined ? {} : { atomBudget });
  await cluster.start(NOBODY.node);
  await cluster.outcome(a.connect(NOBODY.node));

  let sent = 0;
  const sendAll = () => {
    for (; sent <= budget; sent++) void a.send(NOBODY, { [`key-${sent}`]: 1 });
  };

  expect(sendAll).toThrow(expect.objectContaining({ code: "ETF_ATOM_BUDGET" }));
  expect(sent).toBeGreaterThan(budget - 10);
  expect(() => a.send(NOBODY, [atom("key-0"), new Map([["text", 1]])])).not.toThrow();
  expect(a.peers()).toEqual([NOBODY.node]);
});
