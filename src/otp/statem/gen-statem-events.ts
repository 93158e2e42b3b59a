import type { AnyApi, CastRequest, From, Request } from "../../runtime/index.ts";
import type { Term } from "../../term/index.ts";

type Called<Api> = Api extends AnyApi ? Term : Request<Api>;
type Cast<Api> = Api extends AnyApi ? Term : CastRequest<Api>;

/**
 * What a state machine handles. `type` is OTP's event type; what is `{call, From}` and `{timeout, Name}` there is `call` with
 * a `from` and `generic_timeout` with a `name` here, so that `switch (event.type)` narrows. Source: gen_statem(3), event_type().
 */
export type StatemEvent<Api = AnyApi, State = unknown> =
  /** Answered by the action {@link replyTo}, or by `from.reply(value)` at any time. */
  | { readonly type: "call"; readonly from: From; readonly content: Called<Api> }
  | { readonly type: "cast"; readonly content: Cast<Api> }
  /** Any other message: what was sent, DOWN, EXIT if exits are trapped. */
  | { readonly type: "info"; readonly content: Term }
  /** Only ever made by {@link nextEvent}. */
  | { readonly type: "internal"; readonly content: unknown }
  /** A state was entered, with `state_enter` in the callback mode. The content is the state before, at the start the same. */
  | { readonly type: "enter"; readonly content: State }
  /** The event timeout. */
  | { readonly type: "timeout"; readonly content: unknown }
  | { readonly type: "state_timeout"; readonly content: unknown }
  | { readonly type: "generic_timeout"; readonly name: unknown; readonly content: unknown };

/** What {@link nextEvent} can insert: any event but `enter`. */
export type InsertedEvent = Exclude<StatemEvent, { readonly type: "enter" }>;

/** Which timeout: there is one of each at a time. */
export type TimeoutType =
  | { readonly type: "timeout" | "state_timeout" }
  | { readonly type: "generic_timeout"; readonly name: unknown };
