import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { projectPath, textOf } from "./blocks.ts";

const FAMILIES = "APPLICATION|COOKIE|DIST|EPMD|ETF|EXIT|HANDSHAKE|NET|NODE|PEER|RPC|SPAWN|STAGE|SYS|TERM|TLS";
/** A literal of a known family, and whatever is given to the constructor of an error first. */
const CODE = new RegExp(
  `"((?:${FAMILIES})_[A-Z0-9_]+|BADARG|BUSY|NODEDOWN)"|(?:super|TiebeamError)\\("([A-Z_]+)"`,
  "g",
);
/** The name of a control message, and what a closed output is to its writer. */
const NO_CODE = ["SPAWN_REQUEST", "EPIPE"];

function codesOfSource(): string[] {
  const files = readdirSync(projectPath("src"), { recursive: true }) as string[];
  const found = files
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => [...textOf(`src/${file}`).matchAll(CODE)].map(([, ofFamily, given]) => (ofFamily ?? given)!))
    .filter((code) => !NO_CODE.includes(code));
  return [...new Set(found)].sort();
}

function sections(): string[] {
  return [...textOf("docs/errors.md").matchAll(/^### (\w+)$/gm)].map((match) => match[1]!);
}

test("each error code of the sources has its section in docs/errors.md, and each section its code", () => {
  expect(sections().sort()).toEqual(codesOfSource());
});

test("each section says what the code means, its usual reason and what to do", () => {
  const parts = textOf("docs/errors.md").split(/^### /m).slice(1);

  const incomplete = parts.filter((part) => !/Means:[\s\S]+Usual reason:[\s\S]+What to do:/.test(part));

  expect(incomplete.map((part) => part.split("\n")[0])).toEqual([]);
});
