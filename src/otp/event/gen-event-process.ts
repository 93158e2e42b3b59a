import { ArgumentError } from "../../base/index.ts";
import { type InitialCall, Process, type ProcessCore, Reason } from "../../runtime/index.ts";
import { atom, charlist, inspect, isTuple, type Term, type Tuple, tuple } from "../../term/index.ts";
import { OtpProcess } from "../server/otp-process.ts";
import { replaceState, stateOf } from "../server/server-state.ts";
import { type StatusFacts, statusData, statusHeader } from "../sys/sys-status.ts";
import type { EventHandlers } from "./gen-event.ts";
import { type EventMessage, type HandlerKey, keyTerm, readEventMessage } from "./gen-event-requests.ts";
import { after, exitOf, type Installed, InstalledHandlers, isNamed, type MaybePromise } from "./installed-handlers.ts";

const OK = atom("ok");
const ERROR = atom("error");

/** Runs an event manager: takes its messages to the handlers, and their results to effect. Source: gen.md §6. */
export class GenEventProcess extends OtpProcess {
  readonly label: string;
  readonly #handlers: InstalledHandlers;

  constructor(core: ProcessCore, name: string, handlers: EventHandlers) {
    super(core, "gen_event");
    this.label = `GenEvent ${name}`.trimEnd();
    const classes = new Map(Object.entries(handlers));
    this.#handlers = new InstalledHandlers(core, this.label, classes, new Process(core));
    core.trapExit = true;
  }

  init(_args: unknown, started: () => void): void {
    started();
  }

  protected handle(message: unknown): void | Promise<void> {
    const read = readEventMessage(this.core, message);
    switch (read.kind) {
      case "notify":
        return this.#notify(read.event);
      case "request":
        return this.#request(read);
      case "exit":
        return after(this.#handlers.supervisorEnded(read.pid, read.reason), () => this.#info(message as Term));
      case "info":
        return this.#info(message as Term);
    }
  }

  protected terminate(): MaybePromise<void> {
    const handlers = this.#handlers.list();
    return after(this.#handlers.endAll(), () => {
      // Who supervises a handler must not be ended by the end of the manager.
      for (const { supervisor } of handlers) {
        if (supervisor !== false && supervisor.key !== this.parent?.key) this.core.unlink(supervisor);
      }
    });
  }

  /** `[{Module, Id, State}]` */
  protected state(): Term {
    return this.#handlers.list().map((installed) => this.#stateTerm(installed)) as Term;
  }

  protected replaceState(): void {
    throw new ArgumentError("state", "each handler has a state of its own");
  }

  /** A function that fails for a handler, or gives something else than a state of it, leaves that one as it is. */
  protected override async changeState(change: (state: Term) => Promise<Term>): Promise<void> {
    for (const installed of this.#handlers.list()) {
      try {
        const changed = await change(this.#stateTerm(installed) as Term);
        if (isTuple(changed) && changed.length === 3 && isNamed(installed, handlerKeyOf(changed))) {
          replaceState(installed.handler, changed[2] as Term, this.core.runtime.copies);
        }
      } catch {} // as OTP does
    }
  }

  protected override status({ name, sysState, parent, logged }: StatusFacts): Tuple[] {
    const handlers = this.#handlers
      .list()
      .map(({ module, id, handler, supervisor }) =>
        tuple(atom("handler"), module as object, id as object, this.#stateOf(handler), supervisor),
      );
    return [
      statusHeader(`Status for event handler ${name}`),
      statusData(["Status", sysState], ["Logged Events", logged], ["Parent", parent]),
      tuple(atom("items"), tuple(charlist("Installed handlers"), handlers)),
    ];
  }

  override get initialCall(): InitialCall {
    return ["gen_event", "init_it", 6];
  }

  #request({ from, name, args }: Extract<EventMessage, { kind: "request" }>): void | Promise<void> {
    if (name === "stop") return this.end(Reason.normal, undefined, () => from.reply(OK));
    return after(this.#answer(name, args), (answer) => {
      try {
        from.reply(answer);
      } catch (error) {
        from.reply(tuple(ERROR, exitOf(error)));
      }
    });
  }

  #answer(name: string, [first, second, third, fourth, fifth]: readonly Term[]): MaybePromise<unknown> {
    switch (name) {
      case "sync_notify":
        return after(this.#notify(first!), () => OK);
      case "call":
        return this.#handlers.call(first!, second!);
      case "add_handler":
        return this.#handlers.add(first!, second!, false);
      case "add_sup_handler":
        return this.#handlers.add(first!, second!, third!);
      case "delete_handler":
        return this.#handlers.delete(first!, second!);
      case "swap_handler":
        return this.#handlers.swap(first!, second!, third!, fourth!);
      case "swap_sup_handler":
        return this.#handlers.swap(first!, second!, third!, fourth!, fifth);
      case "which_handlers":
        return this.#handlers.list().map(keyTerm);
      default:
        return this.#handlers.modules();
    }
  }

  #notify(event: Term): MaybePromise<void> {
    return this.#handlers.each(event, (handler) => handler.handleEvent(event));
  }

  #info(message: Term): MaybePromise<void> {
    return this.#handlers.each(message, (handler) => {
      if (handler.handleInfo !== undefined) return handler.handleInfo(message);
      this.#warn(`a handler received unexpected message: ${inspect(message)}`);
    });
  }

  #stateTerm({ module, id, handler }: Installed): Tuple {
    return tuple(module as object, id as object, this.#stateOf(handler));
  }

  #stateOf(handler: Installed["handler"]): object {
    return stateOf(handler, this.core.runtime.copies) as object;
  }

  #warn(text: string): void {
    this.core.runtime.logger.warn(`${this.label} ${this.core.pid}: ${text}`);
  }
}

function handlerKeyOf([module, id]: Tuple): HandlerKey {
  return { module: module as Term, id: id as Term };
}
