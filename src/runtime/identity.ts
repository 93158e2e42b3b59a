import type { Random } from "../base/index.ts";
import { Pid, Ref } from "../term/index.ts";

/** Ids of pids take 15 bits, then the serial 13, before anything wider: the most that OTP 23 accepts. */
const PID_IDS = 2 ** 15;

/** The first word of a reference of ours has 18 bits, as every release requires. */
const REF_FIRST_WORDS = 2 ** 18;

/**
 * Who this node is in the identifiers that it makes. Pids and references of ours are numbered, so that finding what
 * one stands for is a look-up by number: their *index*.
 */
export class Identity {
  readonly node: string;
  readonly creation: number;
  /** Where this node has its chances from. */
  readonly random: Random;
  readonly #refTail: number;
  #pids = 0;
  #refs = 0;

  constructor(node: string, creation: number, random: Random) {
    this.node = node;
    this.creation = creation;
    this.random = random;
    this.#refTail = random.u32();
  }

  newPid(): Pid {
    const index = ++this.#pids;
    return new Pid(this.node, index % PID_IDS, Math.floor(index / PID_IDS), this.creation);
  }

  newRef(): Ref {
    const index = ++this.#refs;
    return new Ref(this.node, this.creation, [
      index % REF_FIRST_WORDS,
      Math.floor(index / REF_FIRST_WORDS) >>> 0,
      this.#refTail,
    ]);
  }

  /** The number of a pid of ours, -1 for others and for those of an earlier life of this node's name. */
  pidIndex(pid: Pid): number {
    if (pid.creation !== this.creation || pid.node !== this.node || pid.id >= PID_IDS) return -1;
    return pid.serial * PID_IDS + pid.id;
  }

  /** The number of a reference of ours, -1 for others. */
  refIndex(ref: Ref): number {
    const { words } = ref;
    if (ref.creation !== this.creation || ref.node !== this.node) return -1;
    if (words.length < 3 || words[2] !== this.#refTail) return -1;
    return words[1]! * REF_FIRST_WORDS + words[0]!;
  }
}
