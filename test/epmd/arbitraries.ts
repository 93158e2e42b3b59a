import fc from "fast-check";
import { checkName, type NodeEntry } from "../../src/epmd/wire.ts";

function isName(text: string): boolean {
  try {
    checkName(text);
    return true;
  } catch {
    return false;
  }
}

/** Names of every kind that can be registered. */
export const aName: fc.Arbitrary<string> = fc
  .oneof(fc.string({ minLength: 1, maxLength: 40, unit: "binary" }), fc.constantFrom("a", "é".repeat(255), "\ufeffbom"))
  .filter(isName);

/** Names without the characters that make a listing ambiguous. */
export const aPlainName: fc.Arbitrary<string> = fc.stringMatching(/^[\w-]{1,30}$/);

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 65_535 });

export const anEntry: fc.Arbitrary<NodeEntry> = fc.record({
  name: aName,
  port: u16,
  nodeType: u8,
  protocol: u8,
  highest: u16,
  lowest: u16,
  extra: fc.uint8Array({ maxLength: 1_020 }),
});
