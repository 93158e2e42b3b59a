import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import Dockerode from "dockerode";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startInContainer } from "../../interop/providers/docker/exec.ts";

/** What is asked of a container engine here. */
interface Exec {
  readonly Cmd: readonly [string, ...string[]];
  readonly Env: readonly string[];
  readonly User: string;
  code?: number | undefined;
}

const folder = mkdtempSync(join(tmpdir(), "tiebeam-engine-"));
const execs: Exec[] = [];

/** The three requests of an engine's API that run a program, answered by running it here. */
const engine = createServer(async (request, response) => {
  const [, kind, id, action] = request.url!.replace(/^\/v[\d.]+/, "").split(/[/?]/);
  const body = request.method === "POST" ? await json(request) : undefined;
  const answer = (status: number, value: object) => response.writeHead(status).end(JSON.stringify(value));
  if (kind === "containers") answer(201, { Id: String(execs.push(body as Exec) - 1) });
  else if (action === "start") run(execs[Number(id)]!, response);
  else answer(200, { Running: execs[Number(id)]!.code === undefined, ExitCode: execs[Number(id)]!.code ?? null });
});

function run(exec: Exec, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/vnd.docker.raw-stream" }).flushHeaders();
  const [program, ...args] = exec.Cmd;
  const env = Object.fromEntries(exec.Env.map((pair) => pair.split(/=(.*)/s)));
  const child = spawn(program, args, { env: { PATH: process.env.PATH, ...env } });
  for (const [stream, number] of [
    [child.stdout, 1],
    [child.stderr, 2],
  ] as const) {
    stream.on("data", (data: Buffer) => {
      const head = Buffer.from([number, 0, 0, 0, 0, 0, 0, 0]);
      head.writeUInt32BE(data.length, 4);
      response.write(Buffer.concat([head, data]));
    });
  }
  const signals: Record<string, number> = { SIGKILL: 9, SIGTERM: 15 };
  child.once("close", (code, signal) => {
    response.end();
    setTimeout(() => {
      exec.code = code ?? 128 + signals[signal!]!;
    }, 20);
  });
}

let container: Dockerode.Container;

beforeAll(async () => {
  const socketPath = join(folder, "engine.sock");
  engine.listen(socketPath);
  await once(engine, "listening");
  container = new Dockerode({ socketPath }).getContainer("some");
});
afterAll(() => {
  engine.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a program in a container has its own process id, its output, its environment and its exit code", async () => {
  const script = 'printf "one\\ntwo %s %s" "$$" "$THING" && printf three >&2; exit 3';
  const program = await startInContainer(container, { argv: ["sh", "-c", script], env: { THING: "a=b" } });

  expect(await program.exited).toBe(3);
  expect(program.output()).toContain(`one\ntwo ${program.pid} a=b`);
  expect(program.output()).toContain("three");
  expect(execs.at(-1)?.User).toBe(`${process.getuid!()}:${process.getgid!()}`);
});

test.each(["SIGKILL", "SIGTERM"] as const)("%s reaches the program itself, and is how it ended", async (signal) => {
  const program = await startInContainer(container, { argv: ["sleep", "60"] });

  program.signal(signal);

  expect(await program.exited).toBe(signal);
  program.signal(signal); // comes too late, and does nothing
});

test("a program that is not there gives the shell's own code", async () => {
  const program = await startInContainer(container, { argv: ["no-such-program"] });

  expect(await program.exited).toBe(127);
});
