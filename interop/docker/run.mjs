#!/usr/bin/env node
// The interop matrix with every release in a container: what `npm run interop` does, by way of testcontainers. Arguments are
// handed on. Without a container engine it says so in one line and ends with code 69, "service unavailable".
import { spawnSync } from "node:child_process";
import { register } from "node:module";
import { fileURLToPath } from "node:url";

register("../../examples/typescript-hooks.mjs", import.meta.url);
const { findEngine } = await import("../providers/docker/engine.ts");

const engine = await findEngine();
if ("reason" in engine) {
  console.error(`interop:docker: ${engine.reason}; start one, or use \`npm run interop\`, which needs none`);
  process.exit(69);
}
const { status } = spawnSync("npm", ["run", "interop", "--", ...process.argv.slice(2)], {
  cwd: fileURLToPath(new URL("../..", import.meta.url)),
  env: { ...process.env, TIEBEAM_PROVIDERS: "docker" },
  stdio: "inherit",
});
process.exitCode = status ?? 1;
