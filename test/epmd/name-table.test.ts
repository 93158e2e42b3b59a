import { expect, test } from "vitest";
import { NameTable } from "../../src/epmd/name-table.ts";
import { isLocal } from "../../src/epmd/server-connection.ts";

const entry = (name: string, highest = 6) => ({
  name,
  port: 1,
  nodeType: 77,
  protocol: 0,
  highest,
  lowest: 5,
  extra: new Uint8Array(0),
});

test("creations go from the largest to 4, and start at 4 when the time is before that", () => {
  const late = new NameTable(() => 0xffff_ffff * 1_000);
  const early = new NameTable(() => 0);

  expect(late.register(entry("a"), 1)).toBe(0xffff_ffff);
  late.release("a");
  expect(late.register(entry("a"), 2)).toBe(4);
  expect(early.register(entry("a"), 1)).toBe(4);
});

test("nodes of version 5 get creations from 1 to 3 in turn", () => {
  const table = new NameTable(() => 1_000_000);
  const creations = [1, 2, 3, 4].map((connection) => {
    const creation = table.register(entry("old", 5), connection);
    table.release("old");
    return creation;
  });

  expect(creations).toEqual([2, 3, 1, 2]);
});

test("the last 1,000 released names are remembered", () => {
  const table = new NameTable(() => 1_000_000);
  for (let i = 0; i < 1_500; i++) {
    table.register(entry(`n${i}`), i);
    table.release(`n${i}`);
  }

  expect(table.released()).toHaveLength(1_000);
  expect(table.released()[0]!.entry.name).toBe("n500");
  expect(table.size).toBe(0);
});

test("a name is released only by the connection that has it", () => {
  const table = new NameTable(() => 1_000_000);
  table.register(entry("a"), 7);

  expect(table.release("a", 8)).toBeUndefined();
  expect(table.release("a", 7)).toBe(7);
});

test.each([
  ["127.0.0.1", "127.0.0.1", true],
  ["127.9.9.9", "10.0.0.1", true],
  ["::1", undefined, true],
  ["10.0.0.1", "10.0.0.1", true],
  ["10.0.0.1", "10.0.0.2", false],
  ["10.0.0.1", undefined, false],
  ["127.evil.example.1", undefined, false],
])("a connection from %s accepted on %s: local is %s", (remote, local, expected) => {
  expect(isLocal(remote, local)).toBe(expected);
});
