import {
  type Atom,
  atom,
  EventHandler,
  type EventResult,
  Exit,
  eventTimeout,
  GenEvent,
  GenStatem,
  genericTimeout,
  type HandlerInitResult,
  initialState,
  isTuple,
  keepState,
  nextEvent,
  nextState,
  type Pid,
  postpone,
  removeHandler,
  reply,
  replyTo,
  type StatemEvent,
  type StateResult,
  stateTimeout,
  stop,
  stopAndReply,
  swapHandler,
  type Term,
  tuple,
} from "../../src/index.ts";

/** Keeps events, and does what some of them say. */
class Recorder extends EventHandler {
  events: Term[] = [];

  override init(argument: Term): HandlerInitResult {
    if (isTuple(argument) && argument.tag === "refuse") return stop(argument[1]);
    if (isTuple(argument)) this.events.push(argument); // a swap: {Argument, Result of the one before}
  }

  override handleEvent(event: Term): EventResult {
    if (event === atom("remove")) return removeHandler();
    if (event === atom("raise")) throw new RangeError("no");
    if (isTuple(event) && event.tag === "swap") return swapHandler(atom("swapped"), event[1] as Atom, event[2]);
    this.events.push(event);
  }

  override handleCall(request: Term) {
    if (request === atom("remove")) return removeHandler(atom("bye"));
    if (request === atom("raise")) throw new RangeError("no");
    return reply(this.events);
  }

  override handleInfo(message: Term) {
    this.events.push(tuple(atom("info"), message as object) as Term);
  }

  override terminate(reason: Term) {
    return tuple(atom("ended"), reason as object, this.events.length);
  }
}

/** An event manager that has recorders to offer, under the modules `:recorder` and `:other`. */
export const Manager = GenEvent.of({ recorder: Recorder, other: Recorder });

/** A door with a code, whose states are methods. Opens for a while, and tells of what it enters. */
export class Door extends GenStatem<never, "locked" | "open"> {
  static override readonly callbackMode = ["state_functions", "state_enter"] as const;
  entered: Atom[] = [];
  #reporter: Pid | undefined;

  init(reporter: Pid | undefined) {
    this.#reporter = reporter;
    return initialState("locked");
  }

  locked(event: StatemEvent): StateResult<"locked" | "open"> {
    if (event.type === "enter") return this.#enter("locked");
    if (event.type === "call" && event.content === atom("walk_through")) return keepState(postpone());
    if (isTuple(event.content) && event.content.tag === "code" && event.content[1] === 1234) {
      return nextState("open", [...answer(event, atom("ok")), stateTimeout(event.content[2] as number, atom("close"))]);
    }
    return this.#anyState(event, "locked");
  }

  open(event: StatemEvent): StateResult<"locked" | "open"> {
    if (event.type === "enter") return this.#enter("open");
    if (event.type === "state_timeout") return nextState("locked");
    if (event.content === atom("walk_through")) return keepState(answer(event, atom("through")));
    if (event.content === atom("close")) return nextState("locked", answer(event, atom("ok")));
    return this.#anyState(event, "open");
  }

  override terminate(reason: unknown, state: unknown) {
    if (this.#reporter === undefined) return;
    void this.process.send(this.#reporter, tuple(atom("terminated"), reason as object, atom(state as string)));
  }

  #enter(state: string): StateResult<never> {
    this.entered.push(atom(state));
    return keepState();
  }

  #anyState(event: StatemEvent, state: string): StateResult<never> {
    if (event.content === atom("state")) return keepState(answer(event, atom(state)));
    if (event.content === atom("entered")) return keepState(answer(event, this.entered));
    if (event.content === atom("raise")) throw new TypeError("no such thing");
    if (event.type === "call" && isTuple(event.content) && event.content.tag === "stop_with") {
      return stopAndReply(event.content[1], replyTo(event.from, event.content[2]));
    }
    if (isTuple(event.content) && event.content.tag === "exit") throw new Exit(event.content[1]);
    return keepState(answer(event, tuple(atom("unknown"), event.content as object)));
  }
}

/** A counter of passes, whose states are terms `{on, N}`. */
export class Turnstile extends GenStatem {
  static override readonly callbackMode = "handle_event_function";
  log: Term[] = [];

  init() {
    return initialState(tuple(atom("on"), 0));
  }

  override handleEvent(event: StatemEvent, state: unknown): StateResult {
    const [, passes] = state as unknown as readonly [Atom, number];
    switch (event.type) {
      case "call":
        return this.#call(event, passes);
      case "cast":
        return nextState(tuple(atom("on"), passes + 1), nextEvent("internal", event.content));
      case "generic_timeout":
        this.log.push(tuple(atom("timeout"), event.name as object, event.content as object) as Term);
        return keepState();
      case "enter":
        return keepState();
      default:
        this.log.push(tuple(atom(event.type), event.content as object) as Term);
        return keepState();
    }
  }

  #call({ content, from }: Extract<StatemEvent, { type: "call" }>, passes: number): StateResult {
    const [operation, first, second] = (isTuple(content) ? [...content] : [content]) as [Atom, Term, Term];
    const ok = replyTo(from, atom("ok"));
    switch (operation.tag) {
      case "passes":
        return keepState(replyTo(from, passes));
      case "log":
        return keepState(replyTo(from, this.log));
      case "after":
        return keepState([ok, genericTimeout(first, second as number, atom("late"))]);
      case "cancel":
        return keepState([ok, genericTimeout(first, "cancel")]);
      case "silence":
        return keepState([ok, eventTimeout(first as number, atom("silence"))]);
      default:
        return stop(tuple(atom("unknown"), content as object));
    }
  }
}

/** The reply of an event that is a call. */
function answer(event: StatemEvent, value: unknown) {
  return event.type === "call" ? [replyTo(event.from, value)] : [];
}
