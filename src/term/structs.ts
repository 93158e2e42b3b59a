import { ArgumentError } from "../base/index.ts";

/** A class whose instances stand for structs. Its constructor is never called by decoding. */
// biome-ignore lint/suspicious/noExplicitAny: any constructor will do, whatever it takes
export type StructClass<T extends object = object> = abstract new (...args: any[]) => T;

/**
 * Which class stands for which Elixir struct, in both directions. A struct's fields are the instance's own enumerable
 * ones; `__struct__` is added in encoding and dropped in decoding. A struct without a class is a plain object with
 * `__struct__`.
 *
 * ```ts
 * const structs = new Structs().register("Shop.Order", Order);
 * ```
 */
export class Structs {
  readonly #classes = new Map<string, StructClass>();
  /** By prototype, since an instance's own `constructor` field says nothing. */
  readonly #modules = new Map<object, string>();

  /**
   * @param module - as Elixir writes it, `"Shop.Order"`, or the whole text of its atom, `"Elixir.Shop.Order"`, `"shop_order"`.
   * @throws ArgumentError `BADARG` when the module or the class is registered already.
   */
  register(module: string, structClass: StructClass): this {
    const text = moduleText(module);
    if (this.#classes.has(text)) throw new ArgumentError("module", `a class is registered for ${module} already`);
    if (this.#modules.has(structClass.prototype)) {
      throw new ArgumentError("structClass", `the class ${structClass.name} is registered already`);
    }
    this.#classes.set(text, structClass);
    this.#modules.set(structClass.prototype, text);
    return this;
  }

  /** The class for a module, given as in {@link Structs.register}. */
  classFor(module: string): StructClass | undefined {
    return this.#classes.get(moduleText(module));
  }

  /** The text of the module's atom that an instance is a struct of; `undefined` when its class is not registered. */
  moduleOf(instance: object): string | undefined {
    return this.#modules.get(Object.getPrototypeOf(instance));
  }

  /**
   * An instance without fields, for decoding to fill; `undefined` when no class is registered for the module.
   * The constructor is not run, so `#private` fields and initialisers are not there.
   */
  create(module: string): object | undefined {
    const structClass = this.classFor(module);
    return structClass === undefined ? undefined : Object.create(structClass.prototype);
  }
}

/** The text of a module's atom: names that start with a capital letter are Elixir's. */
function moduleText(module: string): string {
  return /^\p{Lu}/u.test(module) && !module.startsWith("Elixir.") ? `Elixir.${module}` : module;
}
