import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Suites against real BEAM peers: one file after the other, because each starts several BEAMs. */
export default defineConfig({
  // So that what suites take from the examples is of the same sources as what they take from here.
  resolve: { alias: [{ find: /^tiebeam$/, replacement: here("../src/index.ts") }] },
  test: {
    root: here("."),
    include: ["suites/**/*.interop.ts"],
    globalSetup: [here("global-setup.ts")],
    reporters: ["default", here("reporter.ts")],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
