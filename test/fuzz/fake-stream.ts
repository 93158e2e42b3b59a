import type { ByteStream } from "../../src/base/index.ts";

/** A stream that counts. */
export class FakeStream implements ByteStream {
  readonly queuedBytes = 0;
  writes = 0;
  closes = 0;

  write(): void {
    this.writes++;
  }

  pause(): void {}

  resume(): void {}

  close(): void {
    this.closes++;
  }
}

/** Fails the case that is under way. */
export function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

/** The error's code if it is one of those; anything else fails the case. */
export function expectCode(error: unknown, codes: RegExp): void {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string" || !codes.test(code)) throw error;
}
