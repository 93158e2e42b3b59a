import { pino } from "pino";
import { expect, test } from "vitest";
import { pinoLogger } from "../../src/index.ts";

/** A logger of pino itself, and the lines that it writes. */
function realPino() {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  return { logger: pinoLogger(pino({ level: "debug", base: { pid: 4711 } }, { write })), lines };
}

test("each level of ours is pino's own", () => {
  const { logger, lines } = realPino();

  logger.debug("one");
  logger.info("two");
  logger.warn("three", { code: "BUSY" });
  logger.error("four");

  expect(lines.map(({ level, msg, code }) => [level, msg, code])).toEqual([
    [20, "one", undefined],
    [30, "two", undefined],
    [40, "three", "BUSY"],
    [50, "four", undefined],
  ]);
});

test("an error gets pino's form with type, message and stack, and the pid of the program stays what it is", () => {
  const { logger, lines } = realPino();

  logger.error("GenServer Cart terminating", { pid: "#PID<0.7.0>", error: new RangeError("no such sku") });

  expect(lines[0]).toMatchObject({
    pid: 4711,
    process: "#PID<0.7.0>",
    err: { type: "RangeError", message: "no such sku", stack: expect.stringContaining("pino-logger.test.ts") },
  });
});
