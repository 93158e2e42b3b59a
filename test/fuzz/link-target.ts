import { FrameReader } from "../../src/dist/frame-reader.ts";
import { Connection, type ConnectionHandler, DistributionError, type Flags, ourFlags } from "../../src/dist/index.ts";
import { SimulatedClock } from "../../src/testing/index.ts";
import { World } from "../support/world.ts";
import { connectedConversations, frames as recordedFrames } from "./conversations.ts";
import { FakeStream, must } from "./fake-stream.ts";
import { framed, joined, type Mutator } from "./mutator.ts";

const LIMITS = { maxFrameBytes: 64 * 1024, maxPendingBytes: 256 * 1024, maxSequences: 20 };
const DIST_CODES = /^DIST_(PROTOCOL|IDENTITY|LIMIT|TERM)$/;

/** The processes that signals of the fuzzer reach. */
let world = new World();
let cases = 0;

/** Feeds bytes to an established connection. Whatever they are, it lives on or is closed by a named error, once. */
function feed(mutator: Mutator, peer: string, flags: Flags, bytes: Uint8Array): void {
  if (++cases % 1_000 === 0) world = new World();
  const clock = new SimulatedClock();
  const stream = new FakeStream();
  const ends: Parameters<ConnectionHandler["closed"]>[] = [];
  const handler: ConnectionHandler = {
    signal(signal) {
      must(ends.length === 0, "a signal came after the end");
      world.runtime.accept(signal);
    },
    drained() {},
    closed: (...end) => void ends.push(end),
  };
  const self = { name: world.runtime.identity.node, creation: world.runtime.identity.creation };
  const established = { peer: { name: peer, creation: 1 }, self, flags };
  const connection = new Connection({ clock, stream, established, limits: LIMITS, up: () => handler });
  for (const piece of mutator.split(bytes)) connection.data(piece);
  clock.flush();
  if (ends.length > 0) {
    const [reason, error] = ends[0]!;
    must(reason === "protocol_error" && error instanceof DistributionError && DIST_CODES.test(error.code), `${error}`);
    must(!connection.open, "a connection is open after its end");
  } else {
    clock.elapse(200_000);
  }
  connection.closed();
  must(ends.length === 1 && stream.closes === 1 && clock.pendingTimers === 0, "something of it is left");
  world.sent.length = 0;
}

/** Spoilt frames of real connections. */
export function fuzzFrames(mutator: Mutator): void {
  const { speaker, flags, frames } = mutator.pick(connectedConversations);
  const start = mutator.below(frames.length);
  const some = frames.slice(mutator.once(2) ? 0 : start, start + 1 + mutator.below(6));
  const spoilt = mutator.mutateAll(some, recordedFrames);
  let bytes = joined(...spoilt.map((frame) => framed(frame, 4)));
  if (mutator.once(4)) bytes = joined(mutator.mutate(bytes));
  feed(mutator, speaker.name, flags, bytes);
}

/** What bodies of every kind begin with. */
const STARTS = [[131, 68, 0], [131, 69], [131, 70], [112, 131], [131, 68], []];

/** Random bytes after a good handshake, as they are or as bodies of frames. */
export function fuzzRandomBytes(mutator: Mutator): void {
  const flags = mutator.once(3) ? mutator.pick(connectedConversations).flags : ourFlags();
  if (mutator.once(3)) return feed(mutator, "peer@host", flags, mutator.bytes(mutator.below(200)));
  const bodies: Uint8Array[] = [];
  for (let i = mutator.below(4); i >= 0; i--) {
    bodies.push(framed(joined(Uint8Array.from(mutator.pick(STARTS)), mutator.bytes(mutator.below(60))), 4));
  }
  feed(mutator, "peer@host", flags, joined(...bodies));
}

/** However a stream is split, its frames are the same. */
export function fuzzFrameReader(mutator: Mutator): void {
  const lengthBytes = mutator.pick([2, 4] as const);
  const parts: Uint8Array[] = [];
  for (let i = mutator.below(8); i >= 0; i--) parts.push(framed(mutator.bytes(mutator.below(40)), lengthBytes));
  const bytes = mutator.mutate(joined(...parts));
  must(framesOf(bytes, lengthBytes, [bytes]) === framesOf(bytes, lengthBytes, mutator.split(bytes)), "frames differ");
}

function framesOf(bytes: Uint8Array, lengthBytes: 2 | 4, pieces: readonly Uint8Array[]): string {
  const seen: string[] = [];
  const reader = new FrameReader(lengthBytes, bytes.length);
  const sink = {
    frame: (frame: Uint8Array, start: number, end: number) =>
      void seen.push(Buffer.from(frame.subarray(start, end)).toString("hex")),
    tooLarge: (length: number) => void seen.push(`too large: ${length}`),
  };
  for (const piece of pieces) reader.push(piece, sink);
  return seen.join();
}
