/** What JSON can hold. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** Starts the one key of an object that stands for something JSON has no form for. */
export const TAG_PREFIX = "$";

/** How deep terms may be nested in their JSON form: JSON's own functions use the stack. */
export const MAX_JSON_DEPTH = 1_000;
