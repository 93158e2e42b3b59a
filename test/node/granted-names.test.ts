import { expect, test } from "vitest";
import { GrantedNames, randomCreation } from "../../src/node/granted-names.ts";
import { SeededRandom } from "../../src/testing/index.ts";

test("a name has up to 13 digits and capitals before the host that was asked for, and a creation above 3", () => {
  const names = new GrantedNames(new SeededRandom(1));
  for (let i = 0; i < 1_000; i++) {
    const { name, creation } = names.grant("box");
    expect(name).toMatch(/^[0-9A-Z]{1,13}@box$/);
    expect(creation).toBeGreaterThan(3);
  }
});

test("no two peers have the same name at a time", () => {
  const names = new GrantedNames(new SeededRandom(1));
  const granted = Array.from({ length: 1_000 }, () => names.grant("box").name);
  expect(new Set(granted).size).toBe(1_000);
});

test("the name of a peer that is gone is given to the next one, at its host and with the next creation", () => {
  const names = new GrantedNames(new SeededRandom(1));
  const first = names.grant("box");
  names.release(first.name, true);

  const second = names.grant("other");

  expect(second).toEqual({ name: first.name.replace("@box", "@other"), creation: first.creation + 1 });
});

test("a name whose peer did not prove the cookie is not kept", () => {
  const names = new GrantedNames(new SeededRandom(1));
  const first = names.grant("box");
  names.release(first.name, false);
  expect(names.grant("box").name).not.toBe(first.name);
});

test("the creation after the last one is the first that has no meaning of its own", () => {
  const last = { u32: () => 0xffffffff };
  const names = new GrantedNames(last);
  const { name } = names.grant("box");
  names.release(name, true);
  expect(names.grant("box").creation).toBe(4);
  expect(randomCreation({ u32: () => 0 })).toBe(4);
});

test("names that were never granted do not matter", () => {
  const names = new GrantedNames(new SeededRandom(1));
  names.release("shop@box", true);
  expect(names.grant("box").name).not.toBe("shop@box");
});
