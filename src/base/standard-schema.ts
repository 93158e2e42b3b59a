/**
 * What validators have in common: zod, valibot, arktype and others implement it, so that none of them is needed here.
 * Source: https://standardschema.dev, version 1.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    validate(value: unknown): SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** For the compiler only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The value as the schema gives it, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What is wrong, on one line: `1: expected a number; 2: too long`. */
export function issuesText(issues: readonly SchemaIssue[]): string {
  return issues
    .map(({ message, path = [] }) => (path.length > 0 ? `${pathText(path)}: ${message}` : message))
    .join("; ");
}

function pathText(path: NonNullable<SchemaIssue["path"]>): string {
  return path.map((step) => String(typeof step === "object" ? step.key : step)).join(".");
}
