import { ArgumentError, NodeDownError, type Timer } from "../../base/index.ts";
import {
  type AnyApi,
  type CrashFacts,
  Exit,
  ExitError,
  Process,
  type ProcessCore,
  readGen,
  sendReply,
} from "../../runtime/index.ts";
import { Atom, atom, atomTerm, inspect, isTuple, type Pid, type Term, type Tuple, tuple } from "../../term/index.ts";
import { OtpProcess } from "../server/otp-process.ts";
import { Ignore, Stop } from "../server/results.ts";
import { replaceState, stateOf } from "../server/server-state.ts";
import { type StatusFacts, statusData, statusHeader } from "../sys/sys-status.ts";
import type { GenStatem } from "./gen-statem.ts";
import { type Effect, StatemEngine, type Step } from "./gen-statem-engine.ts";
import type { StatemEvent } from "./gen-statem-events.ts";
import { InitialState, type ReplyAction } from "./gen-statem-results.ts";
import { eventTerm, eventTypeTerm, givenTerm, type Shown, traceTerm } from "./gen-statem-terms.ts";

type Callbacks = GenStatem<AnyApi, unknown>;

/** A state machine class, with the mode that it declares. */
export interface GenStatemClass {
  new (): Callbacks;
  readonly callbackMode: unknown;
}

const IGNORE = atom("ignore");
const UNDEF = atom("undef");
const OUT = atom("out");

/** Callbacks that one event may lead to before the rest of the node has its turn: inserted events can insert more for ever. */
const CALLBACKS_PER_TURN = 1_000;

/** Methods that are no states. */
const NO_STATES: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  "init",
  "handleEvent",
  "terminate",
  "inspectState",
]);

/** What the process sends itself when a timer fires, so that the timeout comes behind the messages that were there before. */
class TimerFired {
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }
}

