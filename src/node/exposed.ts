import { ArgumentError, issuesText, type SchemaIssue, type StandardSchemaV1 } from "../base/index.ts";
import { splitNodeName } from "../dist/index.ts";
import {
  asTerm,
  Exit,
  type FunctionTable,
  nameText,
  type Outcome,
  type ProcessName,
  reasonOf,
} from "../runtime/index.ts";
import { atom, atomText, inspect, isList, isTuple, tuple } from "../term/index.ts";
import { type Caller, withoutConsole } from "./caller.ts";

/** A function that others may call. As a method, or with `function`, it has who called as its `this`. */
// biome-ignore lint/suspicious/noExplicitAny: functions of any signature can be exposed
export type ExposedFunction = (this: Caller, ...args: any[]) => unknown;

export interface ExposeOptions {
  /** Only these nodes may call the functions, and for all others they do not exist. Default: every node. */
  readonly peers?: readonly string[];
  /**
   * Standard Schemas (zod, valibot and others) for the arguments of functions, by the same keys: each checks the list of
   * arguments, and what it makes of it is what the function gets. What does not fit is an `ArgumentError` at the caller.
   */
  readonly schema?: Readonly<Record<string, StandardSchemaV1<unknown, readonly unknown[]>>>;
}

/** Thrown by an exposed function, is an error with exactly this reason, as `badarg` of a BEAM's own functions. */
export class ErlangError extends Error {
  readonly reason: unknown;

  constructor(reason: unknown) {
    super(`error ${inspect(reason)}`);
    this.reason = reason;
  }
}

const ERLANG = atom("erlang");
const APPLY = atom("apply");

interface Entry {
  readonly run: ExposedFunction;
  readonly peers: ReadonlySet<string> | undefined;
  readonly schema: StandardSchemaV1<unknown, readonly unknown[]> | undefined;
}

/** The functions that other nodes may call by rpc, erpc or spawn. Nothing that is not in it can be called. */
export class Exposed implements FunctionTable {
  /** By `module:name/arity`, or `module:name` for any arity. */
  readonly #entries = new Map<string, Entry>();
  readonly #refused: () => void;

  /** `refused` is told of each call of what is not exposed to its caller. */
  constructor(refused: () => void = () => {}) {
    this.#refused = refused;
  }

  /**
   * Adds functions of a module. A key `quote` takes any number of arguments, `"quote/1"` only one.
   * Returns a function that takes them out again.
   *
   * @throws ArgumentError `BADARG` for what is no function, or is exposed already; none of them is exposed then.
   */
  add(
    module: ProcessName,
    functions: Readonly<Record<string, ExposedFunction>>,
    options: ExposeOptions = {},
  ): () => void {
    checkExposed(functions, options);
    const peers = options.peers && new Set(options.peers);
    const added = new Map<string, Entry>();
    for (const [name, run] of Object.entries(functions)) {
      const key = `${nameText(module)}:${name}`;
      if (this.#entries.has(key)) throw new ArgumentError("functions", `${key} is exposed already`);
      added.set(key, { run, peers, schema: options.schema?.[name] });
    }
    for (const [key, entry] of added) this.#entries.set(key, entry);
    return () => {
      // What has been exposed anew since then stays.
      for (const [key, entry] of added) if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
  }

  /**
   * Calls a function for a peer, which is given by its name where it has no console. What is not exposed to it ends as the
   * BEAM's own calls of unknown functions do.
   */
  async call(peer: string | Caller, module: unknown, name: unknown, args: unknown): Promise<Outcome> {
    const caller = typeof peer === "string" ? withoutConsole(peer) : peer;
    const called = [module, name, args] as object[];
    if (!isList(args)) return { kind: "error", reason: atom("badarg"), stack: [tuple(ERLANG, APPLY, called, [])] };
    const entry = this.#find(caller.node, module, name, args.length);
    if (entry === undefined) {
      this.#refused();
      return { kind: "error", reason: atom("undef"), stack: [tuple(...called, [])] };
    }
    try {
      const checked = entry.schema && (await entry.schema["~standard"].validate(args));
      if (checked?.issues) return misfit(checked.issues, [module, name, args]);
      return { kind: "return", value: await entry.run.apply(caller, (checked?.value ?? args) as unknown[]) };
    } catch (error) {
      return failure(error, [module, name, args]);
    }
  }

  has(peer: string, module: unknown, name: unknown, arity: number): boolean {
    return this.#find(peer, module, name, arity) !== undefined;
  }

  exports(peer: string, module: string): [name: string, arity: number | undefined][] {
    const found: [string, number | undefined][] = [];
    for (const [key, { peers }] of this.#entries) {
      if (!key.startsWith(`${module}:`) || peers?.has(peer) === false) continue;
      const [name = "", arity] = key.slice(module.length + 1).split("/");
      found.push([name, arity === undefined ? undefined : Number(arity)]);
    }
    return found;
  }

  #find(peer: string, module: unknown, name: unknown, arity: number): Entry | undefined {
    const called = atomText(name);
    if (called === undefined || called.includes("/")) return undefined;
    const key = `${atomText(module)}:${called}`;
    const entry = this.#entries.get(`${key}/${arity}`) ?? this.#entries.get(key);
    return entry === undefined || (entry.peers !== undefined && !entry.peers.has(peer)) ? undefined : entry;
  }
}

function checkExposed(
  functions: Readonly<Record<string, ExposedFunction>>,
  { peers, schema = {} }: ExposeOptions,
): void {
  if (typeof functions !== "object" || functions === null) {
    throw new ArgumentError("functions", "the functions have to be an object, by name");
  }
  for (const [name, run] of Object.entries(functions)) {
    if (typeof run !== "function") throw new ArgumentError("functions", `${name} is no function`);
  }
  if (peers !== undefined && !(Array.isArray(peers) && peers.every((peer) => splitNodeName(peer) !== undefined))) {
    throw new ArgumentError("peers", "the peers have to be a list of node names");
  }
  for (const [name, each] of Object.entries(schema)) {
    if (!Object.hasOwn(functions, name)) throw new ArgumentError("schema", `there is no function ${name}`);
    if (typeof each?.["~standard"]?.validate !== "function") {
      throw new ArgumentError("schema", `what is given for ${name} is no Standard Schema`);
    }
  }
}

/** What a throw of JavaScript is in Erlang: an `Error` an error, an `Exit` an exit, any other value a throw. */
function failure(error: unknown, called: readonly unknown[]): Outcome {
  try {
    return readFailure(error, called);
  } catch {
    return { kind: "throw", value: asTerm(error) }; // even to ask what it is throws, as of a revoked proxy
  }
}

function readFailure(error: unknown, [module, name, args]: readonly unknown[]): Outcome {
  if (!(error instanceof Error)) return { kind: "throw", value: asTerm(error) };
  if (error instanceof ErlangError) {
    const place = tuple(module as object, name as object, args as object, []);
    return { kind: "error", reason: error.reason, stack: [place] };
  }
  const reason = reasonOf(error);
  if (error instanceof Exit || !isTuple(reason) || !isList(reason[1])) return { kind: "exit", reason: asTerm(reason) };
  return { kind: "error", reason: reason[0], stack: reason[1] };
}

/** Arguments that a schema refuses: the exception that Elixir has for it. */
function misfit(issues: readonly SchemaIssue[], [module, name, args]: readonly unknown[]): Outcome {
  const message = issuesText(issues).toWellFormed();
  const reason = { __struct__: atom("Elixir.ArgumentError"), __exception__: true, message };
  return { kind: "error", reason, stack: [tuple(module as object, name as object, args as object, [])] };
}
