import type { Transport } from "../../src/base/index.ts";
import {
  answer,
  type Connection,
  type ConnectionHandler,
  dial,
  HandshakeAcceptor,
  HandshakeError,
  HandshakeInitiator,
  type HandshakeMachine,
  ourFlags,
} from "../../src/dist/index.ts";
import { SimulatedClock } from "../../src/testing/index.ts";
import { type Conversation, conversations, handshakePackets } from "./conversations.ts";
import { FakeStream, must } from "./fake-stream.ts";
import { framed, joined, type Mutator } from "./mutator.ts";

const COOKIE = "the cookie that no recording was made with";
const DECISIONS = ["ok", "ok_simultaneous", "nok", "not_allowed", "alive", "close"] as const;
const NOBODY: ConnectionHandler = { signal() {}, drained() {}, closed() {} };

function optionsFor(mutator: Mutator, { listener, speaker }: Conversation) {
  const named = { name: "given@host", creation: 7 };
  return {
    acceptor: {
      self: listener,
      flags: ourFlags(),
      random: mutator,
      decide: () => (mutator.once(8) ? { named } : mutator.pick(DECISIONS)),
      cookieFor: () => COOKIE,
    },
    initiator: {
      self: listener,
      flags: ourFlags(),
      random: mutator,
      peer: speaker.name,
      cookie: COOKIE,
      replaceLive: () => mutator.once(2),
    },
  };
}

/** Replays a spoilt handshake to a machine: it ends, if it ends, with a named error, and says nothing afterwards. */
export function fuzzHandshakeMachine(mutator: Mutator): void {
  const conversation = mutator.pick(conversations);
  const { acceptor, initiator } = optionsFor(mutator, conversation);
  const machine: HandshakeMachine =
    conversation.role === "initiator" ? new HandshakeAcceptor(acceptor) : new HandshakeInitiator(initiator);
  let ended = false;
  const check = ({ send, end }: ReturnType<HandshakeMachine["start"]>) => {
    must(!ended || (send.length === 0 && end === undefined), "something came after the end");
    if (end === undefined) return;
    must(end instanceof HandshakeError, "a handshake without the cookie succeeded");
    ended = true;
  };
  check(machine.start());
  for (const packet of mutator.mutateAll(conversation.handshake, handshakePackets)) check(machine.packet(packet));
  check(mutator.once(2) ? machine.timeout() : machine.closed());
  must(ended, "a handshake had no end");
}

/** The same through the driver, in any pieces: the stream is closed once, in bounded time, and nothing is left. */
export async function fuzzHandshakeStream(mutator: Mutator): Promise<void> {
  const conversation = mutator.pick(conversations);
  const { acceptor, initiator } = optionsFor(mutator, conversation);
  const clock = new SimulatedClock();
  const stream = new FakeStream();
  const ends: unknown[] = [];
  const up = (connection: Connection) => {
    must(false, `a handshake without the cookie of ${connection.peer.name} succeeded`);
    return NOBODY;
  };
  let handler = undefined as Parameters<Transport["connect"]>[1] | undefined;
  if (conversation.role === "initiator") {
    handler = answer(stream, { ...acceptor, clock, up, failed: (error) => ends.push(error) });
  } else {
    const transport: Transport = {
      connect: async (_, given) => {
        handler = given;
        return stream;
      },
      listen: () => Promise.reject(new Error("nobody listens")),
    };
    dial(transport, { host: "b", port: 1 }, { ...initiator, clock, up }).catch((error) => ends.push(error));
    await Promise.resolve();
    await Promise.resolve();
  }
  const packets = mutator.mutateAll(conversation.handshake, handshakePackets);
  const bytes = mutator.mutate(joined(...packets.map((packet) => framed(packet, 2))));
  for (const piece of mutator.split(bytes)) handler!.data(piece);
  if (mutator.once(2)) handler!.closed();
  clock.elapse(60_000);
  await new Promise<void>((resolve) => queueMicrotask(resolve));
  must(ends.length === 1 && ends[0] instanceof HandshakeError, `it ended ${ends.length} times: ${ends}`);
  must(stream.closes === 1 && clock.pendingTimers === 0, "something of it is left");
}
