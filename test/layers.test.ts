import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";

/** Each layer imports only from itself and from those before it in this list. */
const LAYERS = [
  "base", "term", "etf", "net", "epmd", "dist", "runtime", "node", "remote",
  "otp", "stage", "cluster", "patterns", "api", "observer", "otel", "testing", "cli",
]; // biome-ignore format: a list to be read in its order

/** Layers that run in every JavaScript host: they import nothing of Node.js. */
const HOST_FREE = ["base", "term", "etf"];

const src = join(import.meta.dirname, "../src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), "utf8");
  const statements = text.matchAll(
    /^(?:import|export)\b[^;]*?\bfrom "([^"]+)"|^import "([^"]+)"|\bimport\("([^"]+)"\)/gm,
  );
  return [...statements].map((match) => (match[1] ?? match[2] ?? match[3])!);
}

const layerOf = (file: string) => file.split("/")[0]!;

test.each(files.filter((file) => file.includes("/")))("%s imports only from the layers before its own", (file) => {
  const own = LAYERS.indexOf(layerOf(file));
  expect(own, `${layerOf(file)} is a layer of the design`).toBeGreaterThanOrEqual(0);

  const wrong = importsOf(file)
    .filter((name) => name.startsWith("."))
    .map((name) => relative(src, join(src, file, "..", name)))
    .filter((target) => LAYERS.indexOf(layerOf(target)) > own || !target.includes("/"));

  expect(wrong).toEqual([]);
});

test.each(files.filter((file) => HOST_FREE.includes(layerOf(file))))("%s runs in every JavaScript host", (file) => {
  expect(importsOf(file).filter((name) => name.startsWith("node:"))).toEqual([]);
});

test("only the command line has dependencies, and what speaks to OpenTelemetry its interface", () => {
  const outside = files
    .filter((file) => layerOf(file) !== "cli")
    .flatMap((file) => importsOf(file).filter((name) => !name.startsWith(".") && !name.startsWith("node:")))
    .filter((name) => name !== "@opentelemetry/api");
  const instrumented = files.filter((file) => importsOf(file).includes("@opentelemetry/api")).map(layerOf);

  expect(outside).toEqual([]);
  expect(new Set(instrumented)).toEqual(new Set(["otel"]));
});
