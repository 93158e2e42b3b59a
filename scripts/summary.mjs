#!/usr/bin/env node
// Adds up vitest's JSON reports, and the interop matrix's, and ends with the line `N passed, N failed, N skipped`.
//
//   node scripts/summary.mjs unit=unit.json interop=interop.json
//
// A report that is missing (the run broke off) and a file that did not load count as one failure each.
import { readFileSync } from "node:fs";

const total = { passed: 0, failed: 0, skipped: 0 };

for (const argument of process.argv.slice(2)) {
  const [name, file] = argument.split("=");
  const counts = countReport(file);
  console.log(`${name}: ${line(counts)}`);
  for (const kind of Object.keys(total)) total[kind] += counts[kind];
}
console.log(line(total));
process.exitCode = total.failed === 0 ? 0 : 1;

function countReport(file) {
  let report;
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  if (report.cells) {
    const passed = report.cells.filter(({ outcome }) => outcome === "passed").length;
    return { passed, failed: report.cells.length - passed, skipped: 0 };
  }
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  const failed = report.numFailedTests + unloaded.length;
  return {
    passed: report.numPassedTests,
    // Errors outside of any test fail the run without failing a test.
    failed: failed === 0 && !report.success ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function line({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
