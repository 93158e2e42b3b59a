import type { Cell, CellResult, DimensionName, Figures } from "./cell.ts";
import type { Report, SuiteResult } from "./report.ts";

const DIMENSIONS: Record<DimensionName, string> = {
  otp: "OTP release",
  transport: "transport",
  connects: "who connects",
  epmd: "epmd",
  visibility: "the BEAM is",
  genStage: "GenStage there",
  runtime: "our node runs on",
  fault: "fault",
  second: "a second BEAM of OTP",
};

const HEAD = `# Compatibility

This page is written by \`npm run interop\`, and says nothing that it did not see. Run it on your machine: it takes what Erlang and Elixir are on the PATH, and as root
on Debian it makes root folders with OTP 23 to 29. \`npm run interop -- --help\` has the options: \`--short\`, \`--full\`, \`--only otp=25,fault=link-cut\`,
\`--suites gen-server\`, \`--list\`. Results as JSON and a log of each cell are in \`interop/results\` afterwards.
`;

/** The page \`docs/compatibility.md\` of a run. */
export function compatibilityPage(report: Report): string {
  const { at, machine, seconds, cells, suites } = report;
  const total = Object.values(seconds).reduce((sum, each) => sum + each, 0);
  const times = Object.entries(seconds).map(([what, each]) => `${what} ${duration(each)}`);
  const parts = [
    HEAD,
    `Run on ${at.slice(0, 16).replace("T", " ")} UTC, ${machine.system}, ${machine.cores} cores, in ${duration(total)} (${times.join(", ")}).`,
    section("Releases", releaseTable(report)),
    section("The matrix", matrixText(report), ...failures(cells), dimensionTable(cells), faultTable(cells)),
    section("Not run", notRunList(report)),
    section("Every cell", cellTable(cells)),
    section(
      "Suites",
      "Tests that passed, on each release; those that belong to none in the last column.",
      suiteTable(report),
    ),
    section("Skipped tests", skipList(suites.skips)),
  ];
  return `${parts.map((part) => part.trim()).join("\n\n")}\n`;
}

/** The lines for the README. */
export function summary(report: Report): string {
  const { cells, releases, at, suites } = report;
  const transports = valuesOf(cells, "transport");
  const header = ["", ...releases.map(({ otp }) => `OTP ${otp}`)];
  const rows = [
    ["exactly", ...releases.map(({ otpVersion, elixir }) => `${otpVersion}, Elixir ${elixir}`)],
    ...transports.map((transport) => [
      TRANSPORT_NAMES[transport as Cell["transport"]],
      ...releases.map(({ otp }) =>
        verdict(cells.filter(({ cell }) => cell.otp === otp && cell.transport === transport)),
      ),
    ]),
    ...(suites.suites.length === 0
      ? []
      : [
          [
            "tests of the suites",
            ...releases.map(({ otp }) => testVerdict(suites.suites.filter((each) => each.otp === otp))),
          ],
        ]),
  ];
  return `${table([header, ...rows])}
The last run was on ${at.slice(0, 10)}: ${countOf(cells)} of the matrix passed, with either side or both connecting, ${valuesOf(cells, "fault").length - 1} kinds of faults, and
our node on ${report.runtimes.map(({ name, version }) => `${nameOf(name)} ${version}`).join(", ")}. [Compatibility](docs/compatibility.md) has each of them.
`;
}

/** Puts lines between the two markers of a text. @throws Error when it has no markers. */
export function between(text: string, marker: string, lines: string): string {
  const begin = `<!-- ${marker} -->`;
  const end = `<!-- /${marker} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`there is no ${begin} ... ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${lines.trim()}\n\n${text.slice(to)}`;
}

const TRANSPORT_NAMES = { tcp: "TCP", "tls-1.2": "TLS 1.2", "tls-1.3": "TLS 1.3", ipv6: "TCP over IPv6" };

function releaseTable({ releases, cells, suites }: Report): string {
  const header = ["OTP", "exactly", "Elixir", "GenStage", "from", "cells", "tests of the suites"];
  const rows = releases.map(({ otp, otpVersion, elixir, genStage, provider }) => {
    const own = cells.filter(({ cell }) => cell.otp === otp);
    const tests = suites.suites.filter((each) => each.otp === otp);
    return [otp, otpVersion, elixir, genStage, provider, verdict(own), testVerdict(tests)];
  });
  return table([header, ...rows]);
}

function matrixText({ cells, size, runtimes }: Report): string {
  const how = {
    short: "every value of every dimension is in one of them",
    usual:
      "every pair of values that may occur together is in one of them, and each release with TCP, TLS 1.2 and TLS 1.3 connected from either side",
    full: "every pair of values is in one of them, each release with every transport, every epmd and every fault",
  };
  const versions = runtimes.map(({ name, version }) => `${nameOf(name)} ${version}`).join(", ");
  return `${countOf(cells)} passed. A cell puts our node, in a process of its own, and a BEAM together, and both go through one scenario: the codec, connecting,
pings, all recorded terms, calls, casts and sends, links and monitors, 1 MiB messages, GenStage, and a fault; each way. Of all cells that can be, these
were chosen so that ${how[size]}. Our node ran on ${versions}.
`;
}

function failures(cells: readonly CellResult[]): string[] {
  const failed = cells.filter(({ outcome }) => outcome === "failed");
  if (failed.length === 0) return [];
  const lines = failed.map((result) => {
    const step = result.steps.at(-1)!;
    return `- \`${result.id}\`: **${step.name}** failed: ${oneLine(step.error)} ([log](../interop/results/logs/${result.log}))`;
  });
  return [`Failed:\n\n${lines.join("\n")}\n`];
}

