import { spawn } from "node:child_process";
import type { BeamProcess, Command, Host } from "./provider.ts";

const OUTPUT_LIMIT = 64 * 1024;

/** The command as it is to be given on this machine to run on a host. */
export function enter(host: Host | undefined, argv: Command["argv"]): Command["argv"] {
  const [program, ...args] = argv;
  const [first, ...rest] = host?.enter ?? [];
  return first === undefined ? argv : [first, ...rest, program, ...args];
}

/**
 * Starts a program of this machine, in a process group of its own: a Ctrl-C in the terminal reaches the harness, which
 * then ends it, and not the BEAM's own break handler.
 */
export function startProcess({ argv: [program, ...args], env }: Command): Promise<BeamProcess> {
  const child = spawn(program, args, {
    detached: true,
    env: { ...process.env, LANG: "C.UTF-8", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (data: Buffer) => {
    output = (output + data.toString()).slice(-OUTPUT_LIMIT);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const exited = new Promise<number | string>((resolve) => {
    child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });

  const killAtExit = () => child.kill("SIGKILL");
  process.once("exit", killAtExit);
  void exited.then(() => process.removeListener("exit", killAtExit));

  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("spawn", () => {
      resolve({
        pid: child.pid!,
        output: () => output,
        signal: (signal) => void child.kill(signal),
        exited,
      });
    });
  });
}
