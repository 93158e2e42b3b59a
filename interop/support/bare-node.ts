import { type ByteStream, systemClock, systemRandom, type Transport } from "../../src/base/index.ts";
import { type Connection, type DialOptions, dial, type Flags, ourFlags, type Signal } from "../../src/dist/index.ts";
import { EpmdClient } from "../../src/epmd/index.ts";
import { encode } from "../../src/etf/index.ts";
import { Pid, Ref, type Tuple } from "../../src/index.ts";
import { type Beam, uniqueName } from "../harness/index.ts";

export interface BareNodeOptions {
  /** What carries it, such as a tap. */
  readonly transport: Transport;
  /** Flags that it does not announce. */
  readonly without?: Flags;
  /** What else is other than usual in its handshake. */
  readonly handshake?: Partial<DialOptions>;
}

/**
 * A connection of ours to a node with no runtime behind it: what is said on it is up to the test, also in forms that no
 * node of ours uses. The BEAM takes every pid of its name for a process.
 */
export class BareNode implements Disposable {
  /** What the BEAM said, oldest first. */
  readonly signals: Signal[] = [];
  #connection!: Connection;
  #stream!: ByteStream;
  #refs = 0;

  static async dial(to: Pick<Beam, "name" | "cookie" | "epmdPort">, options: BareNodeOptions): Promise<BareNode> {
    const bare = new BareNode();
    const [shortName] = to.name.split("@");
    const { port } = (await new EpmdClient({ port: to.epmdPort }).lookup(shortName!))!;
    const { transport } = options;
    const kept: Transport = {
      connect: async (...how) => {
        bare.#stream = await transport.connect(...how);
        return bare.#stream;
      },
      listen: (...how) => transport.listen(...how),
    };
    bare.#connection = await dial(
      kept,
      { host: "127.0.0.1", port },
      {
        self: { name: `${uniqueName("bare")}@127.0.0.1`, creation: 4 },
        peer: to.name,
        cookie: to.cookie,
        flags: ourFlags({ without: options.without ?? 0n }),
        random: systemRandom,
        clock: systemClock,
        up: () => ({ signal: (signal) => bare.signals.push(signal), drained() {}, closed() {} }),
        ...options.handshake,
      },
    );
    return bare;
  }

  /** The flags in common. */
  get flags(): Flags {
    return this.#connection.flags;
  }

  get open(): boolean {
    return this.#connection.open;
  }

  /** A process of its own. */
  pid(id = 1): Pid {
    const { name, creation } = this.#connection.self;
    return new Pid(name, id, 0, creation);
  }

  /** A reference that it has not made before. */
  ref(): Ref {
    const { name, creation } = this.#connection.self;
    return new Ref(name, creation, [++this.#refs, 0, 0]);
  }

  /** Sends a signal in the form that the flags ask for. */
  send(signal: Signal): void {
    this.#connection.transmit(signal);
    this.#connection.flush();
  }

  /** Sends a control message as it is given. */
  sendControl(control: Tuple, payload?: unknown): void {
    const { header } = this.#connection.abilities;
    // Without a distribution header each term has its version in front; with one, neither has.
    const terms = [control, ...(payload === undefined ? [] : [payload])].map((term) => encode(term));
    const parts = header ? [Buffer.from([131, 68, 0]), ...terms.map((term) => term.subarray(1))] : [Buffer.from([112]), ...terms]; // biome-ignore format: one line
    const body = Buffer.concat(parts);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    this.#stream.write(Buffer.concat([length, body]));
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}
