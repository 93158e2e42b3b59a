// One timing of one row against one peer.
import { readFile } from "node:fs/promises";

const TIMEOUT_MS = 180_000;
const CLOCK_TICKS_PER_SECOND = 100;

/** A timing shorter than this part of the one that is wanted says too little to choose the count from. */
const LONG_ENOUGH = 0.2;
const MOST_GROWTH = 8;

/** Measures rows of one peer. Remembers how fast each went, so that only the first timing of a row has to find the count. */
export class Meter {
  #driver;
  #peer;
  #seconds;
  #rates = new Map();

  constructor(driver, peer, seconds) {
    this.#driver = driver;
    this.#peer = peer;
    this.#seconds = seconds;
  }

  /** The peer gives back what it gets. */
  check() {
    return this.#driver.eval(`Bench.Driver.check(:"${this.#peer.node}"); nil`);
  }

  /** Runs the row for a moment, and then longer, until its rate is known and the peer is warm. */
  async warmUp(row) {
    if (row.count !== undefined) return;
    for (let count = row.first; ; ) {
      const { microseconds } = await this.run(row, count);
      const part = microseconds / 1e6 / this.#seconds;
      this.#rates.set(row.id, count / (microseconds / 1e6));
      if (part >= LONG_ENOUGH) return;
      count = Math.ceil(count * Math.min(MOST_GROWTH, (2 * LONG_ENOUGH) / part));
    }
  }

  /**
   * A timing of the wanted length: the value in the row's unit, and for either side the seconds that its threads ran, and
   * that its first thread waited for a processor which others had (the one that runs JavaScript; a BEAM's does nothing).
   */
  async measure(row) {
    const count = row.count ?? Math.ceil(this.#rates.get(row.id) * this.#seconds);
    const sides = { driver: this.#driver.pid, peer: this.#peer.pid };
    const before = await threadTimes(sides);
    const result = await this.run(row, count);
    const after = await threadTimes(sides);
    const seconds = result.microseconds / 1e6;
    this.#rates.set(row.id, count / seconds);
    const difference = (what) =>
      Object.fromEntries(Object.keys(sides).map((side) => [side, rounded(after[side][what] - before[side][what])]));
    const [cpu, waited] = [difference("ran"), difference("waited")];
    return { value: result.value, count: result.count, seconds: rounded(seconds), cpu, waited };
  }

  run(row, count) {
    const params = Object.entries(row.params).map(([key, value]) => `${key}: ${value}`);
    const code = `Bench.Driver.${row.operation}(:"${this.#peer.node}", %{${params.join(", ")}}, ${count})`;
    return this.#driver.eval(code, { timeoutMs: TIMEOUT_MS });
  }
}

const rounded = (value) => Number(value.toPrecision(3));

async function threadTimes(sides) {
  const times = Object.entries(sides).map(async ([side, pid]) => [side, await threadTimesOf(pid)]);
  return Object.fromEntries(await Promise.all(times));
}

/** Seconds, as Linux says in /proc. All threads ran as long, those that have ended, too. */
export async function threadTimesOf(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const [, waited] = (await readFile(`/proc/${pid}/schedstat`, "utf8")).split(" ");
  return { ran: ticks / CLOCK_TICKS_PER_SECOND, waited: Number(waited) / 1e9 };
}
