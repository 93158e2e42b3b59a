/** Where what happens is told to those who have subscribed. A channel of `node:diagnostics_channel` is one. */
export interface Channel<Message> {
  /** False while nobody has subscribed: then there is no need to put a message together. */
  readonly hasSubscribers: boolean;
  publish(message: Message): void;
}

/** A channel about something that takes place while it is told of it: a subscriber can give it a context. */
export interface ScopeChannel<Message> extends Channel<Message> {
  /** Publishes the message, and runs `run` in the contexts that subscribers made of it. */
  runStores<T>(message: Message, run: () => T): T;
}

/** A channel that nobody can subscribe to. */
export const silentChannel: ScopeChannel<unknown> = {
  hasSubscribers: false,
  publish() {},
  runStores: (_message, run) => run(),
};
