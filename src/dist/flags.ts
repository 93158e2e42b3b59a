/** Capability flags of one side, or what two sides have in common: the bits of {@link Flag}. */
export type Flags = bigint;

/**
 * The capability flags by their names in erl_dist_protocol, "Distribution Flags". Bits that are obsolete or internal to
 * the BEAM are left out; unknown bits of a peer are ignored.
 */
export const Flag = {
  Published: 1n << 0n,
  ExtendedReferences: 1n << 2n,
  DistMonitor: 1n << 3n,
  FunTags: 1n << 4n,
  DistMonitorName: 1n << 5n,
  NewFunTags: 1n << 7n,
  ExtendedPidsPorts: 1n << 8n,
  ExportPtrTag: 1n << 9n,
  BitBinaries: 1n << 10n,
  NewFloats: 1n << 11n,
  UnicodeIo: 1n << 12n,
  DistHdrAtomCache: 1n << 13n,
  SmallAtomTags: 1n << 14n,
  Utf8Atoms: 1n << 16n,
  MapTag: 1n << 17n,
  BigCreation: 1n << 18n,
  SendSender: 1n << 19n,
  BigSeqtraceLabels: 1n << 20n,
  ExitPayload: 1n << 22n,
  Fragments: 1n << 23n,
  Handshake23: 1n << 24n,
  UnlinkId: 1n << 25n,
  /** Stands for {@link MANDATORY_25}. The published bit number (36) is wrong: every release sends 26. */
  Mandatory25Digest: 1n << 26n,
  Spawn: 1n << 32n,
  /** Not a capability: asks for a dynamic node name. */
  NameMe: 1n << 33n,
  V4Nc: 1n << 34n,
  Alias: 1n << 35n,
  AltactSig: 1n << 37n,
  NativeRecords: 1n << 38n,
} as const satisfies Record<string, Flags>;

/** What OTP 25 requires of a peer, and what the digest flag stands for. */
export const MANDATORY_25: Flags =
  Flag.ExtendedReferences |
  Flag.FunTags |
  Flag.NewFunTags |
  Flag.ExtendedPidsPorts |
  Flag.ExportPtrTag |
  Flag.BitBinaries |
  Flag.NewFloats |
  Flag.Utf8Atoms |
  Flag.MapTag |
  Flag.BigCreation |
  Flag.Handshake23;

/** What OTP 26 requires in addition. Not required of our peers: OTP 23 and 24 do without. */
export const MANDATORY_26: Flags = Flag.V4Nc | Flag.UnlinkId;

/** What a peer must be capable of. OTP 23 is, C nodes since OTP 23 are. */
export const REQUIRED_OF_PEERS: Flags = MANDATORY_25;

/** What every node of ours announces: all that OTP 23 to 29 require, and all whose traffic is served. */
const SERVED: Flags =
  MANDATORY_25 |
  MANDATORY_26 |
  Flag.DistMonitor |
  Flag.DistMonitorName |
  Flag.UnicodeIo |
  Flag.SmallAtomTags |
  Flag.SendSender |
  Flag.BigSeqtraceLabels |
  Flag.ExitPayload |
  Flag.Fragments |
  Flag.DistHdrAtomCache |
  Flag.Mandatory25Digest |
  Flag.Spawn |
  Flag.Alias |
  Flag.AltactSig |
  Flag.NativeRecords;

/** Options of {@link ourFlags}. */
export interface FlagOptions {
  /** Announces PUBLISHED. Default false: a hidden node. */
  readonly visible?: boolean;
  /** Asks for a dynamic node name, which makes the link hidden. Default false. */
  readonly dynamicName?: boolean;
  /** Bits to leave out, for tests against old behaviour. */
  readonly without?: Flags;
}

/** The flags to announce in a handshake. */
export function ourFlags(options: FlagOptions = {}): Flags {
  let flags: Flags = SERVED;
  if (options.dynamicName) flags |= Flag.NameMe;
  else if (options.visible) flags |= Flag.Published;
  return flags & ~(options.without ?? 0n);
}

/** A peer's flags with the digest flag replaced by what it stands for, as must be done before any check. */
export function expandDigest(flags: Flags): Flags {
  return flags & Flag.Mandatory25Digest ? flags | MANDATORY_25 : flags;
}

/** Names of the flags that are set, for messages: `["V4Nc", "UnlinkId"]`. */
export function flagNames(flags: Flags): string[] {
  return Object.entries(Flag)
    .filter(([, bit]) => flags & bit)
    .map(([name]) => name);
}
