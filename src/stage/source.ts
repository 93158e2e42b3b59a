import { ArgumentError } from "../base/index.ts";

/** What events can be read from: anything iterable, a Node.js `Readable`, a web `ReadableStream`. */
export type Source<Out> = Iterable<Out> | AsyncIterable<Out> | ReadableSource<Out>;

/** The part of a web `ReadableStream` that is used. */
export interface ReadableSource<Out> {
  getReader(): {
    read(): Promise<{ done: false; value: Out } | { done: true; value?: Out | undefined }>;
    cancel(reason?: unknown): Promise<void>;
  };
}

/** Where a source has got to. Reads nothing that `next` was not called for. */
export interface Cursor<Out> {
  /** True when `next` returns its results rather than promises of them. */
  readonly isSync: boolean;
  next(): IteratorResult<Out, unknown> | Promise<IteratorResult<Out, unknown>>;
  /** Lets go of the source, also while a `next` is pending. Its failures concern nobody any more. */
  close(): void;
}

/** Opens a source. @throws ArgumentError `BADARG` when it is none. */
export function openSource<Out>(source: Source<Out>): Cursor<Out> {
  if (isReadableSource(source)) return readerCursor(source.getReader());
  if (Symbol.asyncIterator in Object(source)) {
    const iterator = (source as AsyncIterable<Out>)[Symbol.asyncIterator]();
    return {
      isSync: false,
      next: () => iterator.next(),
      close: () => {
        // An iterator with a `next` pending may not hear of `return` until that settles; a Node.js stream can be told itself.
        (source as { destroy?: () => void }).destroy?.();
        ignoreFailure(() => iterator.return?.());
      },
    };
  }
  if (Symbol.iterator in Object(source)) {
    const iterator = (source as Iterable<Out>)[Symbol.iterator]();
    return { isSync: true, next: () => iterator.next(), close: () => ignoreFailure(() => iterator.return?.()) };
  }
  throw new ArgumentError("source", "is neither iterable nor a readable stream");
}

function isReadableSource<Out>(source: Source<Out>): source is ReadableSource<Out> {
  return typeof (source as { getReader?: unknown } | null)?.getReader === "function";
}

function readerCursor<Out>(reader: ReturnType<ReadableSource<Out>["getReader"]>): Cursor<Out> {
  return {
    isSync: false,
    next: () => reader.read() as Promise<IteratorResult<Out, unknown>>,
    close: () => ignoreFailure(() => reader.cancel()),
  };
}

function ignoreFailure(close: () => unknown): void {
  try {
    Promise.resolve(close()).catch(() => {});
  } catch {
    // Nobody is left to be told.
  }
}
