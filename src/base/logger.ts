/** Facts that belong to a log line, by name. */
export type LogFacts = Record<string, unknown>;

/**
 * Where crash reports and warnings go. The four methods are a subset of `console` and of every common logger.
 * Cookies never reach it.
 */
export interface Logger {
  debug(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  error(message: string, facts?: LogFacts): void;
}

/** Warnings and errors to standard error, the rest nowhere. The default of a node. */
export const consoleLogger: Logger = {
  debug() {},
  info() {},
  warn: (message, facts) => console.error(`[warn] ${message}`, ...(facts ? [facts] : [])),
  error: (message, facts) => console.error(`[error] ${message}`, ...(facts ? [facts] : [])),
};

/** Drops everything. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
