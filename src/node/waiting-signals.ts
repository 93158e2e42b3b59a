import { BusyError, type Logger } from "../base/index.ts";
import type { Signal } from "../dist/index.ts";
import type { Unsent } from "../runtime/index.ts";
import type { Term } from "../term/index.ts";
import { isMessage } from "./peer-link.ts";

/** Signals for a node that wait, in their order, while the connection to it is being made. */
export class WaitingSignals {
  readonly #node: string;
  readonly #max: number;
  readonly #fixed: (term: unknown) => Term;
  readonly #signals: { readonly signal: Signal; readonly unsent: Unsent | undefined }[] = [];

  /**
   * Beyond `max` of them, messages are refused; links, monitors and exits are owed. What `fixed` gives of a term is sent
   * in its place.
   */
  constructor(node: string, max: number, fixed: (term: unknown) => Term) {
    this.#node = node;
    this.#max = max;
    this.#fixed = fixed;
  }

  /** Keeps a copy, since a message is fixed when `send` returns. @throws BusyError, EncodeError */
  add(signal: Signal, unsent: Unsent | undefined): void {
    const signals = this.#signals.length;
    if (isMessage(signal) && signals >= this.#max) throw new BusyError(this.#node, { signals });
    this.#signals.push({ signal: this.#copy(signal), unsent });
  }

  /** Reasons were fixed when their process ended, or was told to. */
  #copy(signal: Signal): Signal {
    if ("message" in signal) return { ...signal, message: this.#fixed(signal.message) };
    return signal.op === "spawnRequest" ? { ...signal, args: this.#fixed(signal.args) } : signal;
  }

  /** Sends all of them. Who sent one that cannot be sent is told; what nobody asks about is logged. */
  sendAll(transmit: (signal: Signal) => void, logger: Logger): void {
    for (const { signal, unsent } of this.#signals) {
      try {
        transmit(signal);
      } catch (error) {
        if (unsent !== undefined) unsent(error as Error);
        else logger.warn(`a ${signal.op} that waited for the connection to ${this.#node} could not be sent: ${error}`);
      }
    }
  }
}
