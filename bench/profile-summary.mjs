// Where did the time of a CPU profile go?
//
// Input: a .cpuprofile, of `node bench/run.mjs --profile FILE` or of `node --cpu-prof`. Time without work is left out.
//
// Run: node bench/profile-summary.mjs FILE [--top 25]
// Output: the files with the most time of their own, then the functions, as parts of the time in which something ran.
import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { top: { type: "string", default: "25" } },
});
const { nodes, samples, timeDeltas } = JSON.parse(await readFile(positionals[0], "utf8"));
/** The last is the profiler's own start and stop. */
const NO_WORK = new Set(["(idle)", "(root)", "dispatch"]);

const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
const files = new Map();
const functions = new Map();
let total = 0;
samples.forEach((id, i) => {
  const { functionName, url, lineNumber } = frames.get(id);
  if (NO_WORK.has(functionName)) return;
  const file = placeOf(url, functionName);
  const line = url === "" ? "" : `:${lineNumber + 1}`;
  total += timeDeltas[i];
  add(files, file, timeDeltas[i]);
  add(functions, `${functionName || "(anonymous)"} ${file}${line}`, timeDeltas[i]);
});

console.log(`${(total / 1e6).toFixed(2)} s of work`);
for (const [title, times] of Object.entries({ file: files, function: functions })) {
  console.log(`\n  own time  ${title}`);
  const most = [...times].sort(([, a], [, b]) => b - a).slice(0, Number(options.top));
  for (const [name, time] of most) console.log(`${((100 * time) / total).toFixed(1).padStart(8)} %  ${name}`);
}

function add(times, key, time) {
  times.set(key, (times.get(key) ?? 0) + time);
}

/** What has no file is the garbage collector, or native code. */
function placeOf(url, functionName) {
  if (url.startsWith("file:")) return relative(process.cwd(), fileURLToPath(url));
  return url || `(native) ${functionName}`;
}
