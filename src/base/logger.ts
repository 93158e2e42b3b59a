/** Facts that belong to a log line, by name. */
export type LogFacts = Record<string, unknown>;

/**
 * Where crash reports and warnings go. The four methods are a subset of `console` and of every common logger.
 * Cookies never reach it. What it throws, or rejects with, is dropped: a log that fails ends no process and no call.
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

/**
 * A logger that never throws: whoever logs is in the middle of something, as telling the links of a process that crashed.
 * A line that fails is tried again without its facts, since an error among them may be one that cannot be printed.
 */
export function safeLogger(logger: Logger): Logger {
  const safe =
    (level: keyof Logger) =>
    (message: string, facts?: LogFacts): void => {
      if (tryLog(() => logger[level](message, facts)) || facts === undefined) return;
      tryLog(() => logger[level](message));
    };
  return { debug: safe("debug"), info: safe("info"), warn: safe("warn"), error: safe("error") };
}

/** False when it threw. A method that is asynchronous is not waited for. */
function tryLog(log: () => unknown): boolean {
  try {
    const pending = log();
    if (pending instanceof Promise) pending.catch(() => {});
    return true;
  } catch {
    return false;
  }
}
