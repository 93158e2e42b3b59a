/** What a server does after a callback, before it takes the next message. */
export interface Next {
  /** Calls `handleContinue` with this term at once, before any message. */
  readonly continue?: unknown;
  /** `handleInfo(atom("timeout"))` unless a message comes within that many milliseconds. */
  readonly timeoutMs?: number;
}

/** Made by {@link reply}. */
export class Reply<R = unknown> {
  readonly value: R;
  readonly next: Next | undefined;

  constructor(value: R, next: Next | undefined) {
    this.value = value;
    this.next = next;
  }
}

/** Made by {@link noReply}. */
export class NoReply {
  readonly next: Next | undefined;

  constructor(next: Next | undefined) {
    this.next = next;
  }
}

/** Made by {@link stop}. */
export class Stop<R = never> {
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
  readonly ignore = true;
}

/** The result of a call: `{reply, Value, State}`. */
export function reply<R>(value: R, next?: Next): Reply<R> {
  return new Reply(value, next);
}

/** Go on: `{noreply, State}`. From a call, the caller waits until somebody answers its `from`. */
export function noReply(next?: Next): NoReply {
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
