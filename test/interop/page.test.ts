import { expect, test } from "vitest";
import type { Cell, CellResult } from "../../interop/matrix/cell.ts";
import { between, compatibilityPage, summary } from "../../interop/matrix/page.ts";
import type { Report } from "../../interop/matrix/report.ts";

const cell: Cell = {
  otp: "25",
  transport: "tcp",
  connects: "ours",
  epmd: "stock",
  visibility: "visible",
  genStage: "1.3",
  runtime: "node-22",
  fault: "beam-killed",
  second: "none",
};

const passed: CellResult = {
  id: "first",
  cell,
  outcome: "passed",
  provider: "local",
  versions: {},
  steps: [{ name: "fault", outcome: "passed", ms: 5, figures: { nodedown_ms: 12 } }],
  ms: 4_200,
  log: "first.log",
};

const failed: CellResult = {
  ...passed,
  id: "second",
  cell: { ...cell, transport: "tls-1.3", fault: "none" },
  outcome: "failed",
  steps: [{ name: "ping", outcome: "failed", ms: 5, figures: {}, error: "NODEDOWN: it is\nlost" }],
  log: "second.log",
};

const report: Report = {
  at: "2030-01-02T03:04:05.678Z",
  machine: { system: "linux x64", cores: 2 },
  seconds: { matrix: 61, suites: 30 },
  size: "usual",
  releases: [
    { otp: "25", otpVersion: "25.2.3", elixir: "1.14.0", genStage: "1.3.2", provider: "local" },
    { otp: "27", otpVersion: "27.3.4", elixir: "1.18.3", genStage: "none", provider: "debian-root" },
  ],
  runtimes: [{ name: "node-22", version: "22.1.0" }],
  notRun: [{ what: "OTP 29", reason: "no Debian mirror" }],
  cells: [passed, failed],
  suites: {
    suites: [
      { suite: "ties", otp: "25", passed: 7, failed: 0, skipped: 1 },
      { suite: "ties", otp: "27", passed: 6, failed: 1, skipped: 0 },
    ],
    skips: { "no Java": 1 },
  },
};

/** The cells of the row of a table that begins so. */
function row(page: string, first: string): string[] {
  const line = page.split("\n").find((each) => each.startsWith(`| ${first} |`));
  return (line ?? "")
    .split("|")
    .map((each) => each.trim())
    .slice(1, -1);
}

test("the page says when and where it ran, how long, and which exact releases", () => {
  const page = compatibilityPage(report);

  expect(page).toContain(
    "Run on 2030-01-02 03:04 UTC, linux x64, 2 cores, in 1 min 31 s (matrix 1 min 1 s, suites 30 s)",
  );
  expect(row(page, "25")).toEqual(["25", "25.2.3", "1.14.0", "1.3.2", "local", "**1 of 2**", "7, 1 skipped"]);
});

test("a release that no cell was run with is not said to be compatible", () => {
  expect(row(compatibilityPage(report), "27").slice(5)).toEqual(["not run", "6, **1 failed**"]);
  expect(row(summary(report), "TCP")).toEqual(["TCP", "1", "not run"]);
  expect(row(summary(report), "TLS 1.3")).toEqual(["TLS 1.3", "**0 of 1**", "not run"]);
});

test("a cell that failed names its step and its cause, and leads to its log", () => {
  const page = compatibilityPage(report);

  expect(page).toContain(
    "- `second`: **ping** failed: NODEDOWN: it is lost ([log](../interop/results/logs/second.log))",
  );
  expect(page).toContain("**1 of 2 cells** passed");
});

test("figures have their units, and what was not run its reason", () => {
  const page = compatibilityPage(report);

  expect(row(page, "beam-killed")).toEqual(["beam-killed", "1", "nodedown 12 ms"]);
  expect(page).toContain("- OTP 29: no Debian mirror");
  expect(page).toContain("- 1 × no Java");
});

test("only what stands between the markers is replaced", () => {
  expect(between("a\n<!-- x -->\nold\n<!-- /x -->\nb", "x", "new\n")).toBe("a\n<!-- x -->\n\nnew\n\n<!-- /x -->\nb");
  expect(() => between("a", "x", "new")).toThrow("<!-- x -->");
});
