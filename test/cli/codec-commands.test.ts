import { expect, test } from "vitest";
import { runHere } from "./fake-io.ts";

// {ok, [1, 2.0]} by term_to_binary on OTP 25, which writes atoms in their old form; the new one begins 77 02.
const OTP25_HEX = "8368026400026f6b6c0000000261014640000000000000006a";
const HEX = `8368027702${OTP25_HEX.slice(12)}`;

test("encode prints a term in hexadecimal digits, base64, or as bytes", async () => {
  const term = "{:ok, [1, 2.0]}";

  expect(await runHere(["encode", term])).toEqual({ code: 0, stdout: `${HEX}\n`, stderr: "" });
  expect((await runHere(["encode", term, "--format", "base64"])).stdout).toBe(
    `${Buffer.from(HEX, "hex").toString("base64")}\n`,
  );
  expect((await runHere(["encode", term, "--format", "raw"])).stdout).toBe(Buffer.from(HEX, "hex").toString("latin1"));
  expect((await runHere(["encode", term, "--json"])).stdout).toBe(`{"hex":"${HEX}"}\n`);
});

test("encode reads a term from each line of its input, in the syntax that is asked for", async () => {
  const { stdout } = await runHere(["encode", "--syntax", "erlang"], "{ok,[1,2.0]}.\n\n{ok, [1, 2.0]}\n");

  expect(stdout).toBe(`${HEX}\n${HEX}\n`);
});

test("decode prints terms, in Elixir's or Erlang's words or as JSON", async () => {
  expect(await runHere(["decode", OTP25_HEX])).toEqual({ code: 0, stdout: "{:ok, [1, 2.0]}\n", stderr: "" });
  expect((await runHere(["decode", HEX, "--syntax", "erlang"])).stdout).toBe("{ok,[1,2.0]}\n");
  expect((await runHere(["decode", HEX, "--json"])).stdout).toBe('{"$tuple":[{"$atom":"ok"},[1,2]]}\n');
});

test("decode reads lines, or all of its input as the bytes of one term", async () => {
  expect((await runHere(["decode"], `${HEX}\n0x${HEX}\n`)).stdout).toBe("{:ok, [1, 2.0]}\n{:ok, [1, 2.0]}\n");
  expect((await runHere(["decode", "--format", "raw"], Buffer.from(HEX, "hex"))).stdout).toBe("{:ok, [1, 2.0]}\n");
});

test("a long term is printed whole", async () => {
  const list = `[${Array.from({ length: 200 }, (_, i) => i).join(", ")}]`;
  const { stdout: hex } = await runHere(["encode", list]);

  expect((await runHere(["decode", hex.trim()])).stdout).toBe(`${list}\n`);
});

test("decode inflates what term_to_binary compressed", async () => {
  // term_to_binary(lists:duplicate(100, {a, 1}), [compressed]) on OTP 25
  const hex = "835000000326789ccb61606048c9604a61604c4c641ca547e9511a93ce0200191f9e43";

  expect((await runHere(["decode", hex])).stdout).toBe(`[${Array(100).fill("a: 1").join(", ")}]\n`);
});

test.each<[what: string, args: string[], stdin: string, code: string]>([
  ["a term that is none", ["encode", "{:ok"], "", "TERM_SYNTAX"],
  ["digits that are none", ["decode", "83zz"], "", "USAGE"],
  ["an odd number of digits", ["decode", "836"], "", "USAGE"],
  ["bytes that are cut off", ["decode", "836101".slice(0, 4)], "", "ETF_TRUNCATED"],
  ["raw bytes as an argument", ["decode", "8361", "--format", "raw"], "", "USAGE"],
  ["a format that there is not", ["encode", "1", "--format", "octal"], "", "USAGE"],
  ["a bad line of the input", ["encode"], "1\n{\n", "TERM_SYNTAX"],
])("%s ends with exit code 2 and says why", async (_, args, stdin, code) => {
  const outcome = await runHere(args, stdin);

  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toMatch(new RegExp(`^error: .*\\(${code}\\)\n`));
});
