import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { blocksIn, projectPath, titleOf } from "./blocks.ts";

const blocks = blocksIn("ts");
const folder = projectPath("test/docs/blocks");
const pathOf = new Map(blocks.map((block) => [join(folder, `${titleOf(block).replace(/\W/g, "-")}.ts`), block]));

/** Type-checks all blocks in one go, each as a module of its own beside what is given to all. */
function problems(): string[] {
  const { config } = ts.readConfigFile(projectPath("tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, projectPath("."), {
    noEmit: true,
    noUnusedLocals: false,
    noUnusedParameters: false,
  });
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => pathOf.has(path) || fileExists(path);
  host.readFile = (path) => sourceOf(path) ?? readFile(path);
  host.getSourceFile = (path, languageOrOptions, ...rest) => {
    const source = sourceOf(path);
    if (source === undefined) return getSourceFile(path, languageOrOptions, ...rest);
    return ts.createSourceFile(path, source, languageOrOptions);
  };
  const program = ts.createProgram([...pathOf.keys(), projectPath("test/docs/given.ts")], options, host);
  return [...pathOf.keys()].flatMap((path) => {
    const file = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(format);
  });
}

/** A block without imports is a module all the same. */
function sourceOf(path: string): string | undefined {
  const block = pathOf.get(path);
  return block && `${block.text}\nexport {};\n`;
}

function format({ file, start, messageText }: ts.Diagnostic): string {
  const text = ts.flattenDiagnosticMessageText(messageText, "\n");
  if (file === undefined || start === undefined) return text;
  const block = pathOf.get(file.fileName);
  const line = file.getLineAndCharacterOfPosition(start).line;
  return block ? `${block.file}:${block.line + line}: ${text}` : `${file.fileName}: ${text}`;
}

test("every TypeScript block of the documents compiles as it stands", () => {
  expect(blocks.length).toBeGreaterThan(0);
  expect(problems()).toEqual([]);
}, 60_000);
