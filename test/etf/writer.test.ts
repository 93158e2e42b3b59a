import { describe, expect, test } from "vitest";
import { Writer } from "../../src/etf/index.ts";

describe("Writer", () => {
  test("fields are big-endian and the block grows as needed", () => {
    const writer = new Writer(1);
    writer.u8(1);
    writer.u16(0x0203);
    writer.u32(0x0405_0607);
    writer.u64(0xffff_ffff_ffff_fffen);
    writer.f64(1.5);
    writer.copy(Uint8Array.of(9, 9));

    expect(writer.size).toBe(25);
    expect([...writer.take()]).toEqual([
      ...[1, 2, 3, 4, 5, 6, 7, 255, 255, 255, 255, 255, 255, 255, 254],
      ...[0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 9, 9],
    ]);
  });

  test("taking does not copy", () => {
    const writer = new Writer(64);
    writer.u32(1);

    expect(writer.take().buffer).toBe(writer.bytes.buffer);
    expect(writer.size).toBe(0);
  });

  test("chunks that were taken do not change when more is written", () => {
    const writer = new Writer(8);
    writer.u32(1);
    const first = writer.take();
    for (let i = 0; i < 10; i++) writer.u32(2);
    writer.take();
    writer.u32(3);

    expect([...first]).toEqual([0, 0, 0, 1]);
    expect([...writer.take()]).toEqual([0, 0, 0, 3]);
  });

  test("a block stays in size however many chunks were cut from it", () => {
    const writer = new Writer(64);
    for (let i = 0; i < 1000; i++) {
      writer.copy(new Uint8Array(50));
      writer.take();
    }

    expect(writer.bytes.length).toBeLessThanOrEqual(128);
  });

  test.each([0, 1, 4, 5, 6, 7, 8, 60])("rewinding to %i forgets exactly what came later, growth included", (mark) => {
    const write = (writer: Writer, from: number, to: number) => {
      for (let i = from; i < to; i++) {
        writer.u8(i);
      }
    };
    const writer = new Writer(4);
    write(writer, 0, mark);
    expect(writer.mark()).toBe(mark);
    write(writer, mark, 100);
    writer.rewind(mark);
    write(writer, mark, 100);

    expect([...writer.take()]).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  test("a length is patched where it was written, also before growth", () => {
    const writer = new Writer(8);
    writer.u8(1);
    const mark = writer.mark();
    writer.u32(0);
    for (let i = 0; i < 20; i++) writer.u8(2);
    const late = writer.mark();
    writer.u32(0);
    writer.patch32(mark, 0x0102_0304);
    writer.patch32(late, 5);

    const bytes = [...writer.take()];
    expect(bytes.slice(0, 6)).toEqual([1, 1, 2, 3, 4, 2]);
    expect(bytes.slice(-4)).toEqual([0, 0, 0, 5]);
  });

  test("a detached piece is left alone by what is written later, floats and atoms included", () => {
    const writer = new Writer(64);
    writer.u8(1);
    const mark = writer.mark();
    writer.f64(1.5);
    const piece = writer.detach(mark);
    const before = [...piece];
    writer.f64(2.5);
    writer.words(Uint32Array.of(0x0102_0304, 0x0506_0000), 6);

    expect([...piece]).toEqual(before);
    expect([...writer.take()]).toEqual([1, 0x40, 4, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]);
  });

  test("a reused writer starts over in the same block", () => {
    const writer = new Writer(16);
    const { bytes } = writer;
    writer.u32(1);
    writer.reuse();
    writer.u8(2);

    expect(writer.bytes).toBe(bytes);
    expect([...writer.take()]).toEqual([2]);
  });
});
