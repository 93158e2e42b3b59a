import { atom, ImproperList, isTuple, type Pid, Ref } from "../term/index.ts";

const ALIAS = atom("alias");

/** The tag of a call whose reply goes to an alias: `[alias | Ref]`. Every release echoes it, whatever it knows of aliases. */
export function aliasTag(ref: Ref): ImproperList {
  return new ImproperList([ALIAS], ref);
}

/**
 * Where a reply with this tag goes: to the reference of `[alias | Ref]` or `[[alias | Ref] | MonitorRef]`, else to the
 * caller's pid. Source: gen.erl; the second form is `gen_server:multi_call/4` of OTP 27 and later.
 */
export function replyTarget(pid: Pid, tag: unknown): Pid | Ref {
  return aliasOf(tag) ?? pid;
}

/** The alias that a message `{Tag, Reply}` answers, if that is what it is. */
export function replyAlias(message: unknown): Ref | undefined {
  return isTuple(message) && message.length === 2 ? aliasOf(message[0]) : undefined;
}

/** The alias that the answer to a request `{Kind, {Pid, Tag}, Request}` is to go to. */
export function requestAlias(message: unknown): Ref | undefined {
  const from = isTuple(message) && message.length === 3 ? message[1] : undefined;
  return isTuple(from) && from.length === 2 ? aliasOf(from[1]) : undefined;
}

function aliasOf(tag: unknown): Ref | undefined {
  if (!(tag instanceof ImproperList) || tag.items.length !== 1) return undefined;
  const head = tag.items[0];
  if (head === ALIAS) return tag.tail instanceof Ref ? tag.tail : undefined;
  return head instanceof ImproperList && head.items[0] === ALIAS && head.tail instanceof Ref ? head.tail : undefined;
}
