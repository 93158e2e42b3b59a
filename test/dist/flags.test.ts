import { describe, expect, test } from "vitest";
import { expandDigest, Flag, flagNames, MANDATORY_25, MANDATORY_26, ourFlags } from "../../src/dist/index.ts";

/** What a visible OTP 29 sends, from its recorded name packet. */
const OTP_29 = 0x6d07df7fbdn;

test("ours are those of a hidden OTP 29", () => {
  expect(flagNames(ourFlags() ^ (OTP_29 & ~Flag.Published))).toEqual([]);
});

test("all that OTP 25 and 26 require is in them", () => {
  expect(ourFlags() & (MANDATORY_25 | MANDATORY_26)).toBe(MANDATORY_25 | MANDATORY_26);
});

test("PUBLISHED and NAME_ME are set on request, and not together", () => {
  expect(ourFlags() & (Flag.Published | Flag.NameMe)).toBe(0n);
  expect(ourFlags({ visible: true }) & Flag.Published).toBe(Flag.Published);
  expect(ourFlags({ visible: true, dynamicName: true }) & (Flag.Published | Flag.NameMe)).toBe(Flag.NameMe);
});

describe("the digest flag", () => {
  test("stands for the bits that OTP 25 made mandatory", () => {
    expect(expandDigest(Flag.Mandatory25Digest)).toBe(Flag.Mandatory25Digest | MANDATORY_25);
  });

  test("changes nothing where it is not set", () => {
    expect(expandDigest(Flag.DistMonitor)).toBe(Flag.DistMonitor);
  });
});
