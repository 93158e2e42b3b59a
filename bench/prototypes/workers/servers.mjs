// Servers that know bytes only: a request comes as the external form of `{'$gen_call', {Pid, Tag}, Number}`, the reply leaves
// as that of `{Tag, Number}`. Used as it is on the main thread, and within a worker.
import { readFileSync } from "node:fs";
import "../../support/typescript.mjs";

const { decode, encode } = await import("../../../src/etf/index.ts");
const { tuple } = await import("../../../src/term/index.ts");

/** Processor time of the thread that asks, in microseconds. */
export const threadUs = () => Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) / 1000;

/** Works for so many rounds of about a microsecond each. */
function work(rounds) {
  let x = 1;
  for (let i = rounds * 1100; i > 0; i--) x = (x ^ (x << 13)) >>> 1;
  return x;
}

/** Handles frames, each with its length before it, and gives those of the replies, in the same form. */
export function handleFrames(frames, us) {
  const replies = [];
  let size = 0;
  for (let at = 0; at < frames.length; ) {
    const length = frames[at] * 256 + frames[at + 1];
    const [, [, tag], number] = decode(frames.subarray(at + 2, at + 2 + length));
    at += 2 + length;
    if (us > 0) work(us);
    const reply = encode(tuple(tag, number + 1));
    replies.push(reply);
    size += 2 + reply.length;
  }
  const out = new Uint8Array(size);
  let at = 0;
  for (const reply of replies) {
    out[at++] = reply.length >> 8;
    out[at++] = reply.length & 255;
    out.set(reply, at);
    at += reply.length;
  }
  return out;
}

/** The frames of so many calls that are made at once. */
export function framesOf(count, pid, tag, kind) {
  const frame = encode(tuple(kind, tuple(pid, tag), 1));
  const out = new Uint8Array(count * (2 + frame.length));
  for (let i = 0; i < count; i++) {
    out[i * (2 + frame.length)] = frame.length >> 8;
    out[i * (2 + frame.length) + 1] = frame.length & 255;
    out.set(frame, i * (2 + frame.length) + 2);
  }
  return out;
}
