import type { ProcessCore } from "../../runtime/index.ts";
import { atom, atomTerm, Export, equals, isTuple, type Term, type Tuple, tuple } from "../../term/index.ts";

/** A function that was installed with `sys:install`. */
interface Installed {
  /** What it is known by: its id, else the function. */
  readonly key: Term;
  readonly fun: Export;
  /** The node in whose name it runs. */
  readonly peer: string;
  state: unknown;
}

const OK = atom("ok");
const ERROR = atom("error");
const DONE = atom("done");

/** Functions that one process may have installed: a caller must not make it work without bound. */
const MAX_FUNCTIONS = 100;

/**
 * The debug functions of one process: exposed functions that are called with `(State, Event, Name)` for each event, one event
 * after the other, and give the next state, or `done`. Source: sys(3), `install/2`.
 */
export class InstalledFunctions {
  readonly #core: ProcessCore;
  /** The last one installed comes first. */
  #installed: readonly Installed[] = [];
  #pending: Promise<void> | undefined;

  constructor(core: ProcessCore) {
    this.#core = core;
  }

  /** Settles once all events have been told; undefined when they have been. */
  get pending(): Promise<void> | undefined {
    return this.#pending;
  }

  get size(): number {
    return this.#installed.length;
  }

  /** `{Fun, State}` or `{Id, Fun, State}`. A closure of a BEAM cannot run here. What is there under that key stays. */
  install(argument: Term, peer: string): unknown {
    const parts = isTuple(argument) ? (Array.from(argument) as Term[]) : [];
    const [key, fun, state] = parts.length === 2 ? [parts[0], ...parts] : parts;
    const { runtime } = this.#core;
    const { functions } = runtime;
    if (!(fun instanceof Export) || fun.arity !== 3 || !functions.has(peer, atom(fun.module), atom(fun.function), 3)) {
      runtime.refused++;
      return failed("undef");
    }
    if (this.#installed.some((other) => equals(other.key, key))) return OK;
    if (this.size === MAX_FUNCTIONS) return failed("system_limit");
    this.#installed = [{ key: key as Term, fun, peer, state }, ...this.#installed];
    return OK;
  }

  remove(key: Term): void {
    this.#installed = this.#installed.filter((installed) => !equals(installed.key, key));
  }

  clear(): void {
    this.#installed = [];
  }

  /** Tells all of an event, after those before it. */
  tell(event: Tuple): void {
    const told = (this.#pending ?? Promise.resolve())
      .then(() => this.#tellAll(event))
      .then(() => {
        if (this.#pending === told) this.#pending = undefined;
      });
    this.#pending = told;
  }

  /** As `get_status` shows them: `{Fun, State}` or `{Id, {Fun, State}}`. */
  options(): Tuple[] {
    return this.#installed.map(({ key, fun, state }) =>
      key instanceof Export ? tuple(fun, state as object) : tuple(key as object, tuple(fun, state as object)),
    );
  }

  async #tellAll(event: Tuple): Promise<void> {
    const { name, pid, runtime } = this.#core;
    for (const installed of this.#installed) {
      const { fun, peer, state } = installed;
      const outcome = await runtime.functions.call(peer, atom(fun.module), atom(fun.function), [
        state,
        event,
        name === undefined ? pid : atomTerm(name),
      ]);
      const next = "value" in outcome ? outcome.value : DONE;
      if (next === DONE) this.#installed = this.#installed.filter((other) => other !== installed);
      else installed.state = next;
    }
  }
}

/** `{error, {callback_failed, {Module, Function}, {Class, Reason}}}` */
function failed(reason: string): Tuple {
  const place = tuple(atom("sys"), atom("install"));
  return tuple(ERROR, tuple(atom("callback_failed"), place, tuple(ERROR, atom(reason))));
}