/** Runs a {@link GenStatem} in a process: takes messages to its {@link StatemEngine}, and what that asks for to effect. */
export class GenStatemProcess extends OtpProcess {
  readonly label: string;
  readonly #class: GenStatemClass;
  readonly #statem: Callbacks;
  readonly #mode: readonly unknown[];
  readonly #timers = new Map<number, Timer>();
  readonly #shown: Shown = {
    data: () => stateOf(this.#statem, this.core.runtime.copies),
    state: (state) => (this.#byName && typeof state === "string" ? atomTerm(state) : state),
  };
  /** True once it ends by an error, whose stack stands beside it in the exit reason. */
  #stacked = false;
  /** Undefined until `init` is over. */
  #engine: StatemEngine | undefined;

  constructor(core: ProcessCore, statemClass: GenStatemClass) {
    super(core, "gen_statem");
    this.label = `GenStatem ${statemClass.name}`;
    this.#class = statemClass;
    this.#mode = [statemClass.callbackMode].flat();
    this.#statem = new statemClass();
    Object.defineProperty(this.#statem, "process", { value: new Process(core) });
  }

  /** True if a state is the name of a method. */
  get #byName(): boolean {
    return this.#mode.includes("state_functions");
  }

  init(args: unknown, started: () => void): void {
    this.core.occupy(() =>
      this.guarded(
        () => this.#statem.init(args),
        (result) => {
          if (result instanceof Ignore) return this.core.exit(IGNORE);
          if (result instanceof Stop && result.reply.length === 0) return this.core.exit(result.reason);
          if (!(result instanceof InitialState))
            throw new Exit(tuple(atom("bad_return_from_init"), shownValue(result)));
          this.#engine = new StatemEngine(result.state, { stateEnter: this.#mode.includes("state_enter") });
          started();
          this.#checkMode();
          return this.#run(this.#engine, this.#engine.start(result.actions));
        },
      ),
    );
  }

  #checkMode(): void {
    const modes = this.#mode.filter((part) => part === "state_functions" || part === "handle_event_function");
    const others = this.#mode.filter((part) => part !== "state_enter");
    if (modes.length === 1 && others.length === 1) return;
    throw new Fault(tuple(atom("bad_return_from_callback_mode"), shownValue(this.#class.callbackMode)));
  }

  protected handle(message: unknown): void | Promise<void> {
    const engine = this.#engine;
    if (engine === undefined) return;
    engine.traced = this.debug !== undefined;
    return this.guarded(
      () => {
        const step = message instanceof TimerFired ? this.#fired(engine, message) : engine.receive(this.#read(message));
        return step && this.#run(engine, step);
      },
      () => {},
    );
  }

  #fired(engine: StatemEngine, { id }: TimerFired): Step | undefined {
    this.#timers.delete(id);
    return engine.timedOut(id);
  }

  #read(message: unknown): StatemEvent {
    const gen = readGen(this.core, message);
    switch (gen.kind) {
      case "call":
        return { type: "call", from: gen.from, content: gen.request };
      case "cast":
        return { type: "cast", content: gen.request };
      case "info":
        return { type: "info", content: gen.message };
    }
  }

  /** Goes on until the next event from outside is awaited. */
  #run(engine: StatemEngine, first: Step): void | Promise<void> {
    let step = first;
    for (let left = CALLBACKS_PER_TURN; this.core.alive; left--) {
      for (const effect of step.effects) this.#perform(effect);
      const { next } = step;
      if (next.kind === "wait") return;
      if (next.kind === "stop") return this.end(next.reason);
      if (next.kind === "fault") throw new Fault(tuple(atom(next.fault), givenTerm(next.given, this.#shown) as object));
      if (left === 0) return this.#later().then(() => this.#run(engine, { effects: [], next }));
      const result = this.#call(next.event, next.state);
      if (result instanceof Promise) return result.then((settled) => this.#run(engine, engine.returned(settled)));
      step = engine.returned(result);
    }
  }

  #later(): Promise<void> {
    return new Promise((resolve) => this.core.runtime.clock.defer(resolve));
  }

  #call(event: StatemEvent, state: unknown): unknown {
    if (!this.#byName) {
      if (this.#statem.handleEvent === undefined) throw this.#undef("handle_event", event, [state]);
      return this.#statem.handleEvent(event, state);
    }
    const name = String(state);
    const method = NO_STATES.has(name) ? undefined : (this.#statem as unknown as Record<string, unknown>)[name];
    if (typeof method !== "function") throw this.#undef(name, event, []);
    return method.call(this.#statem, event);
  }

  /** `{undef, [{Module, Function, Arguments, []}]}` */
  #undef(name: string, event: StatemEvent, state: unknown[]): Fault {
    const args = [...eventTerm(event, this.#shown), ...state, this.#shown.data()];
    return new Fault(UNDEF, [tuple(atomTerm(this.#class.name) as object, atomTerm(name) as object, args, [])]);
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case "reply":
        return this.#reply(effect);
      case "start_timer":
        return this.#startTimer(effect.id, effect.abs ? effect.time - this.core.runtime.clock.now() : effect.time);
      case "cancel_timer":
        this.#timers.get(effect.id)?.cancel();
        this.#timers.delete(effect.id);
        return;
      default:
        return this.debug?.record(traceTerm(effect, this.#shown));
    }
  }

  #reply({ from, value }: Pick<ReplyAction, "from" | "value">): void {
    sendReply(this.core, from[0] as Pid, from[1], value);
    this.debug?.record(tuple(OUT, value as object, from));
  }

  #startTimer(id: number, ms: number): void {
    const timer = this.core.startTimer(Math.max(ms, 0), () => this.core.deliver(new TimerFired(id)));
    this.#timers.set(id, timer);
  }

  /** The engine tells of events itself, in the form that gen_statem gives them. */
  protected override traceIn(): void {}

  protected override end(reason: unknown, error?: unknown): void | Promise<void> {
    this.#stacked = error instanceof Fault || (error !== undefined && !isExit(error));
    return super.end(reason, error);
  }

  /** As in OTP not before there is a state, and without the stack that the exit reason of an error has. */
  protected terminate(reason: unknown): unknown {
    const why = this.#stacked && isTuple(reason) ? reason[0] : reason;
    return this.#engine && this.#statem.terminate?.(why, this.#engine.state);
  }

  protected state(): Term {
    return tuple(this.#shown.state(this.#engine?.state) as object, this.#shown.data() as object) as Term;
  }

  /** Takes `{State, Data}`. The state is no other for the machine: nothing is retried, no timeout ends. */
  protected replaceState(state: Term): void {
    if (!isTuple(state) || state.length !== 2) throw new ArgumentError("state", "must be {State, Data}");
    replaceState(this.#statem, state[1] as Term, this.core.runtime.copies);
    const next = state[0];
    if (this.#engine !== undefined) this.#engine.state = this.#byName && next instanceof Atom ? next.tag : next;
  }

  protected override status({ name, sysState, parent, logged }: StatusFacts): Tuple[] {
    const timeouts = (this.#engine?.timeouts ?? []).map(({ of, content }) =>
      tuple(eventTypeTerm(of), content as object),
    );
    return [
      statusHeader(`Status for state machine ${name}`),
      statusData(
        ["Status", sysState],
        ["Parent", parent],
        ["Modules", [atomTerm(this.#class.name)]],
        ["Time-outs", tuple(timeouts.length, timeouts)],
        ["Logged Events", logged],
        ["Postponed", this.#postponed()],
      ),
      statusData(["State", this.state()]),
    ];
  }

  /** Newest first, as gen_statem shows them. */
  #postponed(): Tuple[] {
    return [...(this.#engine?.postponed ?? [])].reverse().map((event) => eventTerm(event, this.#shown));
  }

  /** The last event, the state, and what is postponed, as text. */
  override crashFacts(): CrashFacts & { readonly state?: string; readonly postponed?: string } {
    if (this.#engine === undefined) return {};
    const postponed = this.#postponed();
    return {
      lastMessage: inspect(eventTerm(this.#engine.event, this.#shown)),
      state: inspect(this.state()),
      ...(postponed.length > 0 && { postponed: inspect(postponed) }),
    };
  }
}

/** An error of class `error` in Erlang: it has a stack. */
class Fault extends Exit {
  constructor(reason: object, stack: readonly Tuple[] = []) {
    super(tuple(reason, stack));
  }
}

/** An exit with a reason of its own, without a stack. */
function isExit(error: unknown): boolean {
  return error instanceof Exit || error instanceof ExitError || error instanceof NodeDownError;
}

function shownValue(value: unknown): object {
  return (value ?? null) as object;
}
