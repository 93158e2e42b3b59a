import type { ByteStream, ByteStreamHandler, Clock, Endpoint, Random, Timer, Transport } from "../base/index.ts";
import { TlsError } from "../net/index.ts";
import { Connection, type ConnectionSettings } from "./connection.ts";
import { HandshakeError } from "./errors.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";
import type { Established, HandshakeMachine, HandshakeStep } from "./handshake.ts";
import { type AcceptorOptions, HandshakeAcceptor } from "./handshake-acceptor.ts";
import { HandshakeInitiator, type InitiatorOptions } from "./handshake-initiator.ts";
import { splitNodeName } from "./node-name.ts";

/** How handshakes are carried, the same for all of a listener or dialler. */
export interface HandshakeSettings {
  /** Bytes of the length before handshake packets: 2, or 4 inside TLS. Default 2. */
  readonly lengthBytes?: 2 | 4;
  /** Time for connecting and for each step, default 7,000 ms as on the BEAM. */
  readonly stepTimeoutMs?: number;
}

/** Options of {@link dial}. */
export interface DialOptions extends HandshakeSettings, ConnectionSettings, Omit<InitiatorOptions, "random"> {
  readonly random: Random;
  /** Gives up, and closes the stream, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Options of {@link answer}. */
export interface AnswerOptions extends HandshakeSettings, ConnectionSettings, AcceptorOptions {
  /** A handshake failed, once per stream that does not become a connection. */
  readonly failed: (error: HandshakeError) => void;
}

const DEFAULT_STEP_TIMEOUT_MS = 7_000;

/**
 * What one peer may send before it has proven that it knows the cookie. A handshake takes a few hundred bytes, with names of
 * 255 characters two thousand. Text of another protocol, read as a length, is above this, so it is refused and not waited for.
 */
const MAX_UNPROVEN_BYTES = 4 * 1024;

/** What the first bytes of TLS, an alert or a hello of any version, say when they are taken for a length of two bytes. */
const TLS_LENGTHS = new Set([0x1503, 0x1603]);

/**
 * Opens a stream to a node and shakes hands. Resolves with the connection, whose handler was made before by `up`.
 *
 * Rejects with HandshakeError, with the transport's error when there is no stream or TLS broke it, or with the reason of `signal`;
 * the stream is closed then.
 */
export function dial(transport: Transport, endpoint: Endpoint, options: DialOptions): Promise<Connection> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const giveUp = new AbortController();
    const finish = (settle: () => void) => {
      signal?.removeEventListener("abort", onAbort);
      settle();
    };
    const handshake = new Handshake(options, new HandshakeInitiator(options), {
      up: (connection) => finish(() => resolve(connection)),
      failed: (error) =>
        finish(() => {
          // With TLS 1.3 the other side refuses our certificate when the stream is open already.
          reject(error.cause instanceof TlsError ? error.cause : error);
          giveUp.abort(error);
        }),
    });
    const onAbort = () => {
      handshake.drop();
      finish(() => reject(signal?.reason));
      giveUp.abort(signal?.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const serverName = splitNodeName(options.peer)?.host;
    transport.connect(endpoint, handshake, { signal: giveUp.signal, serverName }).then(
      (stream) => handshake.begin(stream),
      (error: unknown) => {
        handshake.drop();
        finish(() => reject(error));
      },
    );
  });
}

/** Shakes hands on a stream that was accepted. Gives the handler of the stream; the outcome goes to `up` or `failed`. */
export function answer(stream: ByteStream, options: AnswerOptions): ByteStreamHandler {
  const handshake = new Handshake(options, new HandshakeAcceptor(options), { up: () => {}, failed: options.failed });
  handshake.begin(stream);
  return handshake;
}

interface Outcome {
  up(connection: Connection): void;
  failed(error: HandshakeError): void;
}

/**
 * Drives a machine over a stream: length prefixes, the time of a step, the limit on bytes. When the machine is done,
 * the connection takes over between two frames, in the middle of a chunk if need be.
 */
