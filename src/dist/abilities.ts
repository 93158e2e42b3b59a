import type { PeerAbilities } from "../etf/index.ts";
import { Flag, type Flags } from "./flags.ts";

/** What the common flags of a connection allow, looked up once: which of two forms of a signal is sent, and how packets are framed. */
export interface Abilities extends PeerAbilities {
  /** Bodies start with a distribution header. */
  readonly header: boolean;
  /** Headers may refer to atoms sent before. */
  readonly atomCache: boolean;
  /** A message may come in several packets. */
  readonly fragments: boolean;
  readonly sendSender: boolean;
  readonly exitPayload: boolean;
  readonly unlinkId: boolean;
  /** False: neither side sends monitors, and only the loss of the connection ends one. */
  readonly monitors: boolean;
  readonly alias: boolean;
  readonly altactSig: boolean;
  readonly spawn: boolean;
  /** The link is visible: both sides announced PUBLISHED. */
  readonly visible: boolean;
}

/** Reads the common flags. */
export function abilitiesOf(flags: Flags): Abilities {
  const has = (bits: Flags) => (flags & bits) === bits;
  return {
    header: (flags & (Flag.DistHdrAtomCache | Flag.Fragments)) !== 0n,
    atomCache: has(Flag.DistHdrAtomCache),
    fragments: has(Flag.Fragments),
    sendSender: has(Flag.SendSender),
    exitPayload: has(Flag.ExitPayload),
    unlinkId: has(Flag.UnlinkId),
    // With only one of the two a BEAM sends no monitors at all (observed on OTP 29).
    monitors: has(Flag.DistMonitor | Flag.DistMonitorName),
    alias: has(Flag.Alias),
    altactSig: has(Flag.AltactSig),
    spawn: has(Flag.Spawn),
    visible: has(Flag.Published),
    wideIds: has(Flag.V4Nc),
    nativeRecords: has(Flag.NativeRecords),
  };
}
