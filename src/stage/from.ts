import { type CastResult, noReply, stop } from "../otp/index.ts";
import { Reason } from "../runtime/index.ts";
import { type ProducerOptions, withOptions } from "./callbacks.ts";
import { Producer } from "./producer.ts";
import { type Cursor, openSource, type Source } from "./source.ts";

/** Options of {@link from}, besides those of every producer. */
export interface FromOptions<Out> extends ProducerOptions<Out> {
  /** `stop`: end with `normal` when the last consumer has gone. Default `continue`: wait for the next one. */
  readonly onCancel?: "stop" | "continue";
}

/**
 * A producer of what a source yields, to be started: `node.start(GenStage.from(() => readLines(path)), { name: "lines" })`.
 *
 * The source is read as far as consumers have asked and no further, so it is slowed down by the slowest part of the pipeline.
 * The producer ends with `normal` once the source is exhausted and its last event has been sent; consumers see that as the end
 * of the data. If the source fails, it ends with that error. However it ends, the source is closed.
 *
 * A consumer that subscribes after the end finds nobody. Where consumers may come late, start with `demand: "accumulate"`:
 * then nothing is read until somebody switches to `forward`, as Flow and `GenStage.stream` do.
 *
 * @param source - best a function, called at each start, so that a restart begins anew; its argument is aborted when the
 * producer ends, for sources that may wait for long. What was read from a bare iterable is gone for the next start.
 */
export function from<Out>(
  source: Source<Out> | ((signal: AbortSignal) => Source<Out>),
  options: FromOptions<Out> = {},
): new () => Producer<Out> {
  const open = (signal: AbortSignal) => openSource(typeof source === "function" ? source(signal) : source);
  return class FromSource extends SourceProducer<Out> {
    constructor() {
      super(open, options);
    }
  };
}

/** Same as `GenStage.from_enumerable`, for sources that may take their time as well. */
class SourceProducer<Out> extends Producer<Out> {
  readonly #open: (signal: AbortSignal) => Cursor<Out>;
  readonly #options: FromOptions<Out>;
  #cursor!: Cursor<Out>;
  /** Events that consumers have asked for and the source has not yet given. */
  #wanted = 0;
  #isReading = false;
  #reading: Promise<void> | undefined;
  /** Read, and about to be emitted. */
  #batch: Out[] = [];
  #consumers = 0;

  constructor(open: (signal: AbortSignal) => Cursor<Out>, options: FromOptions<Out>) {
    super();
    this.#open = open;
    this.#options = options;
  }

  override init() {
    const { signal } = this.process;
    this.#cursor = this.#open(signal);
    signal.addEventListener("abort", () => this.#cursor.close(), { once: true });
    const { onCancel, ...options } = this.#options;
    return withOptions<ProducerOptions>(options as ProducerOptions);
  }

  handleDemand(demand: number): CastResult<Out> {
    this.#wanted += demand;
    if (this.#isReading) return;
    if (this.#cursor.isSync) return noReply({ events: this.#readNow() });
    this.#reading = this.#read();
  }

  override handleSubscribe(): void {
    this.#consumers++;
  }

  override handleCancel(): CastResult<Out> {
    this.#consumers--;
    if (this.#consumers === 0 && this.#options.onCancel === "stop") return stop(Reason.normal);
  }

  /** Reads nothing more; what is being read is waited for. */
  override async handleDrain(): Promise<CastResult<Out>> {
    this.#wanted = 0;
    await this.#reading;
    return noReply({ events: this.#takeBatch() });
  }

  #readNow(): Out[] {
    const events: Out[] = [];
    try {
      for (; this.#wanted > 0; this.#wanted--) {
        const result = this.#cursor.next() as IteratorResult<Out>;
        if (result.done) {
          this.#exhausted();
          break;
        }
        events.push(result.value);
      }
    } catch (error) {
      this.#failed(error);
    }
    return events;
  }

  /** Reads what is wanted, without holding the mailbox; what comes in one turn of the event loop is emitted together. */
  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      while (this.#wanted > 0 && !this.process.signal.aborted) {
        const result = await this.#cursor.next();
        if (result.done) return this.#exhausted();
        this.#wanted--;
        if (this.#batch.push(result.value) === 1) this.process.later(() => noReply({ events: this.#takeBatch() }));
      }
      this.#isReading = false;
    } catch (error) {
      this.#failed(error);
    }
  }

  #takeBatch(): Out[] {
    const batch = this.#batch;
    this.#batch = [];
    return batch;
  }

  /** Ends with the source's error, behind what it gave before. */
  #failed(error: unknown): void {
    this.#isReading = true;
    this.process.later(() => {
      throw error;
    });
  }

  /** Nothing more is read; ends once all that was read has been sent. */
  #exhausted(): void {
    this.#isReading = true;
    this.process.later(() => stop(Reason.normal), { afterEvents: true });
  }
}
