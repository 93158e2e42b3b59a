import type { ByteStream, Endpoint } from "../../src/base/index.ts";
import { type Epmd, EpmdClient, type StartEpmdOptions, startEpmd } from "../../src/epmd/index.ts";
import { type MemoryTransport, memoryTransport, SimulatedClock } from "../../src/testing/index.ts";

/** A machine in a simulated network, on which an epmd can run. */
export class World {
  readonly clock = new SimulatedClock();
  readonly transport: MemoryTransport;
  readonly port = 4_369;

  constructor(maxChunkBytes?: number) {
    this.transport = memoryTransport({ clock: this.clock, ...(maxChunkBytes === undefined ? {} : { maxChunkBytes }) });
  }

  /** Lets the network work until a promise is settled, without time passing. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => {});
    await this.clock.settle();
    return promise;
  }

  startEpmd(options: StartEpmdOptions = {}): Promise<Epmd> {
    const { transport, clock, port } = this;
    return this.settled(startEpmd({ port, addresses: ["127.0.0.1"], transport, clock, ...options }));
  }

  client(host = "127.0.0.1"): EpmdClient {
    return new EpmdClient({ port: this.port, transport: this.transport.from(host), clock: this.clock });
  }

  /** A bare connection to the epmd. */
  async raw(host = "127.0.0.1", to: Endpoint = { host: "127.0.0.1", port: this.port }): Promise<Raw> {
    const raw = new Raw();
    const handler = {
      data: (bytes: Uint8Array) => void raw.chunks.push(bytes.slice()),
      drained: () => {},
      closed: () => {
        raw.closed = true;
      },
    };
    raw.stream = await this.settled(this.transport.from(host).connect(to, handler));
    return raw;
  }

  /** A server that does with each stream what it is told. Gives the number of streams it has had. */
  async fakeEpmd(onData: (stream: ByteStream, bytes: Uint8Array) => void): Promise<{ streams: ByteStream[] }> {
    const streams: ByteStream[] = [];
    await this.transport.listen({ host: "127.0.0.1", port: this.port }, (stream) => {
      streams.push(stream);
      return { data: (bytes) => onData(stream, bytes), drained: () => {}, closed: () => {} };
    });
    return { streams };
  }
}

export class Raw {
  stream!: ByteStream;
  closed = false;
  readonly chunks: Uint8Array[] = [];

  get hex(): string {
    return Buffer.concat(this.chunks).toString("hex");
  }

  send(hex: string): void {
    this.stream.write(new Uint8Array(Buffer.from(hex, "hex")));
  }
}

/** ALIVE2 of the node h1n1 at port 1234, as in the vectors. */
export const REGISTER_H1N1 = "00117804d24d0000060005000468316e310000";
