import { once } from "node:events";
import { constants } from "node:os";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Container } from "dockerode";
import { OutputTail } from "../os-process.ts";
import type { BeamProcess, Command } from "../provider.ts";

/** Tells the process id, which is this machine's because the container shares those, and becomes the program. */
const TELL_PID = 'echo "$$"; exec "$@"';

/** Starts a program in a container as the user that this process is, so that it may be signalled from here. */
export async function startInContainer(container: Container, { argv, env }: Command): Promise<BeamProcess> {
  const exec = await container.exec({
    Cmd: ["/bin/sh", "-c", TELL_PID, "sh", ...argv],
    Env: Object.entries({ ...epmdPort(), HOME: "/tmp", LANG: "C.UTF-8", ...env }).map((pair) => pair.join("=")),
    User: `${process.getuid!()}:${process.getgid!()}`,
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({});
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  container.modem.demuxStream(stream, stdout, stderr);
  const ended = once(stream, "end");
  const output = new OutputTail();
  stderr.on("data", (data: Buffer) => output.add(data));
  const pid = await firstLine(stdout, ended, output);

  const exited = ended.then(async () => {
    for (;;) {
      const { Running, ExitCode } = await exec.inspect();
      if (!Running) return signalOf(ExitCode ?? 0) ?? ExitCode ?? "unknown";
      await sleep(5);
    }
  });
  return {
    pid,
    output: () => output.text,
    signal(signal) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended.
      }
    },
    exited: exited.catch(() => "unknown"),
  };
}

/** What all programs of this machine have from the environment of the run. */
function epmdPort(): Record<string, string> {
  const port = process.env.ERL_EPMD_PORT;
  return port === undefined ? {} : { ERL_EPMD_PORT: port };
}

/** Reads the line with the process id; what follows is the program's output. */
async function firstLine(stdout: PassThrough, ended: Promise<unknown>, output: OutputTail): Promise<number> {
  return new Promise((resolve, reject) => {
    let head = "";
    const read = (data: Buffer) => {
      head += data.toString();
      const end = head.indexOf("\n");
      if (end < 0) return;
      stdout.off("data", read);
      stdout.on("data", (data: Buffer) => output.add(data));
      output.add(Buffer.from(head.slice(end + 1)));
      resolve(Number(head.slice(0, end)));
    };
    stdout.on("data", read);
    void ended.then(() => reject(new Error(`the container started nothing: ${head}${output.text}`)), reject);
  });
}

/** A program that a signal ended has 128 and the signal's number as its exit code. */
function signalOf(code: number): string | undefined {
  return Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
}