function dimensionTable(cells: readonly CellResult[]): string {
  const rows = Object.entries(DIMENSIONS).map(([dimension, title]) => {
    const values = valuesOf(cells, dimension as DimensionName).map((value) => {
      const own = cells.filter(({ cell }) => cell[dimension as DimensionName] === value);
      return `${value}: ${verdict(own)}`;
    });
    return [title, values.join(", ")];
  });
  return table([["dimension", "cells that passed, by value"], ...rows]);
}

/** What each kind of fault came to, over all cells with it. */
function faultTable(cells: readonly CellResult[]): string {
  const rows = valuesOf(cells, "fault").flatMap((fault) => {
    if (fault === "none") return [];
    const own = cells.filter(({ cell, outcome }) => cell.fault === fault && outcome === "passed");
    const figures = own.map(({ steps }) => steps.find(({ name }) => name === "fault")?.figures ?? {});
    return [[fault, String(own.length), ranges(figures)]];
  });
  return rows.length === 0 ? "" : table([["fault", "cells", "figures"], ...rows]);
}

/** The least and the most of each figure. */
function ranges(all: readonly Figures[]): string {
  const names = [...new Set(all.flatMap((figures) => Object.keys(figures)))];
  return names
    .map((name) => {
      const numbers = all.flatMap((figures) => (typeof figures[name] === "number" ? [figures[name]] : []));
      const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
      return figureText(name, least === most ? String(least) : `${least} to ${most}`);
    })
    .join(", ");
}

function cellTable(cells: readonly CellResult[]): string {
  const sorted = [...cells].sort((a, b) => Number(a.cell.otp) - Number(b.cell.otp));
  const rows = sorted.map((result) => {
    const { otp, transport, connects, epmd, visibility, runtime, fault, second } = result.cell;
    const figures = result.steps.filter(({ name }) => SHOWN.includes(name)).flatMap(stepFigures);
    const seen =
      result.outcome === "passed"
        ? `${(result.ms / 1_000).toFixed(1)} s`
        : `**failed** at ${result.steps.at(-1)!.name}`;
    return [otp, transport, connects, epmd, visibility, runtime, fault, second, seen, figures.join(", ")];
  });
  const header = ["OTP", "transport", "connects", "epmd", "BEAM", "runtime", "fault", "second", "took", "figures"];
  return table([header, ...rows]);
}

const SHOWN = ["ping", "large messages", "fault", "between two releases"];

function stepFigures({ name, figures }: CellResult["steps"][number]): string[] {
  const texts = Object.entries(figures).map(([key, value]) => figureText(key, String(value)));
  return texts.length === 0 ? [] : [`${name}: ${texts.join(" ")}`];
}

/** `nodedown_ms`, 12: "nodedown 12 ms". */
function figureText(name: string, value: string): string {
  const [, what, unit] = /^(.+?)_(ms|us|s|bytes)$/.exec(name) ?? [undefined, name, ""];
  return `${what!.replaceAll("_", " ")} ${value} ${unit === "us" ? "µs" : unit}`.trim();
}

function notRunList({ notRun }: Report): string {
  return `${notRun.map(({ what, reason }) => `- ${what}: ${reason}`).join("\n")}\n`;
}

function suiteTable({ suites: { suites }, releases }: Report): string {
  if (suites.length === 0) return "They were not run.\n";
  const names = [...new Set(suites.map(({ suite }) => suite))].sort();
  const columns = [...releases.map(({ otp }) => otp), ""];
  const rows = names.map((name) => [
    name,
    ...columns.map((otp) => testVerdict(suites.filter((each) => each.suite === name && each.otp === otp))),
  ]);
  return table([["suite", ...releases.map(({ otp }) => `OTP ${otp}`), "others"], ...rows]);
}

function skipList(skips: Readonly<Record<string, number>>): string {
  const lines = Object.entries(skips).map(([reason, count]) => `- ${count} × ${reason}`);
  return lines.length === 0 ? "None.\n" : `${lines.join("\n")}\n`;
}

function verdict(cells: readonly CellResult[]): string {
  const passed = cells.filter(({ outcome }) => outcome === "passed").length;
  if (cells.length === 0) return "not run";
  return passed === cells.length ? `${passed}` : `**${passed} of ${cells.length}**`;
}

function testVerdict(results: readonly SuiteResult[]): string {
  const sum = (kind: "passed" | "failed" | "skipped") => results.reduce((total, each) => total + each[kind], 0);
  const [passed, failed, skipped] = [sum("passed"), sum("failed"), sum("skipped")];
  if (passed + failed + skipped === 0) return "–";
  return `${passed}${failed > 0 ? `, **${failed} failed**` : ""}${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

function countOf(cells: readonly CellResult[]): string {
  const passed = cells.filter(({ outcome }) => outcome === "passed").length;
  return passed === cells.length ? `All ${passed} cells` : `**${passed} of ${cells.length} cells**`;
}

function valuesOf(cells: readonly CellResult[], dimension: DimensionName): string[] {
  const values = new Set(cells.map(({ cell }) => cell[dimension] as string));
  return [...values].sort((a, b) => Number(a !== "none") - Number(b !== "none"));
}

/** "node-22": "Node.js". */
function nameOf(runtime: string): string {
  const [name = ""] = runtime.split("-");
  return { node: "Node.js", bun: "Bun", deno: "Deno" }[name] ?? name;
}

function section(title: string, ...parts: string[]): string {
  return `## ${title}\n\n${parts.filter(Boolean).join("\n")}`;
}

function table([header = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return `${[line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n")}\n`;
}

function duration(seconds: number): string {
  return seconds < 60 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

function oneLine(text = ""): string {
  return text.replace(/\s+/g, " ").slice(0, 200);
}
