// What is measured, as data. Rates are in things per second as the driver sees them, unless `unit` says otherwise.
//
// `operation` is a function of Bench.Driver (bench/driver.exs), `params` what it gets, `first` the count of the first short
// run, from which the later ones are chosen. `target` is the ratio to a BEAM pair that is to be reached, undefined where there
// is none; a ratio of `lowerIsBetter` rows is to stay below it, as their value is below `limit`. Rows without `first` always
// have the same `count`.

const sizes = { "16 B": 16, "1 KiB": 1024, "64 KiB": 65_536, "1 MiB": 1_048_576 };
const directions = ["in", "out"];

const idOf = (...parts) => parts.join("-").toLowerCase().replaceAll(" ", "");

/** "in" is from the measuring BEAM to the peer, "out" from the peer to it. */
const both = (make) => directions.map((direction) => make(direction));

const calls = [
  { callers: 64, direction: "in", target: 2 },
  { callers: 64, direction: "out", target: 2 },
  { callers: 1, direction: "in", target: 1 },
  { callers: 1, direction: "out" },
].map(({ callers, direction, target }) => ({
  id: idOf("calls", callers, direction),
  title: `calls, ${callers === 1 ? "one caller" : `${callers} callers`}, ${direction}`,
  operation: `calls_${direction}`,
  params: { callers },
  first: callers * 20,
  unit: "/s",
  target,
}));

function send(id, title, payload, { first, bytes, target, lend = false }) {
  return both((direction) => ({
    id: idOf("send", id, direction),
    title: `send ${title}, ${direction}`,
    operation: `send_${direction}`,
    params: lend ? { payload, lend } : { payload },
    first,
    unit: "/s",
    ...(bytes !== undefined && { bytes }),
    target: target?.[direction],
  })).filter(({ operation }) => !lend || operation === "send_out");
}

const targets = {
  "16 B": { in: 1.2, out: 1.5 },
  "1 KiB": { in: 1.3, out: 1 },
  "64 KiB": { in: 1, out: 1.1 },
  "1 MiB": { in: 1.6, out: 2.2 },
};
const ofSize = (kind, title, targeted, lend) => (size) => {
  const bytes = sizes[size];
  const first = Math.max(4, Math.min(2_000, 2 ** 22 / bytes));
  const about = { first, bytes, target: targeted ? targets[size] : undefined, lend };
  return send(`${kind}-${size}${lend ? "-lent" : ""}`, `${size}${title}`, `{:${kind}, ${bytes}}`, about);
};

const sends = [
  ...Object.keys(sizes).flatMap(ofSize("random", "", true)),
  ...send("map", "a 290-byte map", ":map", { first: 2_000, target: { in: 1.1, out: 1 } }),
  ...["64 KiB", "1 MiB"].flatMap(ofSize("random", ", lent", true, true)),
  ...Object.keys(sizes).flatMap(ofSize("ascii", " of ASCII text", false)),
  ...Object.keys(sizes).flatMap(ofSize("text", " of other text", false)),
];

const stage = (id, title, { events, consumers = 1, maxDemand, first, target }) =>
  both((direction) => ({
    id: idOf("stage", id, direction),
    title: `${title}, ${direction}`,
    operation: `stage_${direction}`,
    params: { events: `:${events}`, consumers, max_demand: maxDemand },
    first,
    unit: "/s",
    genStage: true,
    target,
  }));

const stages = [
  ...stage("integers", "GenStage integers, max 1000", {
    events: "integers",
    maxDemand: 1_000,
    first: 20_000,
    target: 1,
  }),
  ...stage("maps", "GenStage maps, max 1000", { events: "maps", maxDemand: 1_000, first: 5_000, target: 1 }),
  ...stage("max10", "GenStage integers, max 10", { events: "integers", maxDemand: 10, first: 1_000, target: 1 }),
  ...stage("max1", "GenStage integers, max 1", { events: "integers", maxDemand: 1, first: 200, target: 1 }),
  ...stage("broadcast", "100 consumers of one broadcast, deliveries", {
    events: "integers",
    consumers: 100,
    maxDemand: 1_000,
    first: 1_000,
    target: 2,
  }),
];

const others = [
  {
    id: "idle",
    title: "idle process",
    operation: "idle",
    params: {},
    count: 100_000,
    unit: "bytes",
    lowerIsBetter: true,
    limit: 2_048,
  },
  {
    id: "connect",
    title: "connect to first reply",
    operation: "connect",
    params: {},
    first: 5,
    unit: "us",
    lowerIsBetter: true,
    target: 1,
  },
];

/** @type {readonly Record<string, any>[]} */
export const rows = [...calls, ...sends, ...stages, ...others];

/** The rows of these ids or beginnings of ids, such as `send` or `stage-maps`; all without any. */
export function chosenRows(ids) {
  if (ids === undefined) return rows;
  const chosen = rows.filter(({ id }) => ids.some((each) => id === each || id.startsWith(`${each}-`)));
  const unknown = ids.filter((each) => !chosen.some(({ id }) => id === each || id.startsWith(`${each}-`)));
  if (unknown.length > 0) throw new Error(`no such rows: ${unknown}; there are ${rows.map(({ id }) => id).join(" ")}`);
  return chosen;
}
