import type { Random } from "../base/index.ts";
import { atom, type Pid, type Term } from "../term/index.ts";

/** A consumer as a dispatcher knows it. Told apart by `key`, which is its subscription tag in a form that `===` compares. */
export interface DispatcherConsumer {
  readonly key: unknown;
  readonly pid: Pid;
  readonly tag: Term;
  /** It says what it has handled: what it has not is sent again when it is gone. */
  readonly confirms?: boolean;
}

/** What a dispatcher can do to the world: all its effects go through here, so that it can be tried without a process. */
export interface Outlet<Out> {
  /** Sends a message of events to a consumer. */
  deliver(consumer: DispatcherConsumer, events: readonly Out[]): void;
  /** Gives an info to the stage itself, behind whatever waits in its mailbox. */
  info(message: unknown): void;
  /** Asks the stage itself for `count` more events in the name of a consumer, behind what waits in its mailbox. */
  askAgain(consumer: DispatcherConsumer, count: number): void;
  /** So many events are given up: they are counted as discarded. */
  discarded(count: number): void;
  /** For dispatchers that choose by chance. */
  readonly random: Random;
  warn(text: string): void;
  error(text: string): void;
}

/** The reason of a {@link Refusal} is `{bad_opts, Text}`, as that of a start with wrong options. */
export const BAD_OPTS = atom("bad_opts");

/** Turns a subscription down; the consumer gets `{:cancel, reason}`. */
export class Refusal {
  readonly reason: unknown;

  constructor(reason: unknown) {
    this.reason = reason;
  }
}

/**
 * Decides which consumer of a producer gets which events, and how much demand goes on to the producer's `handleDemand`.
 *
 * A state machine without I/O. Every number it returns is demand to be passed on: new demand, 0 or more.
 * Source: gen_stage.md §6.1.
 */
export interface Dispatcher<Out> {
  /** The module that `sys:get_status` shows for it. Default: the name of its class. */
  readonly module?: string;
  /** True: an event may go to several consumers, so that what one of them did not confirm is not sent to others. */
  readonly sharesEvents?: boolean;
  /**
   * Events that `dispatch` would take now. What the stage has buffered is sent as far as this goes, before anything newer;
   * without it, only as far as demand is passed on.
   */
  readonly ready?: number;
  /**
   * A consumer subscribed. `options` are those of its subscription, under their names on the wire, for what they say to
   * this dispatcher; anything wrong with them is refused, since options come from strangers.
   */
  subscribe(consumer: DispatcherConsumer, options: Readonly<Record<string, Term>>): number | Refusal;
  /** A consumer asked for `count` more events, 1 or more. Its `pid` may be another than before: events go there now. */
  ask(count: number, consumer: DispatcherConsumer): number;
  /** A consumer is gone, or was refused. */
  cancel(consumer: DispatcherConsumer): number;
  /**
   * Takes what a consumer has been sent and did not confirm, right before its `cancel`, to go before anything newer. Without it
   * such events are dispatched once more after the `cancel`.
   */
  takeBack?(consumer: DispatcherConsumer, events: readonly Out[]): void;
  /** Delivers events, 1 or more, as far as there is demand for them, and returns those for which there is none. */
  dispatch(events: readonly Out[]): readonly Out[];
  /** So many of the events that it returned have come to the buffer, and are no longer on their way: new demand is met from there. */
  buffered?(count: number): void;
  /** An info whose turn has come. Passed to the outlet at once, unless events are held in here that go before it. */
  info(message: unknown): void;
}

/** How a producer gets its dispatcher, one for each process. */
export type DispatcherFactory<Out> = (outlet: Outlet<Out>) => Dispatcher<Out>;
