/** Bytes of a round at the start, and the fewest: one fragment. */
const MIN_ROUND_BYTES = 64 * 1024;

/** The most, so that a window of {@link MAX_ROUNDS} fills a gigabit over a quarter of a second. */
const MAX_ROUND_BYTES = 16 * 1024 * 1024;

/** How much longer one round may be than the one before. */
const MAX_GROWTH = 1.5;

/** Rounds that may be on their way to a far node: while one is answered the next one keeps the link busy. */
const MAX_ROUNDS = 2;

/** A node is far when its fastest answer takes longer than that; to a near one the next round waits for the answer. */
const FAR_MS = 2;

/** What a round may take above twice the fastest one: on loopback that one takes less than the jitter of two processes. */
const JITTER_MS = 0.1;

/** What a round may take where nobody else has anything to say. */
const QUIET_ROUND_MS = 4;

/** Bytes that came between a question and its answer, from which on the answer was late because of them. */
const BUSY_BYTES = 256 * 1024;

/**
 * Holds fragments back while the peer has not taken those before, so that what waits in between (the kernels' buffers,
 * tens of megabytes when left alone) does not delay the small signals behind them.
 *
 * Fragments leave in rounds, each followed by a question that the peer answers when it has read so far. Rounds grow
 * while the answers come as fast as the fastest did, and shrink when answers take longer: the bytes on their way are
 * then those that the link itself needs. Answers that had to wait behind what the peer sends say nothing about that.
 *
 * While nothing but fragments is sent nobody is delayed: then rounds may take longer, and one follows the other without
 * waiting. Once others speak again, two or three rounds later theirs are short ways again.
 */
export class Pacer {
  #roundBytes = MIN_ROUND_BYTES;
  #sentBytes = 0;
  #fastestMs = Number.POSITIVE_INFINITY;
  #isQuiet = true;
  /** The questions that are not answered, oldest first. */
  readonly #asked: { readonly id: number; readonly at: number; readonly read: number }[] = [];

  /** True: bytes may leave. */
  get isOpen(): boolean {
    const isFar = this.#fastestMs > FAR_MS && this.#fastestMs < Number.POSITIVE_INFINITY;
    return this.#asked.length < (isFar || this.#isQuiet ? MAX_ROUNDS : 1);
  }

  /** Counts bytes that leave. True when that ends the round: a question is due. */
  sent(bytes: number): boolean {
    this.#sentBytes += bytes;
    return this.#sentBytes >= this.#roundBytes;
  }

  /**
   * @param read - bytes that have come from the peer so far.
   * @param isQuiet - whether others have sent nothing of late.
   */
  asked(id: number, now: number, read: number, isQuiet: boolean): void {
    this.#isQuiet = isQuiet;
    this.#sentBytes = 0;
    this.#asked.push({ id, at: now, read });
  }

  /** A question was answered, and with it those before. Answers to unknown ones do not count. */
  answered(id: number, now: number, read: number): void {
    const index = this.#asked.findIndex((asked) => asked.id === id);
    if (index < 0) return;
    const asked = this.#asked[index]!;
    this.#asked.splice(0, index + 1);
    const took = now - asked.at;
    this.#fastestMs = Math.min(this.#fastestMs, took);
    const lively = 2 * this.#fastestMs + JITTER_MS;
    const allowed = this.#isQuiet ? Math.max(lively, QUIET_ROUND_MS) : lively;
    const change = read - asked.read > BUSY_BYTES ? MAX_GROWTH : allowed / took;
    const next = this.#roundBytes * Math.min(Math.max(change, 1 / 2), MAX_GROWTH);
    this.#roundBytes = Math.min(Math.max(next, MIN_ROUND_BYTES), MAX_ROUND_BYTES);
  }
}
