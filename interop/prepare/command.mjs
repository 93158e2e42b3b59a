// Runs a program without a terminal and gives back how it ended; never throws.
import { spawn } from "node:child_process";

/**
 * @param {string[]} argv
 * @param {{ cwd?: string, env?: Record<string, string>, timeoutMs?: number }} [options]
 * @returns {Promise<{ ok: boolean, stdout: string, output: string }>} `output` has stderr too, in order of arrival.
 */
export function run([program, ...args], { cwd, env = {}, timeoutMs = 600_000 } = {}) {
  return new Promise((resolve) => {
    let stdout = "";
    let output = "";
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, LANG: "C.UTF-8", ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    child.stdout.on("data", (data) => {
      stdout += data;
      output += data;
    });
    child.stderr.on("data", (data) => {
      output += data;
    });
    child.on("error", (error) => resolve({ ok: false, stdout, output: error.message }));
    child.on("close", (code) => resolve({ ok: code === 0, stdout, output }));
  });
}

/** Whether a program of this name is on the PATH. */
export async function isInstalled(program) {
  return (await run(["sh", "-c", `command -v ${program}`])).ok;
}

/** The last line of a program's output that says something, for a one-line reason. */
export function lastLine(output) {
  return (
    output
      .trim()
      .split("\n")
      .findLast((line) => line.trim() !== "")
      ?.trim() ?? "no output"
  );
}
