import { DecodeError, type Decoder, type KnownAtom, Reader, VERSION } from "../etf/index.ts";
import type { Abilities } from "./abilities.ts";
import { IncomingAtomCache } from "./atom-cache.ts";
import { type Control, ControlReader } from "./control-reader.ts";
import { DistributionError } from "./errors.ts";
import { FragmentAssembler, type FragmentLimits } from "./fragments.ts";
import type { Signal } from "./signals.ts";

/** What follows {@link VERSION} in a body with a header. */
export const Header = { Normal: 68, FirstFragment: 69, Fragment: 70 } as const;

/** The first byte of a body without a header. A BEAM does not look at it (observed on OTP 23 to 29). */
export const PASS_THROUGH = 112;

const NOTHING = new Uint8Array(0);
const NO_ATOMS: readonly KnownAtom[] = [];

/** Decides what is taken of a peer. It sees signals before their payload is decoded: `message`, `reason` or `args` is not set. */
export interface Admission {
  /** Longest payload of a signal in bytes, all its fragments together. */
  readonly maxPayloadBytes: number;
  /** Whether a signal is taken. Asked once, when its control message is there. */
  admit(signal: Signal): boolean;
  /** A signal that was to be taken has a longer payload, and is dropped. Told as soon as that many bytes have come. */
  tooLong(signal: Signal): void;
}

export interface PacketReaderOptions {
  readonly peer: string;
  readonly abilities: Abilities;
  readonly decoder: Decoder;
  readonly limits: FragmentLimits;
  /** Without it everything is taken. */
  readonly admission?: Admission | undefined;
}

/**
 * Makes signals of the bodies of frames, in the three forms of them (erl_dist_protocol, "Protocol Between Connected
 * Nodes"): passed through, with a header, and in fragments. It keeps the state of one direction of a connection: after
 * an error that is unknown, and the connection must be closed.
 */
export class PacketReader {
  /** Bytes of the signal that was read last, those of all its fragments together. */
  bytes = 0;
  readonly #options: PacketReaderOptions;
  readonly #reader = new Reader(NOTHING);
  /** Where the body begins that is being read. */
  #start = 0;
  readonly #controls: ControlReader;
  readonly #cache: IncomingAtomCache;
  readonly #fragments: FragmentAssembler;

  constructor(options: PacketReaderOptions) {
    const { peer, decoder, limits } = options;
    this.#options = options;
    this.#controls = new ControlReader(peer, decoder);
    this.#cache = new IncomingAtomCache(peer, decoder);
    this.#fragments = new FragmentAssembler(peer, limits, (signal, bytes) => this.#fits(signal, bytes));
  }

  /**
   * Reads one body, the bytes from `start` to `end`, which is not empty. Gives the signal that it completes; nothing for a fragment that does not, and
   * for what was not admitted. Bytes after the last term that is due are ignored.
   *
   * @throws DistributionError and nothing else.
   */
  read(bytes: Uint8Array, start = 0, end = bytes.length): Signal | undefined {
    try {
      const reader = this.#reader.reset(bytes, start, end);
      this.#start = start;
      return this.#options.abilities.header ? this.#withHeader(reader) : this.#passThrough(reader);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      const problem = `it sent what is no term or over a limit (${error.message})`;
      throw new DistributionError("DIST_TERM", this.#options.peer, problem, { cause: error });
    } finally {
      // The chunk must not be held on to.
      this.#reader.reset(NOTHING);
      this.#options.decoder.references = NO_ATOMS;
    }
  }

  #passThrough(reader: Reader): Signal | undefined {
    reader.u8();
    this.#version(reader);
    const control = this.#controls.read(reader);
    if (control.payload !== undefined && !control.inside) this.#version(reader);
    return this.#whole(control, reader);
  }

  #withHeader(reader: Reader): Signal | undefined {
    this.#version(reader);
    const kind = reader.u8();
    if (kind === Header.Normal) {
      const { decoder } = this.#options;
      decoder.references = this.#cache.readHeader(reader);
      return this.#whole(this.#controls.read(reader), reader);
    }
    if (!this.#options.abilities.fragments) throw this.#violation(`it sent a body of the unknown kind ${kind}`);
    if (kind === Header.FirstFragment) return this.#firstFragment(reader);
    if (kind === Header.Fragment) return this.#nextFragment(reader);
    throw this.#violation(`it sent a body of the unknown kind ${kind}`);
  }

  #firstFragment(reader: Reader): Signal | undefined {
    const { decoder } = this.#options;
    const sequenceId = reader.u64();
    const fragmentId = reader.u64();
    this.#fragments.check(sequenceId, fragmentId);
    const atoms = this.#cache.readHeader(reader);
    decoder.references = atoms;
    const control = this.#controls.read(reader);
    if (fragmentId === 1n) return this.#whole(control, reader);
    const admitted = this.#admits(control.signal);
    const headBytes = reader.offset - this.#start;
    this.#fragments.begin(sequenceId, fragmentId, { control, atoms, headBytes, admitted }, rest(reader));
    return undefined;
  }

  #nextFragment(reader: Reader): Signal | undefined {
    const sequenceId = reader.u64();
    const sequence = this.#fragments.continue(sequenceId, reader.u64(), rest(reader));
    const payload = sequence?.payload?.take();
    if (sequence === undefined || payload === undefined) return undefined;
    this.#options.decoder.references = sequence.atoms;
    this.bytes = sequence.headBytes + payload.length;
    reader.reset(payload, 0, payload.length).givenAway = true;
    const signal = this.#complete(sequence.control, reader);
    if (!reader.isHeld) this.#fragments.reuse(payload);
    return signal;
  }

  /** A signal all of which is here, if it is taken. */
  #whole(control: Control, reader: Reader): Signal | undefined {
    const taken = this.#admits(control.signal) && this.#fits(control.signal, reader.left);
    this.bytes = reader.end - this.#start;
    return taken ? this.#complete(control, reader) : undefined;
  }

  #admits(signal: Signal): boolean {
    return this.#options.admission?.admit(signal) ?? true;
  }

  /** Whether so many bytes of payload are taken; says so when they are not. */
  #fits(signal: Signal, bytes: number): boolean {
    const { admission } = this.#options;
    if (admission === undefined || bytes <= admission.maxPayloadBytes) return true;
    admission.tooLong(signal);
    return false;
  }

  /** Reads the payload into the signal. */
  #complete({ signal, payload }: Control, reader: Reader): Signal {
    if (payload !== undefined) {
      (signal as unknown as Record<string, unknown>)[payload] = this.#options.decoder.read(reader);
    }
    return signal;
  }

  #version(reader: Reader): void {
    const version = reader.u8();
    if (version !== VERSION) throw this.#violation(`${version} came where ${VERSION} is due`);
  }

  #violation(problem: string): DistributionError {
    return new DistributionError("DIST_PROTOCOL", this.#options.peer, problem);
  }
}

function rest(reader: Reader): Uint8Array {
  return reader.bytes.subarray(reader.offset, reader.end);
}
