// What a series of measurements comes to, and the table that people read.
import { median } from "./figures.mjs";

const PAIR = "beam";

const spread = (values) => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
});

/** Of the rounds of a row, by peer: medians, and the ratios to the BEAM of the same round. */
export function summary(row, rounds) {
  const names = [...new Set(rounds.flatMap((round) => Object.keys(round)))];
  const peers = names.map((name) => {
    const measured = rounds.map((round) => round[name]).filter((each) => each !== undefined);
    const ratios = rounds.flatMap((round) =>
      round[name] === undefined || round[PAIR] === undefined ? [] : [round[name].value / round[PAIR].value],
    );
    const cpu = (side, per) => median(measured.map((each) => each.cpu[side] / per(each)));
    const busy = (per) => ({ driver: cpu("driver", per), peer: cpu("peer", per) });
    return [
      name,
      {
        value: spread(measured.map(({ value }) => value)),
        ...(ratios.length > 0 && name !== PAIR && { ratio: spread(ratios) }),
        // On either side: cores that were busy, and microseconds of CPU for each thing. A BEAM without work looks for it for a while.
        ...(measured[0]?.seconds > 0 && {
          cores: busy(({ seconds }) => seconds),
          cpuEach: busy(({ count }) => count / 1e6),
        }),
        rounds: measured,
      },
    ];
  });
  return { ...row, peers: Object.fromEntries(peers) };
}

/** Figures that are nearer to each other than this are not told apart on a machine with other work. */
const TIE = 0.1;

/** "reached", "tie" with the target, "missed", or nothing where there is no target. */
function verdict({ target, limit, lowerIsBetter }, { value, ratio } = {}) {
  if (limit !== undefined) return value === undefined ? "" : value.median <= limit ? "reached" : "missed";
  if (target === undefined || ratio === undefined) return "";
  const share = lowerIsBetter ? target / ratio.median : ratio.median / target;
  return share >= 1 ? "reached" : share >= 1 - TIE ? "tie" : "missed";
}

/** A Markdown table: one line for each row, the value of the BEAM, and the other peers as ratios to it. */
export function rowsTable(rows, names) {
  const others = names.filter((name) => name !== PAIR);
  const ours = others.find((name) => name.startsWith("tiebeam"));
  const lines = rows.map((row) => [
    row.title,
    pairCell(row, row.peers[PAIR]),
    ...others.map((name) => cell(row, row.peers[name])),
    spreadOf(row.peers[ours]),
    cpuCell(row.peers[ours], row.peers[PAIR]),
    row.limit === undefined ? (row.target?.toFixed(1) ?? "") : `≤ ${inUnit(row, row.limit)}`,
    verdict(row, row.peers[ours]),
  ]);
  return table(["row", "BEAM pair", ...others, "spread", "CPU, us", "to reach", ""], lines);
}

/** The first column is text, the others figures. */
function table(head, lines) {
  const rule = head.map((_, i) => (i === 0 ? "---" : "---:"));
  return [head, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const pairCell = (row, measured) => (measured?.value ? inUnit(row, measured.value.median) : "–");

function cell(row, measured) {
  if (measured === undefined) return "–";
  if (measured.cannot !== undefined) return measured.cannot.startsWith("fails") ? "fails" : "cannot";
  if (row.limit !== undefined || measured.ratio === undefined) return inUnit(row, measured.value.median);
  return measured.ratio.median.toFixed(2);
}

function spreadOf(measured) {
  if (measured?.ratio === undefined) return "";
  return `${measured.ratio.min.toFixed(2)}-${measured.ratio.max.toFixed(2)}`;
}

/** For each thing: what the peer takes, and what the BEAM takes in its place. */
function cpuCell(...measured) {
  const each = measured.map((one) => one?.cpuEach?.peer);
  return each.includes(undefined) ? "" : each.map((us) => Number(us.toPrecision(2))).join(" / ");
}

/** A rate in thousands or millions, of large messages in bytes; a time in milliseconds; memory in KiB. */
function inUnit({ unit, bytes }, value) {
  if (unit === "us") return `${(value / 1000).toFixed(2)} ms`;
  if (unit === "bytes") return `${(value / 1024).toFixed(1)} KiB`;
  if (bytes >= 65_536) return `${((value * bytes) / 1e9).toFixed(2)} GB/s`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M/s`;
  return `${(value / 1e3).toPrecision(3)} k/s`;
}

/** One line of progress: what a row took, with the CPU time of either side for each thing. */
export function lineOf(row) {
  const peers = Object.entries(row.peers).map(([name, measured]) => {
    if (measured.cannot !== undefined) return `${name}: ${measured.cannot}`;
    const { cpuEach } = measured;
    const cpu = cpuEach
      ? ` (CPU us: driver ${cpuEach.driver.toPrecision(2)}, peer ${cpuEach.peer.toPrecision(2)})`
      : "";
    return `${name} ${inUnit(row, measured.value.median)} ${measured.ratio?.median.toFixed(2) ?? ""}${cpu}`;
  });
  return `${row.id}: ${peers.join("; ")}`;
}

export function memoryTable(rows) {
  const head = ["row", "RSS, first 30 s", "last 30 s", "in use, first 30 s", "last 30 s"];
  return table(
    head,
    rows.map(({ title, first, last }) => [title, first.rss, last.rss, first.used, last.used]),
  );
}

/** A column for each size that any of the rows has. */
export function growthTable(rows) {
  const sizes = [...new Set(rows.flatMap(({ nanoseconds }) => Object.keys(nanoseconds)))].sort((a, b) => a - b);
  const head = ["", ...sizes.map((size) => Number(size).toLocaleString("en")), "exponent", ""];
  const lines = rows.map(({ title, nanoseconds, exponent, linear }) => [
    title,
    ...sizes.map((size) => nanoseconds[size]?.toLocaleString("en") ?? ""),
    exponent.toFixed(2),
    { true: "linear", false: "worse than linear" }[linear] ?? "",
  ]);
  return table(head, lines);
}
