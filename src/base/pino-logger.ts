import type { LogFacts, Logger } from "./logger.ts";

/** One method of a pino logger: first the fields of the line, then its text. */
export type PinoMethod = (fields: object, message: string) => void;

/** What is used of a pino logger. */
export interface PinoLike {
  readonly debug: PinoMethod;
  readonly info: PinoMethod;
  readonly warn: PinoMethod;
  readonly error: PinoMethod;
}

/**
 * Logs through pino: facts become fields of the line, and an `error` among them pino's own `err`, with type, message and
 * stack.
 */
export function pinoLogger(pino: PinoLike): Logger {
  return {
    debug: (message, facts) => pino.debug(fieldsOf(facts), message),
    info: (message, facts) => pino.info(fieldsOf(facts), message),
    warn: (message, facts) => pino.warn(fieldsOf(facts), message),
    error: (message, facts) => pino.error(fieldsOf(facts), message),
  };
}

/** A process id of ours must not take the place of pino's own, which is that of the operating system. */
function fieldsOf(facts: LogFacts = {}): object {
  const { error, pid, ...rest } = facts;
  return { ...rest, ...(pid !== undefined && { process: pid }), ...(error !== undefined && { err: error }) };
}
