import { readChallenge, readName, readStatus } from "../../src/dist/handshake-packets.ts";
import { expandDigest, type Flags, type NodeIdentity, ourFlags } from "../../src/dist/index.ts";
import { framesOf, handshakeOf, type RecordedPacket, type Recording, recordings } from "../dist/recordings.ts";

/** One side of a recorded connection between BEAMs, and who its listener was. */
export interface Conversation {
  readonly role: "initiator" | "acceptor";
  readonly speaker: NodeIdentity;
  readonly listener: NodeIdentity;
  readonly flags: Flags;
  readonly handshake: readonly Uint8Array[];
  readonly frames: readonly Uint8Array[];
}

/** Longer frames say nothing more, and are slow. */
const MAX_FRAME_BYTES = 4_096;

const SIDES = [
  ["initiator", "A->B"],
  ["acceptor", "B->A"],
] as const;

function sideOf(recording: Recording, role: Conversation["role"], dir: RecordedPacket["dir"]): Conversation {
  const name = readName(handshakeOf(recording, "A->B")[0]!)!;
  const answers = handshakeOf(recording, "B->A");
  const challenge = answers.slice(1).map(readChallenge)[0];
  const status = readStatus(answers[0]!);
  const initiator = typeof status === "object" ? status : { name: name.name, creation: name.creation };
  const acceptor = { name: challenge?.name ?? "never@known", creation: challenge?.creation ?? 1 };
  return {
    role,
    speaker: role === "initiator" ? initiator : acceptor,
    listener: role === "initiator" ? acceptor : initiator,
    flags: expandDigest(challenge?.flags ?? ourFlags()) & name.flags,
    handshake: handshakeOf(recording, dir),
    frames: framesOf(recording, dir)
      .map(({ bytes }) => bytes)
      .filter(({ length }) => length < MAX_FRAME_BYTES),
  };
}

/** Both sides of every recorded connection. */
export const conversations: readonly Conversation[] = recordings(23, 25, 27, 29).flatMap((recording) =>
  SIDES.map(([role, dir]) => sideOf(recording, role, dir)),
);

/** Those that sent something once they were connected. */
export const connectedConversations = conversations.filter(({ frames }) => frames.length > 0);

/** Every packet of every handshake. */
export const handshakePackets = conversations.flatMap(({ handshake }) => handshake);

/** Every frame that followed one. */
export const frames = conversations.flatMap(({ frames }) => frames);
