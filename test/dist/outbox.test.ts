import { expect, test } from "vitest";
import { Outbox } from "../../src/dist/outbox.ts";
import { SimulatedClock } from "../../src/testing/index.ts";

/** A stream that takes everything at once, or nothing. */
class Stream {
  queuedBytes = 0;
  takes = true;
  bytes = 0;

  write({ length }: Uint8Array): void {
    this.bytes += length;
    if (!this.takes) this.queuedBytes += length;
  }

  pause(): void {}
  resume(): void {}
  close(): void {}
}

function outbox() {
  const stream = new Stream();
  return { stream, box: new Outbox(new SimulatedClock(), stream, () => {}) };
}

test("the block of a connection grows with what is written, and is small again after a rest", () => {
  const { stream, box } = outbox();
  const atFirst = box.writer.bytes.length;

  box.writer.copy(new Uint8Array(40_000));
  box.wrote();
  box.flush();
  const grown = box.writer.bytes.length;
  box.rest();

  expect(atFirst).toBeLessThanOrEqual(1024);
  expect(grown).toBeGreaterThanOrEqual(40_000);
  expect(box.writer.bytes.length).toBe(atFirst);
  expect(stream.bytes).toBe(40_000);
});

test("a rest leaves alone what has not left", () => {
  const { stream, box } = outbox();
  stream.takes = false;
  box.writer.copy(new Uint8Array(40_000));
  box.wrote();
  box.flush();
  box.writer.copy(new Uint8Array(3_000).fill(7));
  box.wrote();

  box.rest();
  box.flush();

  expect(stream.bytes).toBe(43_000);
});
