import type { HandlerName } from "./gen-event-requests.ts";

/** Made by {@link removeHandler}. */
export class RemoveHandler<R = unknown> {
  readonly kind = "remove_handler";
  readonly reply: R;

  constructor(reply: R) {
    this.reply = reply;
  }
}

/** Made by {@link swapHandler}. */
export class SwapHandler<R = unknown> {
  readonly kind = "swap_handler";
  readonly argument: unknown;
  readonly next: HandlerName;
  readonly nextArgument: unknown;
  readonly reply: R;

  constructor(argument: unknown, next: HandlerName, nextArgument: unknown, reply: R) {
    this.argument = argument;
    this.next = next;
    this.nextArgument = nextArgument;
    this.reply = reply;
  }
}

/** Ends the handler, whose `terminate` gets `remove_handler`. From `handleCall`, `reply` is the answer. */
export function removeHandler(): RemoveHandler<undefined>;
export function removeHandler<R>(reply: R): RemoveHandler<R>;
export function removeHandler(reply?: unknown): RemoveHandler {
  return new RemoveHandler(reply);
}

/**
 * Puts another handler in the place of this one, whose `terminate` gets `argument`; `init` of the other gets
 * `{NextArgument, Result}` with what that `terminate` returned. From `handleCall`, `reply` is the answer.
 */
export function swapHandler(argument: unknown, next: HandlerName, nextArgument: unknown): SwapHandler<undefined>;
export function swapHandler<R>(argument: unknown, next: HandlerName, nextArgument: unknown, reply: R): SwapHandler<R>;
export function swapHandler(argument: unknown, next: HandlerName, nextArgument: unknown, reply?: unknown): SwapHandler {
  return new SwapHandler(argument, next, nextArgument, reply);
}
