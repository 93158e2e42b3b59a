import { expect, test } from "vitest";
import { Backlog } from "../../src/dist/backlog.ts";
import { FragmentedMessage, HEADROOM_BYTES } from "../../src/dist/outgoing-message.ts";
import type { Signal } from "../../src/dist/signals.ts";
import { usedBytes } from "../fuzz/memory.ts";
import { pidOfA, pidOfB } from "./links.ts";

const MB = 1_000_000;
const SIGNAL: Signal = { op: "send", from: pidOfA, to: pidOfB, message: null };

test("messages that have left are held no longer, although their sender always has another one that waits", async () => {
  const backlog = new Backlog();
  const add = (id: number) => backlog.add(SIGNAL, new FragmentedMessage(new Uint8Array(MB), HEADROOM_BYTES, id, 0));
  add(1);
  const before = await usedBytes();

  for (let sent = 1; sent <= 40; sent++) {
    add(1 + sent);
    while (backlog.bytes > MB) backlog.send(() => {});
  }

  expect((await usedBytes()) - before).toBeLessThan(5 * MB);
  expect(backlog.bytes).toBeGreaterThan(0);
});
