import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A peer that speaks the distribution protocol by hand, so that it can also say what no node says. */
export class RawPeer {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  #received: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = once(socket, "close");
    socket.on("error", () => {}); // "close" follows
    socket.on("data", (data) => {
      this.#received = Buffer.concat([this.#received, data]);
    });
  }

  static async dial(port: number): Promise<RawPeer> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    return new RawPeer(socket);
  }

  /** Sends bytes as they are. */
  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** Sends a packet of the handshake. */
  send(packet: Buffer): void {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(packet.length);
    this.socket.write(Buffer.concat([length, packet]));
  }

  /** The next packet of the handshake; rejects when the stream ends before it. */
  async packet(): Promise<Buffer> {
    const end = () => 2 + this.#received.readUInt16BE(0);
    while (this.#received.length < 2 || this.#received.length < end()) {
      const ended = await Promise.race([once(this.socket, "data"), this.closed.then(() => "closed")]);
      if (ended === "closed" && (this.#received.length < 2 || this.#received.length < end())) {
        throw new Error("the stream was closed");
      }
    }
    const packet = this.#received.subarray(2, end());
    this.#received = this.#received.subarray(end());
    return packet;
  }

  sendName(name: string, flags: bigint): void {
    const head = Buffer.alloc(15);
    head.write("N");
    head.writeBigUInt64BE(flags, 1);
    head.writeUInt32BE(7, 9);
    head.writeUInt16BE(name.length, 13);
    this.send(Buffer.concat([head, Buffer.from(name)]));
  }

  sendChallenge(name: string, flags: bigint): void {
    const head = Buffer.alloc(19);
    head.write("N");
    head.writeBigUInt64BE(flags, 1);
    head.writeUInt32BE(1, 9);
    head.writeUInt32BE(7, 13);
    head.writeUInt16BE(name.length, 17);
    this.send(Buffer.concat([head, Buffer.from(name)]));
  }

  /** The whole handshake of the side that dialled. */
  async shakeHandsAsDialler(name: string, flags: bigint, cookie: string): Promise<void> {
    this.sendName(name, flags);
    await this.packet(); // status
    const challenge = await this.packet();
    this.sendReply(challenge.readUInt32BE(9), cookie);
    await this.packet(); // ack
  }

  /** The whole handshake of the side that was dialled. */
  async shakeHandsAsDialled(name: string, flags: bigint, cookie: string): Promise<void> {
    await this.packet(); // name
    this.send(Buffer.from("sok"));
    this.sendChallenge(name, flags);
    const reply = await this.packet();
    this.send(Buffer.concat([Buffer.from("a"), digest(cookie, reply.readUInt32BE(1))]));
  }

  sendReply(challenge: number, cookie: string): void {
    const head = Buffer.alloc(5);
    head.write("r");
    head.writeUInt32BE(2, 1);
    this.send(Buffer.concat([head, digest(cookie, challenge)]));
  }
}

/** A place where raw peers are dialled; each stream is handed to `act`. */
export async function listenRaw(act: (peer: RawPeer) => unknown): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    // A peer that is cut off in the middle of its part has nothing more to say.
    Promise.resolve(act(new RawPeer(socket))).catch(() => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function digest(cookie: string, challenge: number): Buffer {
  return createHash("md5").update(`${cookie}${challenge}`).digest();
}
