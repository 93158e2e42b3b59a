import { ArgumentError, type SchemaIssue, type SchemaResult, type StandardSchemaV1 } from "../../base/index.ts";
import { Atom, isTuple, type Term } from "../../term/index.ts";

/** An entry of a table, which runs with the server as its `this`. */
export type Operation = (this: unknown, ...args: unknown[]) => unknown;

type ArgsSchema = StandardSchemaV1<unknown, readonly unknown[]>;

/** What a server class says about its operations. */
export interface OperationTables {
  readonly calls?: Readonly<Record<string, unknown>>;
  readonly casts?: Readonly<Record<string, unknown>>;
  readonly schemas?: Readonly<Record<string, unknown>>;
}

/** A request that a table has an entry for. */
interface Requested {
  readonly run: Operation;
  readonly args: Term[];
  readonly schema: ArgsSchema | undefined;
}

/**
 * The table of a server's calls or casts. A request `{op, A, B}`, or the bare atom `op`, is for the entry `op`, found by own
 * names only: a peer must not reach what is inherited.
 */
export class Operations {
  readonly #entries = new Map<string, { readonly run: Operation; readonly schema: ArgsSchema | undefined }>();

  constructor(table: Readonly<Record<string, unknown>> = {}, schemas: Readonly<Record<string, unknown>> = {}) {
    for (const [name, run] of Object.entries(table)) {
      const schema = Object.hasOwn(schemas, name) ? (schemas[name] as ArgsSchema) : undefined;
      this.#entries.set(name, { run: run as Operation, schema });
    }
  }

  /** The entry that a request is for. What has fewer arguments than the operation declares is not, unless a schema judges. */
  find(request: Term): Requested | undefined {
    if (request instanceof Atom) return this.#find(request.tag, []);
    if (!isTuple(request) || !(request[0] instanceof Atom)) return undefined;
    return this.#find(request[0].tag, Array.from(request).slice(1) as Term[]);
  }

  #find(name: string, args: Term[]): Requested | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined || (entry.schema === undefined && entry.run.length > args.length)) return undefined;
    return { run: entry.run, args, schema: entry.schema };
  }
}

/**
 * The tables of a server class.
 * @throws ArgumentError for a schema of what neither table has: whoever wrote it believes something to be guarded.
 */
export function operationsOf({ calls = {}, casts = {}, schemas = {} }: OperationTables): [Operations, Operations] {
  for (const name of Object.keys(schemas)) {
    if (!Object.hasOwn(calls, name) && !Object.hasOwn(casts, name)) {
      throw new ArgumentError("schemas", `there is no operation ${name}`);
    }
  }
  return [new Operations(calls, schemas), new Operations(casts, schemas)];
}

/** Runs an operation with what its schema makes of the arguments, or tells what is wrong with them. */
export function perform(
  { run, args, schema }: Requested,
  server: unknown,
  refused: (issues: readonly SchemaIssue[]) => unknown,
): unknown {
  if (schema === undefined) return run.apply(server, args);
  const checked = (result: SchemaResult<readonly unknown[]>) =>
    result.issues === undefined ? run.apply(server, [...result.value]) : refused(result.issues);
  const result = schema["~standard"].validate(args);
  return result instanceof Promise ? result.then(checked) : checked(result);
}
