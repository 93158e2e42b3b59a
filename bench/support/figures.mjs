// Figures of a series of measurements.

/** The value below which a part of the values lies. */
export function percentile(values, part) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

const rounded = (value) => (value === undefined ? null : Number(value.toPrecision(3)));

/** Count, median, p99 and maximum. */
export function figures(values) {
  const [p50, p99, max] = [0.5, 0.99, 1].map((part) => rounded(percentile(values, part)));
  return { calls: values.length, p50, p99, max };
}

/** The middle one, or the mean of the two in the middle. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}
