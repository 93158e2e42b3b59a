import { constants } from "node:os";
import { ArgumentError } from "../base/index.ts";
import { splitNodeName } from "../dist/index.ts";
import type { NodeOptions } from "./options.ts";

/** What a value has to be, in words for the error, and whether one is. */
interface Check {
  readonly expected: string;
  fits(value: unknown): boolean;
}

/**
 * What code without types, or a file of settings, can get wrong is found before anything is started: a time that is none
 * would make a timer fire at once, and a limit that is none never hold.
 *
 * @throws ArgumentError that names the first option that cannot be used.
 */
export function checkOptions(options: NodeOptions): void {
  if (!isObject(options)) throw new ArgumentError("options", "the options of a node have to be an object with a name");
  for (const [option, { expected, fits }] of Object.entries(CHECKS)) {
    const value = options[option as keyof NodeOptions];
    if (value !== undefined && !fits(value)) throw new ArgumentError(option, `${option} has to be ${expected}`);
  }
  const { name, listen, visible } = options;
  if (name === undefined) throw new ArgumentError("name", "a node needs a name, name@host");
  if (typeof name !== "string" && listen) {
    throw new ArgumentError("listen", "a node that asks for its name cannot be found, so it does not listen");
  }
  if (visible) {
    throw new ArgumentError(
      "visible",
      "a visible node has to speak all of the global protocol, which this one does not",
    );
  }
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isNode = (value: unknown): boolean => splitNodeName(value) !== undefined;
const isPort = (value: unknown, least: number): boolean =>
  Number.isInteger(value) && Number(value) >= least && Number(value) <= 65_535;
const isAmount = (value: unknown): boolean => typeof value === "number" && value >= 0;
const isFunction = (value: unknown): boolean => typeof value === "function";

/** A cookie is an atom for a BEAM, whose text goes into the digest as Latin-1. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of Latin-1 can be in a cookie.
const isCookie = (value: unknown): boolean => typeof value === "string" && /^[\x00-\xff]{1,255}$/.test(value);

/** Nobody can listen to these two. */
const isSignal = (value: unknown): boolean =>
  isText(value) && Object.hasOwn(constants.signals, value) && value !== "SIGKILL" && value !== "SIGSTOP";

/** A place to listen at. */
function isPlace(place: unknown): boolean {
  if (!isObject(place) || Array.isArray(place)) return false;
  const { host, port = 0 } = place as { host?: unknown; port?: unknown };
  return (host === undefined || isText(host)) && isPort(port, 0);
}

const isList = (value: unknown, fits: (each: unknown) => boolean): boolean => Array.isArray(value) && value.every(fits);

const flag: Check = { expected: "true or false", fits: (value) => typeof value === "boolean" };
const functionCheck: Check = { expected: "a function", fits: isFunction };
const amount: Check = { expected: "a number from 0 on", fits: isAmount };
const time: Check = { expected: "milliseconds above 0", fits: (value) => isAmount(value) && value !== 0 };
const object: Check = { expected: "an object", fits: isObject };

const limits: Check = {
  expected: "an object of numbers from 0 on",
  fits: (value) => isObject(value) && Object.values(value).every((each) => each === undefined || isAmount(each)),
};

const oneOf = (...values: readonly unknown[]): Check => ({
  expected: values.map((value) => `"${value}"`).join(" or "),
  fits: (value) => values.includes(value),
});

const withMethods = (...names: readonly string[]): Check => ({
  expected: `an object with ${names.join(", ")}`,
  fits: (value) => isObject(value) && names.every((name) => isFunction((value as Record<string, unknown>)[name])),
});

const CHECKS: { readonly [Option in keyof NodeOptions]-?: Check } = {
  name: {
    expected: "name@host, or { from: name@host }",
    fits: (value) =>
      typeof value === "string" || (isObject(value) && typeof (value as { from?: unknown }).from === "string"),
  },
  cookie: { expected: "1 to 255 characters of Latin-1", fits: isCookie },
  cookieFile: { expected: "a path", fits: isText },
  cookies: {
    expected: "an object of cookies by the names of nodes",
    fits: (value) =>
      isObject(value) && Object.entries(value).every(([peer, cookie]) => isNode(peer) && isCookie(cookie)),
  },
  listen: {
    expected: "false, { host, port }, or a list of those",
    fits: (value) => value === false || isPlace(value) || isList(value, isPlace),
  },
  advertisedPort: { expected: "a port", fits: (value) => isPort(value, 1) },
  tls: object,
  keepConnected: { expected: "a list of node names", fits: (value) => isList(value, isNode) },
  reconnect: object,
  epmd: oneOf("auto", "require", "none"),
  epmdPort: { expected: "a port", fits: (value) => isPort(value, 1) },
  resolve: functionCheck,
  visible: flag,
  unsafeVisible: flag,
  netTickTimeMs: time,
  setupTimeoutMs: time,
  rules: functionCheck,
  otp: object,
  stopOn: { expected: "a list of signals that can be caught", fits: (value) => isList(value, isSignal) },
  onMessage: functionCheck,
  localMessages: oneOf("copy", "share"),
  atomBudget: amount,
  decodeLimits: limits,
  connectionLimits: limits,
  highWaterBytes: amount,
  maxQueuedBytes: amount,
  maxQueuedBytesPerPeer: amount,
  maxTiesPerPeer: amount,
  maxQueuedSignals: amount,
  output: functionCheck,
  logger: withMethods("debug", "info", "warn", "error"),
  clock: withMethods("now", "wallTime", "setTimer", "defer"),
  random: withMethods("u32"),
  transport: withMethods("connect", "listen"),
  floats: oneOf("natural", "exact"),
  binaries: oneOf("strings", "bytes"),
  structs: object,
};
