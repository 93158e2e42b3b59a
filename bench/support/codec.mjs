// The comparison of codecs, which is a program of its own: bench/etf.bench.mjs.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { text as all } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../etf.bench.mjs", import.meta.url));

/** Its figures, and its tables as text. */
export async function compareCodecs(otp) {
  const folder = await mkdtemp(join(tmpdir(), "bench-codec-"));
  try {
    const json = join(folder, "codec.json");
    const program = spawn(process.execPath, [PROGRAM, "--otp", otp, "--json", json], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const text = await all(program.stdout);
    return { results: JSON.parse(await readFile(json, "utf8")), text: text.trim() };
  } finally {
    await rm(folder, { recursive: true });
  }
}
