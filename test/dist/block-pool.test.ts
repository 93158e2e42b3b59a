import { expect, test } from "vitest";
import { BlockPool } from "../../src/dist/block-pool.ts";

const MB = 2 ** 20;

test("a block that was given back is taken again by what needs one of its size", () => {
  const pool = new BlockPool();
  const block = pool.take(MB + 100);

  pool.give(block.subarray(10, 20));

  expect(block.length).toBe(2 * MB);
  expect(pool.take(1000).buffer).not.toBe(block.buffer);
  expect(pool.take(2 * MB).buffer).toBe(block.buffer);
  expect(pool.take(2 * MB).buffer).not.toBe(block.buffer);
});

test("blocks make room for those that come later: many small ones do not keep out the large", () => {
  const pool = new BlockPool();
  const small = Array.from({ length: 200 }, () => pool.take(64 * 1024));
  const large = pool.take(2 * MB);

  for (const block of small) pool.give(block);
  pool.give(large);

  expect(pool.take(2 * MB).buffer).toBe(large.buffer);
  expect(pool.take(64 * 1024).buffer).toBe(small.at(-1)!.buffer);
});

test("a block larger than all that is kept is not", () => {
  const pool = new BlockPool();
  const small = pool.take(1024);
  const huge = pool.take(16 * MB);

  pool.give(small);
  pool.give(huge);

  expect(pool.take(16 * MB).buffer).not.toBe(huge.buffer);
  expect(pool.take(1024).buffer).toBe(small.buffer);
});
