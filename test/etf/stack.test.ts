import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { afterAll, beforeAll, expect, test } from "vitest";

// In a process of its own, for a fresh default stack and code that nothing has compiled yet. And because the test
// runner's modules answer an import with `undefined` where the stack ends, which turns a stack overflow into a TypeError.

const src = join(import.meta.dirname, "../../src");
let built: string;

beforeAll(() => {
  built = mkdtempSync(join(tmpdir(), "tiebeam-stack-"));
  writeFileSync(join(built, "package.json"), '{"type":"module"}');
  for (const layer of ["base", "term", "etf"]) {
    mkdirSync(join(built, layer));
    for (const file of readdirSync(join(src, layer))) {
      const { outputText } = ts.transpileModule(readFileSync(join(src, layer, file), "utf8"), {
        compilerOptions: {
          target: ts.ScriptTarget.ES2022,
          module: ts.ModuleKind.ESNext,
          rewriteRelativeImportExtensions: true,
        },
      });
      writeFileSync(join(built, layer, file.replace(/\.ts$/, ".js")), outputText);
    }
  }
});

afterAll(() => rmSync(built, { recursive: true }));

/** Runs `body`, which says what it found by `say`. */
function run(body: string): string[] {
  const prelude = `
    import { decode, encode } from "${pathToFileURL(join(built, "etf/index.js"))}";
    import * as term from "${pathToFileURL(join(built, "term/index.js"))}";
    const say = (text) => console.log(text);
    const outcome = (run) => {
      try {
        run();
        return "ok";
      } catch (error) {
        return error.code ?? String(error);
      }
    };
    const kinds = {
      list: [(value) => [value], "6c00000001", "6a"],
      tuple: [(value) => term.tuple(value), "6801", ""],
      object: [(value) => ({ a: value }), "7400000001770161", ""],
      map: [(value) => new Map([[1, value]]), "74000000016101", ""],
      improper: [(value) => new term.ImproperList([value], 1), "6c00000001", "6101"],
    };
    const nested = (kind, depth) => {
      let value = "x";
      for (let i = 0; i < depth; i++) value = kinds[kind][0](value);
      return value;
    };
    const nestedBytes = (kind, depth) => {
      const [, head, tail] = kinds[kind];
      return Buffer.from("83" + head.repeat(depth) + "6d0000000178" + tail.repeat(depth), "hex");
    };
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", prelude + body], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return stdout.trim().split("\n");
}

const KINDS = ["list", "tuple", "object", "map", "improper"];

test.each(KINDS)(
  "a %s nested as deep as the limit is read and written in an empty stack, one level more is not",
  (kind) => {
    const outcomes = run(`
    const depth = term.DEFAULT_MAX_DEPTH;
    say(outcome(() => decode(nestedBytes("${kind}", depth))));
    say(outcome(() => encode(nested("${kind}", depth))));
    say(outcome(() => decode(nestedBytes("${kind}", depth + 1))));
    say(outcome(() => encode(nested("${kind}", depth + 1))));
  `);

    expect(outcomes).toEqual(["ok", "ok", "ETF_DEPTH", "ETF_DEPTH"]);
  },
);

test("with raised limits, and for values that contain themselves, the end of the stack is ETF_DEPTH", () => {
  const outcomes = run(`
    for (const kind of Object.keys(kinds)) {
      say(outcome(() => decode(nestedBytes(kind, 300_000), { limits: { maxDepth: 1e9 } })));
      say(outcome(() => encode(nested(kind, 300_000), { maxDepth: 1e9 })));
    }
    const list = [];
    list.push({ list });
    say(outcome(() => encode(list)));
    say(outcome(() => encode(list, { maxDepth: 1e9 })));
  `);

  expect(outcomes).toHaveLength(2 * KINDS.length + 2);
  expect(new Set(outcomes)).toEqual(new Set(["ETF_DEPTH"]));
});

test("for a caller deep in the stack its end is ETF_DEPTH too", () => {
  const outcomes = run(`
    const value = nested("list", 2000);
    const bytes = nestedBytes("list", 2000);
    const dig = (frames, then) => (frames === 0 ? then() : dig(frames - 1, then));
    let most = 1000;
    while (outcome(() => dig(most, () => {})) === "ok") most += 100;
    dig(Math.floor(most * 0.8), () => {
      say(outcome(() => encode(value)));
      say(outcome(() => decode(bytes)));
    });
    say(outcome(() => encode(value)));
  `);

  expect(outcomes).toEqual(["ETF_DEPTH", "ETF_DEPTH", "ok"]);
});
