import { ArgumentError } from "../base/index.ts";
import type { Caller, ExposedFunction } from "../node/index.ts";
import { OtpProcess, SupervisingProcess } from "../otp/index.ts";
import { atom, atomTerm, atomText, type Term, tuple } from "../term/index.ts";
import { badarg, pairs } from "./terms.ts";
import { initialCall, type View } from "./view.ts";

/** Exposes functions of a module. */
export type Expose = (module: string, functions: Record<string, ExposedFunction>) => void;

/**
 * What is said about modules. To other nodes a module is what it exposes; the class of a server is one as well, since tools
 * ask it for its behaviour before they ask the server for its status.
 */
export class Modules {
  readonly #view: View;
  readonly #expose: Expose;
  /** The classes of servers that tools have heard of. */
  readonly #shown = new Set<string>();

  constructor(view: View, expose: Expose) {
    this.#view = view;
    this.#expose = expose;
  }

  /** From now on the class answers `module_info`, as any module does, unless it is exposed with one of its own. */
  show(module: string): void {
    if (this.#shown.has(module) || this.#behaviourOf(module) === undefined) return;
    this.#shown.add(module);
    const info = this.#info.bind(this);
    try {
      this.#expose(module, {
        "module_info/1"(item: Term) {
          return info(this, module, item);
        },
      });
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw error; // the program exposes one of its own
    }
  }

  /** `code:ensure_loaded/1`: nothing can be loaded, so what is not exposed is not there. */
  ensureLoaded(caller: Caller, module: Term): unknown {
    return this.#isKnown(caller, module)
      ? tuple(atom("module"), module as object)
      : tuple(atom("error"), atom("nofile"));
  }

  /** `code:is_loaded/1` */
  isLoaded(caller: Caller, module: Term): unknown {
    return this.#isKnown(caller, module) ? tuple(atom("file"), []) : false;
  }

  /** `erlang:function_exported/3` */
  isExported(caller: Caller, module: Term, name: Term, arity: Term): boolean {
    if (typeof arity !== "number") throw badarg();
    return this.#view.runtime.functions.has(caller.node, module, name, arity);
  }

  #info(caller: Caller, module: string, item: Term): unknown {
    switch (atomText(item)) {
      case "module":
        return atomTerm(module);
      case "attributes":
        return pairs({ behaviour: [atom(this.#behaviourOf(module) ?? "gen_server")] });
      case "exports":
        return this.#view.runtime.functions
          .exports(caller.node, module)
          .flatMap(([name, arity]) => (arity === undefined ? [] : [tuple(atomTerm(name) as object, arity)]));
      case "compile":
      case "functions":
      case "nifs":
        return [];
      default:
        throw badarg();
    }
  }

  #isKnown(caller: Caller, module: Term): boolean {
    const name = atomText(module);
    if (name === undefined) throw badarg();
    return this.#view.runtime.functions.exports(caller.node, name).length > 0 || this.#behaviourOf(name) !== undefined;
  }

  /** The behaviour of a class of which there is a server. */
  #behaviourOf(module: string): string | undefined {
    for (const core of this.#view.runtime.processes()) {
      const { behaviour } = core;
      if (!(behaviour instanceof OtpProcess) || initialCall(core)[0] !== module) continue;
      if (behaviour.module === "application_master") return "application";
      return behaviour instanceof SupervisingProcess ? "supervisor" : behaviour.module;
    }
    return undefined;
  }
}
