import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

/** What a program gets that uses nothing else, from the TypeScript sources: the same code as in `dist`. */
async function bundle(contents: string): Promise<{ text: string; inputs: string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    metafile: true,
    write: false,
  });
  const [output] = Object.values(metafile.outputs);
  const inputs = Object.entries(output!.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return { text: outputFiles[0]!.text, inputs: inputs.map(([path]) => path.replace(/.*src\//, "")) };
}

const CODEC = `import { decode, encode } from "../../src/etf/index.ts";\nglobalThis.codec = { decode, encode };`;

test("a bundle of encode and decode has under 34.5 kB, and under 12.5 kB compressed", async () => {
  const { text } = await bundle(CODEC);
  const compressed = gzipSync(text).length;
  process.stdout.write(`encode and decode: ${text.length} bytes minified, ${compressed} of them compressed\n`);

  expect(compressed).toBeLessThan(12_500);
  expect(text.length).toBeLessThan(34_500);
});

test("a bundle with the codec has no part that only prints, parses, orders or hashes terms", async () => {
  const { inputs } = await bundle(CODEC);

  expect(inputs.filter((path) => /inspect|pars|quoting|scan|order|phash2|json|copy-|read-as/.test(path))).toEqual([]);
});
