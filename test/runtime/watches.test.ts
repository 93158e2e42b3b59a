import { expect, test } from "vitest";
import { Watch, Watches, WatchTable } from "../../src/runtime/watches.ts";
import { Pid, Ref } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

const WATCHER = new Pid("there@host", 40, 2, 9);
const { user } = new World();
const ref = (...words: number[]) => new Ref("there@host", 9, words);
const watch = (of: Ref) => new Watch(user, WATCHER, of, user.pid);

test("monitors whose references share their number are told apart", () => {
  const table = new WatchTable();
  const watches = [ref(1, 2, 3), ref(1, 2, 4), ref(1, 2, 3, 4, 5), new Ref("other@host", 9, [1, 2, 3])].map(watch);
  for (const each of watches) table.add(each);

  for (const each of watches) expect(table.find(new Ref(each.ref.node, 9, [...each.ref.words]))).toBe(each);
  expect(table.find(ref(1, 2, 5))).toBeUndefined();

  table.remove(watches[0]!);
  expect(table.find(ref(1, 2, 3))).toBeUndefined();
  expect(table.find(ref(1, 2, 4))).toBe(watches[1]);
  for (const each of watches.slice(1)) table.remove(each);
  expect(table.size).toBe(0);
});

test("words of zero at the end of a reference do not count", () => {
  const table = new WatchTable();
  const short = watch(ref(1, 2, 3));
  table.add(short);
  expect(table.find(ref(1, 2, 3, 0, 0))).toBe(short);

  const shorter = watch(ref(1, 2));
  table.add(shorter);
  expect(table.find(ref(1, 2, 0))).toBe(shorter);
});

test("the monitors on a process keep their order, wherever one is taken away", () => {
  const all = [1, 2, 3, 4].map((number) => watch(ref(number)));
  const numbers = (watches: Watches) => [...watches].map(({ ref }) => ref.words[0]);
  for (const [removed, left] of [
    [0, [2, 3, 4]],
    [1, [1, 3, 4]],
    [3, [1, 2, 3]],
  ] as const) {
    const watches = new Watches();
    for (const { ref } of all) watches.add(watch(ref));
    watches.remove([...watches][removed]!);
    expect(numbers(watches)).toEqual(left);
    watches.add(watch(ref(5)));
    expect(numbers(watches)).toEqual([...left, 5]);
    for (const each of watches) watches.remove(each);
    expect([numbers(watches), watches.size]).toEqual([[], 0]);
  }
});
