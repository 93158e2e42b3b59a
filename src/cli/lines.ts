import { unlessAborted } from "./unless-aborted.ts";

const LINE_FEED = 10;

/**
 * Cuts chunks of bytes into lines, without the line feed. What stands after the last line feed is a line too, unless it is
 * empty. Nothing is read ahead of the chunk that the line came in.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  /** The beginning of a line whose end has not come yet. */
  let begun: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      yield joined(begun, chunk.subarray(from, end));
      begun = [];
      from = end + 1;
    }
    if (from < chunk.length) begun.push(chunk.subarray(from));
  }
  if (begun.length > 0) yield joined(begun, new Uint8Array());
}

/** The lines of an input as text, without those that are empty. Throws the signal's reason when it aborts. */
export async function* textLinesOf(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  for await (const line of linesOf(abortable(chunks, signal))) {
    const text = Buffer.from(line).toString("utf8").trim();
    if (text !== "") yield text;
  }
}

/** The same chunks. Throws the signal's reason when it aborts, also while the next chunk is waited for. */
export async function* abortable<T>(chunks: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const iterator = chunks[Symbol.asyncIterator]();
  for (;;) {
    const result = await unlessAborted(iterator.next(), signal);
    if (result.done) return;
    yield result.value;
  }
}

function joined(begun: readonly Uint8Array[], end: Uint8Array): Uint8Array {
  return begun.length === 0 ? end : Buffer.concat([...begun, end]);
}
