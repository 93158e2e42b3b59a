import { PassThrough, Writable } from "node:stream";
import { expect, test } from "vitest";
import { processIo } from "../../src/cli/process-io.ts";

/** A stream that takes what is written only when it is told to. */
class SlowStream extends Writable {
  readonly writes: string[] = [];
  #done: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 10 });
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#take([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#take(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  #take(chunks: Buffer[], done: () => void): void {
    this.writes.push(chunks.join(""));
    this.#done = done;
  }

  taken(): void {
    this.#done?.();
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function make() {
  const stdout = new SlowStream();
  const stderr = new PassThrough();
  const failures: Error[] = [];
  const io = processIo({ stdin: new PassThrough(), stdout, stderr }, (error) => failures.push(error));
  return { io, stdout, failures };
}

test("what is written in one turn leaves in one write", async () => {
  const { io, stdout } = make();

  for (const text of ["a", "b", "c"]) expect(io.stdout.write(text)).toBeUndefined();
  await turn();

  expect(stdout.writes).toEqual(["abc"]);
});

test("a full stream gives a promise that settles when there is room", async () => {
  const { io, stdout } = make();

  const full = io.stdout.write("more than ten bytes");
  let settled = false;
  const waiting = full?.then(() => {
    settled = true;
  });
  await turn();
  expect(settled).toBe(false);
  stdout.taken();

  await waiting;
  expect(settled).toBe(true);
});

test("flush waits until everything has been taken", async () => {
  const { io, stdout } = make();
  void io.stdout.write("a");
  let flushed = false;

  const flushing = io.flush().then(() => {
    flushed = true;
  });
  await turn();
  expect(flushed).toBe(false);
  stdout.taken();
  await turn();
  stdout.taken();

  await flushing;
});

test.each([
  ["EPIPE", "OutputClosedError"],
  ["ENOSPC", "Error"],
])("the failure %s is reported as %s, and frees whoever waits", async (code, name) => {
  const { io, stdout, failures } = make();
  const full = io.stdout.write("more than ten bytes");

  stdout.destroy(Object.assign(new Error("no"), { code }));
  await full;

  expect(failures).toEqual([expect.objectContaining({ name, code })]);
  expect(io.stdout.write("x")).toBeUndefined();
  await io.flush();
});
