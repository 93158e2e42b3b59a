import type { Pid, Ref } from "../term/index.ts";

// Comparing costs a tenth of making the two keys, and is done for every call.

/** True when both are the same process. */
export function samePid(a: Pid, b: Pid): boolean {
  return a === b || (a.id === b.id && a.serial === b.serial && a.creation === b.creation && a.node === b.node);
}

/** True when both are the same reference. Words of zero at its end do not count, see {@link Ref.key}. */
export function sameRef(a: Ref, b: Ref): boolean {
  if (a === b) return true;
  if (a.creation !== b.creation || a.node !== b.node) return false;
  for (let i = Math.max(a.words.length, b.words.length) - 1; i >= 0; i--) {
    if ((a.words[i] ?? 0) !== (b.words[i] ?? 0)) return false;
  }
  return true;
}
