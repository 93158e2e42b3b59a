import type { LogFacts, Logger } from "../base/index.ts";
import type { Behaviour, Runtime } from "../runtime/index.ts";
import { atomText, inspect, isPlainObject, isTuple, Pid } from "../term/index.ts";
import { chardataText } from "./chardata.ts";
import { formatWith } from "./console.ts";

/** The methods of our logger for the levels of OTP's. */
const LEVELS: Readonly<Record<string, keyof Logger>> = {
  emergency: "error",
  alert: "error",
  critical: "error",
  error: "error",
  warning: "warn",
  notice: "info",
  info: "info",
  debug: "debug",
};

/**
 * Registers `logger_proxy`: a BEAM sends there what is logged by processes whose group leader is on this node, that is those
 * which were spawned from here, besides logging it itself. Source: logger_server.erl.
 */
export function startLoggerProxy(runtime: Runtime): void {
  runtime.names.register(
    "logger_proxy",
    runtime.spawn(() => new LoggerProxy(runtime.logger)),
  );
}

class LoggerProxy implements Behaviour {
  readonly label = "logger_proxy";
  readonly immortal = true;
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** `{log, Level, Format, Args, Meta}` and `{log, Level, StringOrReport, Meta}`. */
  receive(message: unknown): void {
    if (!isTuple(message) || atomText(message[0]) !== "log" || message.length < 4 || message.length > 5) return;
    const level = LEVELS[atomText(message[1]) ?? ""];
    if (level === undefined) return;
    const text = message.length === 5 ? formatOrShow(message[2], message[3]) : textOrReport(message[2]);
    this.#logger[level](text, factsOf(message.at(-1)));
  }
}

function formatOrShow(format: unknown, args: unknown): string {
  try {
    return formatWith(format, args).trimEnd();
  } catch {
    return `${shown(format)} ${shown(args)}`; // a wrong format is logged as well
  }
}

function textOrReport(content: unknown): string {
  return chardataText(content)?.trimEnd() ?? shown(content);
}

const shown = (term: unknown) => inspect(term, { syntax: "erlang" });

/** Which process of which node it was. */
function factsOf(meta: unknown): LogFacts | undefined {
  const pid = isPlainObject(meta) ? meta.pid : undefined;
  return pid instanceof Pid ? { node: pid.node, pid: String(pid) } : undefined;
}
