// The terms that codecs are compared with.

/** The message of all benches: ten atom keys, short texts, integers, a float and two lists. */
export const message = {
  id: 1_234_567,
  sku: "sku-000042",
  name: "Walking boots, brown, size 42",
  email: "someone.else@example.com",
  status: "pending",
  quantity: 3,
  price: 19.99,
  warehouse: "eu-central-1",
  tags: ["outdoor", "leather", "sale", "men"],
  sizes: [410, 420, 430, 440, 450],
};

const range = (length, item) => Array.from({ length }, (_, i) => item(i));

/** As {@link message}, with texts and numbers that differ from map to map. */
const messageOf = (i) => ({
  ...message,
  id: 1_000_000 + i,
  sku: `sku-${String(i).padStart(6, "0")}`,
  name: `Walking boots, brown, size ${10 + (i % 40)}`,
  price: 10.25 + i,
});

const SIZES = { "16 B": 16, "1 KiB": 1024, "64 KiB": 65_536, "1 MiB": 1_048_576 };

/** Not random, so that every run has the same; from the first byte on no UTF-8. */
function noise(length) {
  let state = 0x2545f491;
  const bytes = Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state >>> 24;
  });
  bytes[0] = 0xff;
  return bytes;
}

/** One character in eight takes two bytes. */
const text = (pattern) => (length) => pattern.repeat(Math.ceil(length / pattern.length)).slice(0, length);
const kinds = { bytes: noise, "ASCII text": text("eu-west1"), "other text": text("größer, ") };

function binaries() {
  const rows = Object.entries(kinds).flatMap(([kind, make]) =>
    Object.entries(SIZES).map(([size, length]) => [`${size} of ${kind}`, make(length)]),
  );
  return Object.fromEntries(rows);
}

const nested = (depth) =>
  depth === 0 ? ["leaf", 1, 2.5] : { left: [depth, nested(depth - 1)], right: nested(depth - 1) };

/** By name, of the values of one build of the library: two builds have different ones. */
export const terms = ({ Pid, Ref, atom, tuple }) => ({
  "map of ten keys": message,
  "1000 small integers": range(1000, (i) => 1000 + i),
  "1000 maps of ten keys": range(1000, messageOf),
  "1000 tuples in tuples": range(1000, (i) => tuple(atom("ok"), 1000 + i, tuple(atom("price"), [i, "EUR"]))),
  "nested maps and lists": nested(6),
  "100 pids": range(100, (i) => new Pid("shop@127.0.0.1", 100 + i, 0, 1_700_000_000)),
  "100 references": range(100, (i) => new Ref("shop@127.0.0.1", 1_700_000_000, [i, 2, 3, 4])),
  ...binaries(),
});