class Handshake implements ByteStreamHandler, FrameSink {
  readonly #options: HandshakeSettings & ConnectionSettings;
  readonly #clock: Clock;
  readonly #machine: HandshakeMachine;
  readonly #outcome: Outcome;
  readonly #lengthBytes: 2 | 4;
  readonly #reader: FrameReader;
  #bytesLeft = MAX_UNPROVEN_BYTES;
  /** Not set anew for each step: one that fires early waits for the rest. */
  #timer: Timer | undefined;
  #stepSince = 0;
  #stream: ByteStream | undefined;
  #connection: Connection | undefined;
  #over = false;

  constructor(options: HandshakeSettings & ConnectionSettings, machine: HandshakeMachine, outcome: Outcome) {
    this.#options = options;
    this.#clock = options.clock;
    this.#machine = machine;
    this.#outcome = outcome;
    this.#lengthBytes = options.lengthBytes ?? 2;
    this.#reader = new FrameReader(this.#lengthBytes, MAX_UNPROVEN_BYTES);
    this.#startTimer();
  }

  /** The stream is open. */
  begin(stream: ByteStream): void {
    if (this.#over) {
      stream.close({ abort: true });
      return;
    }
    this.#stream = stream;
    this.#startTimer();
    this.#take(this.#machine.start());
  }

  /** Ends it without an outcome. */
  drop(): void {
    this.#end(true);
  }

  data(bytes: Uint8Array): void {
    if (this.#connection !== undefined) this.#connection.data(bytes);
    else if (!this.#over) this.#reader.push(bytes, this);
  }

  drained(): void {
    this.#connection?.drained();
  }

  closed(error?: Error): void {
    if (this.#connection !== undefined) this.#connection.closed(error);
    else this.#take(this.#machine.closed(error));
  }

  frame(bytes: Uint8Array, start: number, end: number): void {
    if (this.#connection !== undefined) {
      this.#connection.frame(bytes, start, end);
      return;
    }
    this.#bytesLeft -= end - start + this.#lengthBytes;
    this.#reader.expect(this.#lengthBytes, Math.max(this.#bytesLeft, 0));
    this.#startTimer();
    this.#take(this.#machine.packet(bytes.subarray(start, end)));
  }

  tooLarge(length: number, limit: number): void {
    if (this.#connection !== undefined) this.#connection.tooLarge(length, limit);
    else this.#take(this.#machine.tooLarge(this.#lengthBytes === 2 && TLS_LENGTHS.has(length)));
  }

  #take({ send, end }: HandshakeStep): void {
    if (this.#over) return;
    if (send.length > 0) this.#stream?.write(withLengths(send, this.#lengthBytes));
    if (end === undefined) return;
    if (end instanceof HandshakeError) {
      // A peer that took no notice for so long may never take what is still to be sent.
      this.#end(end.code === "HANDSHAKE_TIMEOUT");
      this.#outcome.failed(end);
    } else {
      this.#becomeConnection(end);
    }
  }

  #becomeConnection(established: Established): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#connection = new Connection({
      ...this.#options,
      stream: this.#stream!,
      established,
      reader: this.#reader,
    });
    this.#outcome.up(this.#connection);
  }

  #end(abort: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    this.#reader.stop();
    this.#stream?.close({ abort });
  }

  #startTimer(): void {
    this.#stepSince = this.#clock.now();
    if (this.#timer === undefined) this.#wait(this.#options.stepTimeoutMs ?? DEFAULT_STEP_TIMEOUT_MS);
  }

  #wait(ms: number): void {
    const since = this.#stepSince;
    this.#timer = this.#clock.setTimer(ms, () => {
      const left = this.#stepSince - since;
      if (left > 0) this.#wait(left);
      else this.#take(this.#machine.timeout());
    });
  }
}

/** The packets, each after its length: they leave in one write. */
function withLengths(packets: readonly Uint8Array[], lengthBytes: 2 | 4): Uint8Array {
  const framed = Buffer.allocUnsafe(packets.reduce((bytes, { length }) => bytes + lengthBytes + length, 0));
  let at = 0;
  for (const packet of packets) {
    at = framed.writeUIntBE(packet.length, at, lengthBytes);
    framed.set(packet, at);
    at += packet.length;
  }
  return framed;
}
