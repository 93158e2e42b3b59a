import { type Behaviour, ExitError, type ProcessCore, Reason, type Runtime } from "../runtime/index.ts";
import { atom, isTuple, type Pid, Ref, type Tuple, tuple } from "../term/index.ts";

/** Who called an exposed function: what `this` is in one that is written as a method. */
export interface Caller {
  /** The node that called. Empty where it does not say, as in a cast to `rex`. */
  readonly node: string;
  /**
   * Prints on the console of whoever called, as `IO.write` of a function there does. Resolves once it is printed; what a
   * caller without a console would see is dropped.
   *
   * @throws ExitError with what the console answered, or why it is gone.
   */
  write(text: string): Promise<void>;
}

const IO_REQUEST = atom("io_request");
const IO_REPLY = atom("io_reply");
const PUT_CHARS = atom("put_chars");
const UNICODE = atom("unicode");
const OK = atom("ok");

/** A caller whose console is not known. */
export function withoutConsole(node: string): Caller {
  return { node, write: async () => {} };
}

/** A caller with a group leader. `close` is called when its function has ended. */
export class CallerWithConsole implements Caller {
  readonly node: string;
  /** The process that runs the function, if it has one of its own. */
  readonly process: ProcessCore | undefined;
  readonly #runtime: Runtime;
  readonly #console: Pid;
  #printer: ProcessCore | undefined;

  constructor(runtime: Runtime, node: string, console: Pid, process?: ProcessCore) {
    this.#runtime = runtime;
    this.node = node;
    this.process = process;
    this.#console = console;
  }

  /** The requests of one call leave from one process, so that they arrive in order. */
  write(text: string): Promise<void> {
    this.#printer ??= this.#runtime.spawn(() => new Printer());
    return (this.#printer.behaviour as Printer).print(this.#printer, this.#console, text);
  }

  /** What is being printed still arrives, but is not waited for any more. */
  close(): void {
    this.#printer?.exit(Reason.normal);
  }
}

/** Asks a console to print, and waits for its answers, by the references of the monitors on it. */
class Printer implements Behaviour {
  readonly label = "printer";
  readonly #waiting = new Map<string, (result: unknown) => void>();

  print(core: ProcessCore, console: Pid, text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const ref = core.runtime.identity.newRef();
      const settle = (result: unknown) => {
        this.#waiting.delete(ref.key);
        core.demonitor(ref);
        if (result === OK) resolve();
        else reject(new ExitError("call", console, isTuple(result) ? result[1] : result));
      };
      this.#waiting.set(ref.key, settle);
      core.monitor(console, settle, () => resolve(), ref);
      const request: Tuple = tuple(PUT_CHARS, UNICODE, text);
      void core.send(console, tuple(IO_REQUEST, core.pid, ref, request), false);
    });
  }

  receive(message: unknown): void {
    if (!isTuple(message) || message.length !== 3 || message[0] !== IO_REPLY || !(message[1] instanceof Ref)) return;
    this.#waiting.get(message[1].key)?.(message[2]);
  }
}
