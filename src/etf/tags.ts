/** The tags of the external term format, by their names in erl_ext_dist. */
export const Tag = {
  NativeRecord: 67,
  NewFloat: 70,
  BitBinary: 77,
  Compressed: 80,
  AtomCacheRef: 82,
  NewPid: 88,
  NewPort: 89,
  NewerReference: 90,
  SmallInteger: 97,
  Integer: 98,
  Float: 99,
  Atom: 100,
  Reference: 101,
  Port: 102,
  Pid: 103,
  SmallTuple: 104,
  LargeTuple: 105,
  Nil: 106,
  String: 107,
  List: 108,
  Binary: 109,
  SmallBig: 110,
  LargeBig: 111,
  NewFun: 112,
  Export: 113,
  NewReference: 114,
  SmallAtom: 115,
  Map: 116,
  AtomUtf8: 118,
  SmallAtomUtf8: 119,
  V4Port: 120,
} as const;

/** The byte before every term that stands alone. */
export const VERSION = 131;

/** The BEAM's own limit, checked before any element is read. */
export const MAX_TUPLE_ARITY = 16_777_215;

/** OTP 27 crashes when it writes a fun of a higher arity, so none is read or written. */
export const MAX_EXPORT_ARITY = 255;

export const MAX_REFERENCE_WORDS = 5;
