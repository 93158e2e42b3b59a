import { expect, test } from "vitest";
import { parseAddress, parseNodeName, parseProcessName } from "../../src/cli/address.ts";
import { ownName } from "../../src/cli/own-name.ts";

test("an address is split at its first @", () => {
  expect(parseAddress("cart@web@127.0.0.1")).toEqual({ name: "cart", node: "web@127.0.0.1" });
});

test.each([
  ["Shop.Prices", "Elixir.Shop.Prices"],
  ["Elixir.Shop", "Elixir.Shop"],
  ["cart", "cart"],
  ["_Cart", "_Cart"],
  [":cart", "cart"],
  [":Cart", "Cart"],
  [':"my cart"', "my cart"],
])("the process %s is registered as %s", (text, name) => {
  expect(parseProcessName(text)).toBe(name);
});

test.each(["cart", "cart@", "cart@web", "@web@host", "cart@web@a@b", "cart@@host", ":1@web@host", ':"@web@host'])(
  "%s is no address",
  (text) => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: "USAGE", hint: expect.any(String) }));
  },
);

test.each(["web", "web@", "@host", "we b@host", "wéb@host"])("%s is no node name", (text) => {
  expect(() => parseNodeName(text)).toThrow(expect.objectContaining({ code: "USAGE" }));
});

const machine = { hostname: "box", addresses: ["10.1.2.3", "10.9.9.9"] };

test.each([
  ["shop@127.0.0.1", "127.0.0.1"],
  ["shop@127.0.0.2", "127.0.0.2"],
  ["shop@localhost", "localhost"],
  ["shop@other", "box"],
  ["shop@shop.example.com", "10.1.2.3"],
  ["shop@10.4.4.4", "10.1.2.3"],
])("a node that talks to %s has the host part %s", (target, host) => {
  expect(ownName(target, machine, "1f")).toBe(`tiebeam-1f@${host}`);
});

test("a machine with a full name uses that for long names, and its first part for short ones", () => {
  const named = { hostname: "box.example.com", addresses: ["10.1.2.3"] };

  expect(ownName("shop@shop.example.com", named, "1f")).toBe("tiebeam-1f@box.example.com");
  expect(ownName("shop@other", named, "1f")).toBe("tiebeam-1f@box");
});
