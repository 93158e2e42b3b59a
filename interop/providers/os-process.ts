import { spawn } from "node:child_process";
import type { BeamProcess, Command, Host } from "./provider.ts";

const OUTPUT_LIMIT = 64 * 1024;

/** The command as it is to be given on this machine to run on a host. */
export function enter(host: Host | undefined, argv: Command["argv"]): Command["argv"] {
  const [program, ...args] = argv;
  const [first, ...rest] = host?.enter ?? [];
  return first === undefined ? argv : [first, ...rest, program, ...args];
}

/** The end of what a program printed. */
export class OutputTail {
  text = "";

  add(data: Buffer): void {
    this.text = (this.text + data.toString()).slice(-OUTPUT_LIMIT);
  }
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
  const output = new OutputTail();
  child.stdout.on("data", (data: Buffer) => output.add(data));
  child.stderr.on("data", (data: Buffer) => output.add(data));
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
        output: () => output.text,
        signal: (signal) => void child.kill(signal),
        exited,
      });
    });
  });
}
