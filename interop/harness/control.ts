import { randomBytes, timingSafeEqual } from "node:crypto";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";

type Mode = "json" | "etf" | "inspect";
interface Pending {
  resolve(result: Buffer): void;
  reject(error: Error): void;
}

/** Code that a peer could not evaluate; the message is the BEAM's own text. */
export class PeerError extends Error {
  override readonly name = "PeerError";
}

/**
 * The harness's end of the channel described in `interop/peer/control.ex`: a plain socket that shares no code with
 * what is under test.
 */
export class Control {
  readonly #server: Server;
  readonly #key = randomBytes(16).toString("hex");
  readonly #pending = new Map<number, Pending>();
  readonly #connected: Promise<void>;
  #setConnected: () => void = () => {};
  #socket: Socket | undefined;
  #received: Buffer = Buffer.alloc(0);
  #nextId = 1;
  #closed: Error | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.#connected = new Promise((resolve) => {
      this.#setConnected = resolve;
    });
    server.on("connection", (socket) => this.#accept(socket));
  }

  /** Listens on a free port, of loopback unless the peer has a network of its own. */
  static async listen(address = "127.0.0.1"): Promise<Control> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    return new Control(server);
  }

  /** What the peer needs in its environment to find this channel. */
  get env(): Record<string, string> {
    const { address, port } = this.#server.address() as AddressInfo;
    return {
      TIEBEAM_CONTROL_ADDRESS: address,
      TIEBEAM_CONTROL_PORT: String(port),
      TIEBEAM_CONTROL_KEY: this.#key,
    };
  }

  /** Resolves once the peer is connected. */
  connected(): Promise<void> {
    return this.#connected;
  }

  /** Has the peer evaluate `code`, with `input` as a binary in the variable of that name. */
  async request(mode: Mode, code: string, input: string | Uint8Array = "", timeoutMs = 30_000): Promise<Buffer> {
    if (this.#closed) throw this.#closed;
    const id = this.#nextId++;
    const head = Buffer.alloc(13);
    const source = Buffer.from(code);
    const data = Buffer.from(input);
    head.writeUInt32BE(9 + source.length + data.length, 0);
    head.writeUInt32BE(id, 4);
    head.write(mode[0]!, 8);
    head.writeUInt32BE(source.length, 9);
    this.#socket!.write(Buffer.concat([head, source, data]));

    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Buffer>((resolve, reject) => {
        this.#pending.set(id, { resolve, reject });
        timer = setTimeout(() => reject(new PeerError(`no answer within ${timeoutMs} ms to: ${code}`)), timeoutMs);
      });
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  /** Ends the channel; what is still waiting is rejected. The peer halts when it notices. */
  close(reason = "the control channel is closed"): void {
    if (this.#closed) return;
    this.#closed = new PeerError(reason);
    this.#server.close();
    this.#socket?.destroy();
    for (const { reject } of this.#pending.values()) reject(this.#closed);
  }

  #accept(socket: Socket): void {
    let authenticated = false;
    socket.setNoDelay(true);
    socket.on("error", () => {}); // "close" follows
    socket.on("data", (data) => {
      this.#received = Buffer.concat([this.#received, data]);
      for (let frame = this.#takeFrame(); frame; frame = this.#takeFrame()) {
        if (authenticated) {
          this.#answered(frame);
        } else if (sameKey(frame, this.#key)) {
          authenticated = true;
          this.#socket = socket;
          this.#setConnected();
        } else {
          socket.destroy();
        }
      }
    });
    socket.on("close", () => {
      if (authenticated) this.close("the peer is gone");
    });
  }

  #takeFrame(): Buffer | undefined {
    if (this.#received.length < 4) return undefined;
    const end = 4 + this.#received.readUInt32BE(0);
    if (this.#received.length < end) return undefined;
    const frame = this.#received.subarray(4, end);
    this.#received = this.#received.subarray(end);
    return frame;
  }

  #answered(frame: Buffer): void {
    const pending = this.#pending.get(frame.readUInt32BE(0));
    const result = frame.subarray(5);
    if (frame[4] === 0) pending?.resolve(Buffer.from(result));
    else pending?.reject(new PeerError(result.toString()));
  }
}

function sameKey(given: Buffer, key: string): boolean {
  return given.length === key.length && timingSafeEqual(given, Buffer.from(key));
}
