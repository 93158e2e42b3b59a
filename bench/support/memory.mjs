// Does the memory of a peer stay where it was while one row runs at full speed?
import { median } from "./figures.mjs";

const WINDOW_SECONDS = 30;
const MB = 2 ** 20;

/** Samples after each timing, for so many seconds; the levels of the first and of the last 30 seconds. */
export async function memoryDuring(meter, peer, row, seconds) {
  await meter.warmUp(row);
  const start = performance.now();
  const samples = [];
  for (let second = 0; second < seconds; ) {
    await meter.measure(row);
    second = (performance.now() - start) / 1000;
    const { rss, heapUsed, external } = await peer.memory();
    samples.push({ second: Math.round(second), rss, used: heapUsed + external });
  }
  const first = samples.filter(({ second }) => second <= WINDOW_SECONDS);
  const last = samples.filter(({ second }) => second >= seconds - WINDOW_SECONDS);
  return { id: row.id, title: row.title, seconds, first: levelOf(first), last: levelOf(last), samples };
}

/** In MB: the resident memory, and what a garbage collection had just left. */
function levelOf(samples) {
  return {
    rss: Math.round(median(samples.map(({ rss }) => rss)) / MB),
    used: Math.round((10 * median(samples.map(({ used }) => used))) / MB) / 10,
  };
}
