import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameReader, type FrameSink } from "../../src/dist/frame-reader.ts";

class Frames implements FrameSink {
  readonly frames: number[][] = [];
  readonly places: Uint8Array[] = [];
  refused: [number, number] | undefined;
  onFrame: (() => void) | undefined;

  frame(bytes: Uint8Array, start: number, end: number): void {
    this.frames.push([...bytes.subarray(start, end)]);
    this.places.push(bytes);
    this.onFrame?.();
  }

  tooLarge(length: number, limit: number): void {
    this.refused = [length, limit];
  }
}

function framed(lengthBytes: 2 | 4, frames: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    frames.map((frame) => {
      const length = Buffer.alloc(lengthBytes);
      length.writeUIntBE(frame.length, 0, lengthBytes);
      return Buffer.concat([length, frame]);
    }),
  );
}

test("frames are the same however the bytes are cut", () => {
  const lengths = fc.constantFrom<2 | 4>(2, 4);
  const frames = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
  fc.assert(
    fc.property(lengths, frames, fc.array(fc.nat(60)), (lengthBytes, list, cuts) => {
      const bytes = framed(lengthBytes, list);
      const sink = new Frames();
      const reader = new FrameReader(lengthBytes, 100);
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        const end = Math.min(at + cut, bytes.length);
        const chunk = bytes.slice(at, end);
        reader.push(chunk, sink);
        chunk.fill(0xdd);
        at = end;
      }
      expect(sink.frames).toEqual(list.map((frame) => [...frame]));
    }),
  );
});

test("a frame wholly inside a chunk is a range of it, any other is put together: if it is not large, where the last one was", () => {
  const sizes = [3, 3, 2, 200_000];
  const bytes = framed(
    4,
    sizes.map((size) => new Uint8Array(size).fill(size)),
  );
  const sink = new Frames();
  const reader = new FrameReader(4, 200_000);
  const first = bytes.subarray(0, 12);

  for (const chunk of [first, bytes.subarray(12, 19), bytes.subarray(19, 1_000), bytes.subarray(1_000)]) {
    reader.push(chunk, sink);
  }

  const [inChunk, putTogether, again, large] = sink.places;
  expect(sink.frames.map(({ length }) => length)).toEqual(sizes);
  expect(inChunk).toBe(first);
  expect(putTogether!.buffer).not.toBe(bytes.buffer);
  expect(again).toBe(putTogether);
  expect(large!.length).toBe(200_000);
});

test("the form changes between two frames of one chunk", () => {
  const bytes = Buffer.concat([framed(2, [Uint8Array.of(1)]), framed(4, [Uint8Array.of(2), new Uint8Array(0)])]);
  const sink = new Frames();
  const reader = new FrameReader(2, 10);
  sink.onFrame = () => reader.expect(4, 10);

  reader.push(bytes, sink);

  expect(sink.frames).toEqual([[1], [2], []]);
});

describe("a frame over the limit", () => {
  test("is refused by its length, before anything is allocated, and nothing is read any more", () => {
    const sink = new Frames();
    const reader = new FrameReader(4, 1_000);

    reader.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3), sink);
    reader.push(framed(4, [Uint8Array.of(1)]), sink);

    expect(sink.refused).toEqual([0xffff_ffff, 1_000]);
    expect(sink.frames).toEqual([]);
  });
});

test("a stopped reader drops the rest of its chunk", () => {
  const sink = new Frames();
  const reader = new FrameReader(2, 10);
  sink.onFrame = () => reader.stop();

  reader.push(framed(2, [Uint8Array.of(1), Uint8Array.of(2)]), sink);

  expect(sink.frames).toEqual([[1]]);
});
