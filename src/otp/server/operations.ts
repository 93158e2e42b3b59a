import { ArgumentError, type SchemaIssue, type SchemaResult, type StandardSchemaV1 } from "../../base/index.ts";
import { Atom, isTuple, type Term, type Tuple } from "../../term/index.ts";

/** An entry of a table, which runs with the server as its `this`. */
export type Operation = (this: unknown, ...args: unknown[]) => unknown;

type ArgsSchema = StandardSchemaV1<unknown, readonly unknown[]>;

/** What a server class says about its operations. */
export interface OperationTables {
  readonly calls?: Readonly<Record<string, unknown>>;
  readonly casts?: Readonly<Record<string, unknown>>;
  readonly schemas?: Readonly<Record<string, unknown>>;
}

/** What {@link perform} gives for a request that the table has no entry for. */
export const NO_OPERATION: unique symbol = Symbol("no operation");

/** What {@link perform} gives for arguments that the schema of their operation refuses. */
export class Refused {
  readonly issues: readonly SchemaIssue[];

  constructor(issues: readonly SchemaIssue[]) {
    this.issues = issues;
  }
}

/** @throws ArgumentError for a schema of what neither table has: whoever wrote it believes something to be guarded. */
export function checkTables({ calls = {}, casts = {}, schemas = {} }: OperationTables): void {
  for (const name of Object.keys(schemas)) {
    if (!Object.hasOwn(calls, name) && !Object.hasOwn(casts, name)) {
      throw new ArgumentError("schemas", `there is no operation ${name}`);
    }
  }
}

/**
 * Runs the entry of a table that a request is for, with what its schema makes of the arguments. A request `{op, A, B}`, or the
 * bare atom `op`, is for the entry `op`, found by own names only: a peer must not reach what is inherited. What has fewer
 * arguments than the operation declares is not for it, unless a schema judges.
 */
export function perform(
  table: OperationTables["calls"],
  schemas: OperationTables["schemas"],
  server: unknown,
  request: Term,
): unknown {
  const op = isTuple(request) ? request[0] : request;
  if (table === undefined || !(op instanceof Atom) || !Object.hasOwn(table, op.tag)) return NO_OPERATION;
  const run = table[op.tag] as Operation;
  const args = isTuple(request) ? argsOf(request) : [];
  if (schemas !== undefined && Object.hasOwn(schemas, op.tag)) {
    const checked = (result: SchemaResult<readonly unknown[]>) =>
      result.issues === undefined ? run.apply(server, [...result.value]) : new Refused(result.issues);
    const result = (schemas[op.tag] as ArgsSchema)["~standard"].validate(args);
    return result instanceof Promise ? result.then(checked) : checked(result);
  }
  return run.length > args.length ? NO_OPERATION : run.apply(server, args);
}

/** The elements of a request behind its operation. Copied one by one, as `slice` of a subclass of Array takes ten times as long. */
function argsOf(request: Tuple): unknown[] {
  const args: unknown[] = [];
  for (let i = 1; i < request.length; i++) args.push(request[i]);
  return args;
}
