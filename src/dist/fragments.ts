import type { KnownAtom } from "../etf/index.ts";
import type { Control } from "./control-reader.ts";
import { DistributionError } from "./errors.ts";
import { PayloadBuffer } from "./payload-buffer.ts";
import type { Signal } from "./signals.ts";

/** Bounds on messages that come in fragments. They hold per connection. */
export interface FragmentLimits {
  /** Bytes of the payload of one message. */
  readonly maxMessageBytes: number;
  /** Bytes of all messages that are not complete, with their control messages. */
  readonly maxPendingBytes: number;
  /** Messages that are not complete. */
  readonly maxSequences: number;
}

/** Announced numbers of fragments above this are refused: a BEAM needs a 64th of it for the largest message accepted. */
const MAX_FRAGMENTS = 1_048_576n;

/** Room for a last part, before it is known. */
const SMALL_PART_BYTES = 1024;

/** Up to this size the room of a message is used again: the kernel takes longer to make room than to fill it. */
const MAX_SPARE_BYTES = 1_048_576;

/** A message of which the last fragment has not come. */
export interface Sequence {
  readonly control: Control;
  /** The atoms of the first fragment's header: all fragments refer to them. */
  readonly atoms: readonly KnownAtom[];
  /** Bytes of the first fragment ahead of the payload: what was read of them is kept until the end. */
  readonly headBytes: number;
  /** None: the message is refused, and its fragments are only counted. */
  payload: PayloadBuffer | undefined;
  /** Id of the fragment that is due; ids count down to 1. */
  due: bigint;
}

/**
 * Puts fragmented messages together (erl_dist_protocol, "Distribution header for fragmented messages"). Sequences may
 * interleave with each other and with whole messages; within one the ids must count down without a gap.
 */
export class FragmentAssembler {
  readonly #peer: string;
  readonly #limits: FragmentLimits;
  readonly #fits: (signal: Signal, bytes: number) => boolean;
  readonly #sequences = new Map<bigint, Sequence>();
  #pendingBytes = 0;
  /** Room of a message that came before. */
  #spare: Uint8Array | undefined;

  /** `fits` is asked with each part of a message whether one of so many bytes is taken; a no is final. */
  constructor(peer: string, limits: FragmentLimits, fits: (signal: Signal, bytes: number) => boolean) {
    this.#peer = peer;
    this.#limits = limits;
    this.#fits = fits;
  }

  /** Checks what the first fragment of a message says, before its control message is read. */
  check(sequenceId: bigint, fragmentId: bigint): void {
    if (sequenceId === 0n) throw this.#violation("its fragment has the sequence id 0");
    if (this.#sequences.has(sequenceId)) throw this.#violation(`its sequence ${sequenceId} starts twice`);
    if (fragmentId === 0n) throw this.#violation("its message has 0 fragments");
    if (fragmentId > MAX_FRAGMENTS) throw this.#tooMuch(`a message of ${fragmentId} fragments`);
    if (this.#sequences.size >= this.#limits.maxSequences) {
      throw this.#tooMuch(`more than ${this.#limits.maxSequences} messages at once in fragments`);
    }
  }

  /** Begins a message with the payload's first part. Gives it back when it is complete already. */
  begin(
    sequenceId: bigint,
    fragmentId: bigint,
    { admitted, ...head }: Pick<Sequence, "control" | "atoms" | "headBytes"> & { readonly admitted: boolean },
    part: Uint8Array,
  ): Sequence | undefined {
    const payload = admitted ? new PayloadBuffer(this.#spare) : undefined;
    if (admitted) this.#spare = undefined;
    const sequence: Sequence = { ...head, payload, due: fragmentId };
    this.#sequences.set(sequenceId, sequence);
    this.#pend(head.headBytes);
    return this.#append(sequenceId, sequence, part);
  }

  /** Adds the next part of a message, and gives the message when that was the last. */
  continue(sequenceId: bigint, fragmentId: bigint, part: Uint8Array): Sequence | undefined {
    const sequence = this.#sequences.get(sequenceId);
    if (sequence === undefined) throw this.#violation(`a fragment of the unknown sequence ${sequenceId} came`);
    if (sequence.due !== fragmentId) {
      throw this.#violation(`fragment ${fragmentId} came where ${sequence.due} was due`);
    }
    return this.#append(sequenceId, sequence, part);
  }

  /** Takes back the payload of a message that was read, if nothing refers to it. */
  reuse(payload: Uint8Array): void {
    if (payload.buffer.byteLength <= MAX_SPARE_BYTES) this.#spare = new Uint8Array(payload.buffer);
  }

  #append(sequenceId: bigint, sequence: Sequence, part: Uint8Array): Sequence | undefined {
    const { payload } = sequence;
    if (payload !== undefined) {
      if (this.#fits(sequence.control.signal, payload.length + part.length)) this.#keep(sequence, payload, part);
      else this.#refuse(sequence, payload);
    }
    sequence.due--;
    if (sequence.due > 0n) return undefined;
    this.#sequences.delete(sequenceId);
    this.#pendingBytes -= sequence.headBytes + (sequence.payload?.length ?? 0);
    return sequence;
  }

  /** Gives up what has come. Nothing more is kept; the ids are still counted, since the peer goes on to the last fragment. */
  #refuse(sequence: Sequence, payload: PayloadBuffer): void {
    this.#pendingBytes -= payload.length;
    sequence.payload = undefined;
  }

  #keep(sequence: Sequence, payload: PayloadBuffer, part: Uint8Array): void {
    const length = payload.length + part.length;
    if (length > this.#limits.maxMessageBytes) throw this.#tooMuch(`a fragmented message of more than ${length} bytes`);
    this.#pend(part.length);
    const parts = Number(sequence.due) - 1;
    // Of a message that is just too long for one frame the last part is small.
    const announced = length + (parts === 1 ? SMALL_PART_BYTES : parts * part.length);
    payload.append(part, Math.min(announced, this.#limits.maxMessageBytes));
  }

  #pend(bytes: number): void {
    this.#pendingBytes += bytes;
    if (this.#pendingBytes > this.#limits.maxPendingBytes) {
      throw this.#tooMuch(`${this.#pendingBytes} bytes in unfinished messages`);
    }
  }

  #violation(problem: string): DistributionError {
    return new DistributionError("DIST_PROTOCOL", this.#peer, problem);
  }

  #tooMuch(problem: string): DistributionError {
    return new DistributionError("DIST_LIMIT", this.#peer, `it sends ${problem}, which is over the limit`);
  }
}
