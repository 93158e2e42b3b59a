import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A fenced block of code in a document. */
export interface Block {
  /** The document's path in the project. */
  readonly file: string;
  /** The line of its first line of code, from 1. */
  readonly line: number;
  readonly language: string;
  /** The words behind the language: `no-run`, `until-stopped`. */
  readonly flags: readonly string[];
  readonly text: string;
}

/** The documents whose blocks have to hold. */
export const documents: readonly string[] = [
  "README.md",
  ...readdirSync(projectPath("docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`)
    .sort(),
];

export function projectPath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

export function textOf(file: string): string {
  return readFileSync(projectPath(file), "utf8");
}

/** All blocks of all documents in one of the languages. */
export function blocksIn(...languages: string[]): Block[] {
  return documents.flatMap(blocksOf).filter((block) => languages.includes(block.language));
}

function blocksOf(file: string): Block[] {
  const blocks: Block[] = [];
  const fence = /^```(\S*)[ \t]*(.*)\n([\s\S]*?)^```$/gm;
  const whole = textOf(file);
  for (const { index, 1: language = "", 2: flags = "", 3: text = "" } of whole.matchAll(fence)) {
    const line = whole.slice(0, index).split("\n").length + 1;
    blocks.push({ file, line, language, flags: flags.split(" ").filter(Boolean), text });
  }
  return blocks;
}

/** How a test calls a block. */
export function titleOf({ file, line }: Block): string {
  return `${file}:${line}`;
}
