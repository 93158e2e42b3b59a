import type { Pid } from "./identifiers.ts";
import type { Term } from "./term.ts";

/** `&Mod.fun/arity`: a function by name. The module need not exist. */
export class Export {
  readonly module: string;
  readonly function: string;
  readonly arity: number;

  constructor(module: string, name: string, arity: number) {
    this.module = module;
    this.function = name;
    this.arity = arity;
  }
}

/**
 * A closure of the BEAM. It cannot run here; it is kept so that sending it back gives the same closure.
 * Its free variables are decoded exactly (floats as `Float`), whatever the profile.
 */
export class Fun {
  readonly arity!: number;
  /** MD5 of the module's code, 16 bytes. */
  readonly uniq!: Uint8Array;
  readonly index!: number;
  readonly module!: string;
  readonly oldIndex!: number;
  readonly oldUniq!: number | bigint;
  /** The process that made it; later releases name another one and ignore it. */
  readonly creator!: Pid;
  readonly freeVariables!: readonly Term[];

  constructor(fields: Fun) {
    Object.assign(this, fields);
  }
}
