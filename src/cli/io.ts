import type { Clock } from "../base/index.ts";

/** Where text and bytes go. */
export interface Output {
  /**
   * Takes text or bytes. Gives a promise while the reader is slower than the writer, which settles once there is room.
   * Whoever writes in a loop awaits it.
   */
  write(chunk: string | Uint8Array): Promise<void> | undefined;
}

/** What a command has of the world around it. */
export interface Io {
  /** Read only as fast as it is iterated. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Data, and nothing but data. */
  readonly stdout: Output;
  /** Everything else: errors, warnings, what goes on. */
  readonly stderr: Output;
  readonly clock: Clock;
}
