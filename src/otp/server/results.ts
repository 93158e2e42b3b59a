/** What a server does after a callback, before it takes the next message. */
export interface Next<E = never> {
  /** Calls `handleContinue` with this term at once, before any message. */
  readonly continue?: unknown;
  /**
   * `handleInfo(atom("timeout"))` unless a message comes within that many milliseconds; 0 when none waits already. It
   * holds until the next message, whichever callback handles that.
   */
  readonly timeoutMs?: number;
  /** Taken for the sake of code that comes from the BEAM. Processes here always rest between messages. */
  readonly hibernate?: boolean;
  /** In stages that produce: events to emit, before a reply is sent and before anything else of this. */
  readonly events?: readonly E[];
}

/** Made by {@link reply}. */
export class Reply<R = unknown, E = never> {
  readonly kind = "reply";
  readonly value: R;
  readonly next: Next<E> | undefined;

  constructor(value: R, next: Next<E> | undefined) {
    this.value = value;
    this.next = next;
  }
}

/** Made by {@link noReply}. */
export class NoReply<E = never> {
  readonly kind = "noreply";
  readonly next: Next<E> | undefined;

  constructor(next: Next<E> | undefined) {
    this.next = next;
  }
}

/** Made by {@link stop}. */
export class Stop<R = never> {
  readonly kind = "stop";
  readonly reason: unknown;
  /** The reply to send before ending, in an array of its own since any term may be one. */
  readonly reply: readonly [] | readonly [R];

  constructor(reason: unknown, reply: readonly [] | readonly [R]) {
    this.reason = reason;
    this.reply = reply;
  }
}

/** Made by {@link ignore}. */
export class Ignore {
  readonly kind = "ignore";
}

/** The result of a call: `{reply, Value, State}`. */
export function reply<R, E = never>(value: R, next?: Next<E>): Reply<R, E> {
  return new Reply(value, next);
}

/** Go on: `{noreply, State}`. From a call, the caller waits until somebody answers its `from`. */
export function noReply<E = never>(next?: Next<E>): NoReply<E> {
  return new NoReply(next);
}

/** End with that reason, after `terminate` and, from a call, after sending the reply if one is given. */
export function stop(reason: unknown): Stop;
export function stop<R>(reason: unknown, reply: R): Stop<R>;
export function stop<R>(reason: unknown, ...reply: [] | [R]): Stop<R> {
  return new Stop<R>(reason, reply);
}

/** From `init`: do not start, and let that be no error. */
export function ignore(): Ignore {
  return new Ignore();
}
