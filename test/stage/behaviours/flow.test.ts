import { expect, test } from "vitest";
import { subscribeRequest } from "../../../src/stage/messages.ts";
import { atom, Export, tuple } from "../../../src/term/index.ts";
import { integers } from "../harness.ts";
import { Stages } from "./stages.ts";

// Section "Flow over foreign stages" of the behaviours, as far as a Flow can be played by hand; #222 is in stream.test.ts.

test("#218: options of a flow that mean nothing to a producer are carried to handleSubscribe, functions included", async () => {
  const stages = new Stages();
  const { pid, notes } = await stages.producer({ count: 3 });
  const key = new Export("Elixir.Shop", "key", 1);
  const hand = stages.handConsumer(pid);

  await hand.subscribe(
    ["partition", "cancel", "key"].map((name, i) => tuple(atom(name), [0, atom("transient"), key][i] as object)),
  );
  await hand.ask(3);

  expect(notes.options).toEqual([{ partition: 0, cancel: atom("transient"), key }]);
  expect(hand.got()).toEqual(["[0, 1, 2]"]);
});

test("#219: a consumer that a flow subscribes to each of its last stages lives on when they end", async () => {
  const stages = new Stages();
  const consumer = await stages.consumer();
  const last = [await stages.producer({ count: 3 }), await stages.producer({ count: 3 })];
  for (const { pid } of last) {
    const options = [tuple(atom("cancel"), atom("transient")), tuple(atom("max_demand"), 2)];
    expect(await stages.call(consumer.pid, subscribeRequest(undefined, pid, options))).toMatch(/^\{:ok, #Ref/);
  }

  for (const { pid } of last) await stages.call(pid, tuple(atom("stop"), atom("normal")));

  expect(consumer.notes.batches.flat()).toEqual([...integers(0, 3), ...integers(0, 3)]);
  expect(consumer.notes.cancels).toEqual(["{:down, :normal}", "{:down, :normal}"]);
  expect(consumer.reasons).toEqual([]);
});

test("#221: a consumer that a coordinator sends elsewhere goes there", async () => {
  const stages = new Stages();
  const stage = await stages.producer({ count: 3 });
  const hand = await stages.handProducer({ cancel: "transient" });

  await hand.tell(tuple(atom("$gen_cast"), subscribeRequest(undefined, stage.pid, [])));
  await hand.cancel(atom("normal"));

  expect(hand.notes.batches.flat()).toEqual([0, 1, 2]);
  expect(hand.notes.cancels).toEqual(["{:cancel, :normal}"]);
  expect(hand.reasons).toEqual([]);
});
