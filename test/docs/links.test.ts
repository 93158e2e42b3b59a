import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { documents, projectPath, textOf } from "./blocks.ts";

/** The anchors that GitHub gives to the headings of a document. */
function anchors(file: string): string[] {
  return [...textOf(file).matchAll(/^#+ (.*)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

test.each(documents)("every link of %s leads somewhere", (file) => {
  const links = [...textOf(file).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);

  const broken = links.filter((link) => {
    if (/^https?:/.test(link)) return false;
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? file : join(dirname(file), path);
    if (!existsSync(projectPath(target))) return true;
    return anchor !== undefined && !anchors(target).includes(anchor);
  });

  expect(broken).toEqual([]);
});
