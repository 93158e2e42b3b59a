// The tables in docs/performance.md: each lies between two comments, `<!-- name -->` and `<!-- end of name -->`.
import { readFile, writeFile } from "node:fs/promises";

const DOCUMENT = new URL("../../docs/performance.md", import.meta.url);

/** Puts texts in the place of what lies between the comments of their names. What is around them stays. */
export async function writeTables(texts) {
  let text = await readFile(DOCUMENT, "utf8");
  for (const [name, table] of Object.entries(texts)) {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/performance.md has no ${begin} and ${end}`);
    text = `${text.slice(0, from)}${begin}\n\n${table}\n\n${text.slice(to)}`;
  }
  await writeFile(DOCUMENT, text);
}
