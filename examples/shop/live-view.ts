// What the demo shows: one line that is rewritten on a terminal, a line per second elsewhere.
import process from "node:process";

/** What the view shows, as it is at the moment. */
export interface Figures {
  readonly orders: number;
  readonly cents: number;
  /** What the shop says it could still send at once. */
  readonly openDemand: number;
  /** How often the shop has asked for the totals. */
  readonly asked: number;
}

export class LiveView {
  readonly #read: () => Promise<Figures>;
  readonly #isTerminal = process.stdout.isTTY === true;
  readonly #start = performance.now();
  readonly #timer: NodeJS.Timeout;
  #lastOrders = 0;
  #lastTime = this.#start;

  constructor(read: () => Promise<Figures>) {
    this.#read = read;
    this.#timer = setInterval(() => void this.#show(), this.#isTerminal ? 250 : 1000);
  }

  /** Ends the view with a summary. */
  async close(why: string): Promise<void> {
    clearInterval(this.#timer);
    const { orders, cents, asked } = await this.#read();
    const seconds = (performance.now() - this.#start) / 1000;
    if (this.#isTerminal) process.stdout.write("\r\x1b[K");
    process.stdout.write(
      `${why}: ${number(orders)} orders worth ${money(cents)} in ${seconds.toFixed(1)} s, ` +
        `${number(orders / seconds)} a second; the shop asked for the totals ${asked} times\n`,
    );
  }

  async #show(): Promise<void> {
    const { orders, cents, openDemand } = await this.#read();
    const now = performance.now();
    const rate = ((orders - this.#lastOrders) * 1000) / (now - this.#lastTime);
    this.#lastOrders = orders;
    this.#lastTime = now;
    const line =
      `orders ${number(orders).padStart(9)}   rate ${number(rate).padStart(6)}/s   ` +
      `open demand ${number(openDemand).padStart(5)}   sold ${money(cents)}`;
    process.stdout.write(this.#isTerminal ? `\r\x1b[K${line}` : `${line}\n`);
  }
}

function number(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function money(cents: number): string {
  return (cents / 100).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}
