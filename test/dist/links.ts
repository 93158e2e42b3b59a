import {
  type AnswerOptions,
  answer,
  type CloseReason,
  type Connection,
  type ConnectionHandler,
  type DialOptions,
  dial,
  type HandshakeError,
  type Lane,
  ourFlags,
  type Signal,
} from "../../src/dist/index.ts";
import { atom, equals, Pid } from "../../src/term/index.ts";
import { type MemoryTransport, memoryTransport, SeededRandom, SimulatedClock } from "../../src/testing/index.ts";

export const A = { name: "a@host", creation: 11 };
export const B = { name: "b@host", creation: 22 };

export const pidOfA = new Pid(A.name, 1, 0, A.creation);
export const pidOfB = new Pid(B.name, 2, 0, B.creation);
export const ok = atom("ok");

/** One side of a connection and everything it was told. */
export class Side implements ConnectionHandler {
  connection: Connection | undefined;
  readonly signals: Signal[] = [];
  readonly ends: { reason: CloseReason; error: Error | undefined }[] = [];
  drains = 0;
  settle: () => boolean = () => true;

  /** Given as `up`. */
  readonly up = (connection: Connection): ConnectionHandler => {
    this.connection = connection;
    return this;
  };

  signal(signal: Signal): void {
    this.signals.push(signal);
  }

  drained(_lane?: Lane): void {
    this.drains++;
  }

  closed(reason: CloseReason, error?: Error): void {
    this.ends.push({ reason, error });
  }
}

export interface World {
  readonly clock: SimulatedClock;
  readonly network: MemoryTransport;
  readonly a: Side;
  readonly b: Side;
  /** What `failed` got at the acceptor. */
  readonly failures: HandshakeError[];
  readonly dialing: Promise<Connection>;
}

export interface WorldOptions {
  readonly maxChunkBytes?: number;
  readonly dial?: Partial<DialOptions>;
  readonly answer?: Partial<AnswerOptions>;
}

/** Node `a` dials node `b` over a network in memory. The caller moves the clock. */
export async function world(options: WorldOptions = {}): Promise<World> {
  const clock = new SimulatedClock();
  const { maxChunkBytes } = options;
  const network = memoryTransport({ clock, ...(maxChunkBytes !== undefined && { maxChunkBytes }) });
  const a = new Side();
  const b = new Side();
  const failures: HandshakeError[] = [];
  const listener = await network.listen({ host: "b", port: 0 }, (stream) =>
    answer(stream, {
      clock,
      random: new SeededRandom(2),
      self: B,
      flags: ourFlags(),
      decide: () => "ok",
      cookieFor: () => "secret",
      up: b.up,
      failed: (error) => failures.push(error),
      ...options.answer,
    }),
  );
  const dialing = dial(network, listener.endpoint, {
    clock,
    random: new SeededRandom(1),
    self: A,
    flags: ourFlags(),
    peer: B.name,
    cookie: "secret",
    up: a.up,
    ...options.dial,
  });
  dialing.catch(() => {});
  return { clock, network, a, b, failures, dialing };
}

/** The same, connected. */
export async function connected(options: WorldOptions = {}): Promise<World> {
  const made = await world(options);
  await made.clock.settle();
  await made.dialing;
  return made;
}

/** Signals with equal members. Many times faster than `toEqual` for large bytes. */
export function sameSignal(one: Signal, other: Signal): boolean {
  const left = Object.entries(one);
  const right = Object.entries(other);
  return (
    left.length === right.length && left.every(([key, value], i) => key === right[i]![0] && equals(value, right[i]![1]))
  );
}
