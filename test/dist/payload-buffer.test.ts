import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PayloadBuffer } from "../../src/dist/payload-buffer.ts";

const bytes = (length: number, first = 0) => Uint8Array.from({ length }, (_, i) => first + i);

function joined(parts: readonly Uint8Array[], announce: (left: number) => number): Uint8Array {
  const payload = new PayloadBuffer();
  parts.forEach((part, i) => {
    payload.append(part, payload.length + part.length + announce(parts.length - i - 1));
  });
  return payload.take();
}

describe("a payload in parts", () => {
  test("is its parts one after the other, whatever was announced", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 60 }),
        fc.array(fc.nat(5_000), { minLength: 1 }),
        (parts, announced) => {
          const payload = joined(parts, (left) => announced[left % announced.length]!);

          expect(Buffer.compare(payload, Buffer.concat(parts))).toBe(0);
        },
      ),
    );
  });

  test("is copied, as parts lie in a buffer that is read into again", () => {
    const read = Buffer.from([1, 2, 3]);
    const payload = new PayloadBuffer();
    for (const announced of [1_000_000, 1_000_000, 9]) {
      payload.append(read, announced);
      read.fill(read[0]! + 3);
    }

    expect([...payload.take()]).toEqual([1, 2, 3, 4, 4, 4, 7, 7, 7]);
  });

  test("takes no more room than what came when a lot was announced and little came", () => {
    const payload = joined([bytes(10), bytes(10)], () => 1_000_000_000);

    expect(payload).toEqual(Uint8Array.of(...bytes(10), ...bytes(10)));
    expect(payload.buffer.byteLength).toBe(20);
  });

  test("has its room in one piece as soon as a sixteenth is there, and is not copied again", () => {
    const parts = Array.from({ length: 64 }, (_, i) => bytes(100, i));
    const payload = joined(parts, (left) => left * 100);

    expect(payload.buffer.byteLength).toBe(6_400);
  });

  test("lies in the room of an earlier one as long as it fits", () => {
    const spare = new Uint8Array(100).fill(9);
    const small = new PayloadBuffer(spare);
    small.append(bytes(10), 20);
    const large = new PayloadBuffer(spare);
    for (let i = 0; i < 3; i++) large.append(bytes(40, i), 100);

    expect(small.take()).toEqual(bytes(10));
    expect(small.take().buffer).toBe(spare.buffer);
    expect(large.take()).toEqual(Uint8Array.of(...bytes(40), ...bytes(40, 1), ...bytes(40, 2)));
    expect(large.take().buffer).not.toBe(spare.buffer);
  });
});
