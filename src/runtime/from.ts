import { type Pid, TupleValue } from "../term/index.ts";
import type { ProcessCore } from "./process-core.ts";
import { replyTarget } from "./reply-tag.ts";

/**
 * Who asked: the `{Pid, Tag}` of a call, which is also what it is as a term, so that it can be sent on and answered by
 * another process with `process.reply(from, value)`.
 */
export class From extends TupleValue {
  readonly #core: ProcessCore;

  constructor(core: ProcessCore, pid: Pid, tag: unknown) {
    super(2);
    this[0] = pid;
    this[1] = tag;
    this.#core = core;
  }

  /** The process that asked. */
  get pid(): Pid {
    return this[0] as Pid;
  }

  /**
   * Answers the call, now or later, once. A reply to a caller that has gone or given up is dropped.
   * @throws EncodeError when the value is no term; the caller is then still waiting.
   */
  reply(value: unknown): void {
    sendReply(this.#core, this.pid, this[1], value);
  }
}

/** Sends `{Tag, Reply}` to whom the tag says. Never opens a connection. */
export function sendReply(core: ProcessCore, pid: Pid, tag: unknown, value: unknown): void {
  void core.send(replyTarget(pid, tag), replyMessage(tag, value), false);
}

function replyMessage(tag: unknown, value: unknown): TupleValue {
  const message = new TupleValue(2);
  message[0] = tag;
  message[1] = value;
  return message;
}
