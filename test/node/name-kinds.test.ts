import { expect, test } from "vitest";
import { checkNameKinds } from "../../src/node/index.ts";

test.each([
  ["a@box", "b@box"],
  ["a@box", "b@localhost"],
  ["a@box.example", "b@other.example"],
  ["a@127.0.0.1", "b@box.example"],
  ["a@::1", "b@127.0.0.1"],
  ["a@::1", "b@box"],
  ["a@box", "b@fe80::1"],
  ["box", "b@box"],
])("%s connects to %s", (self, peer) => {
  expect(() => checkNameKinds(self, peer)).not.toThrow();
});

test.each([
  ["a@box", "b@box.example"],
  ["a@localhost", "b@127.0.0.1"],
  ["a@box.example", "b@box"],
  ["10.0.0.7", "b@box"],
])("%s does not connect to %s", (self, peer) => {
  expect(() => checkNameKinds(self, peer)).toThrow(expect.objectContaining({ code: "NODE_NAME_KIND", node: peer }));
});
