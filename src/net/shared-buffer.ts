import type { Socket } from "node:net";

/** What one read may bring: 256 KiB measured best. */
const READ_BUFFER_BYTES = 256 * 1024;

/** Takes what was read, before the next read overwrites it. */
export type Receive = (bytes: Uint8Array) => void;

/** What Node.js keeps below a socket. */
interface Handle {
  useUserBuffer?(buffer: Uint8Array): void;
}

/** A socket's members that are for Node.js alone; those of `onread` are under symbols. */
type Inside = { _handle?: Handle | null } & Record<symbol, unknown>;

/**
 * The one buffer into which all sockets of a transport read, instead of one that is made for each read: faster, and idle
 * connections hold nothing.
 */
export class SharedBuffer {
  #bytes: Uint8Array | undefined;

  /** The option for a socket that connects. */
  onread(receive: Receive) {
    this.#bytes ??= new Uint8Array(READ_BUFFER_BYTES);
    return {
      buffer: this.#bytes,
      callback: (length: number, bytes: Uint8Array): boolean => {
        receive(bytes.subarray(0, length));
        return true;
      },
    };
  }

  /**
   * Lets an accepted socket, just now given by its server, read into the buffer. Node.js has no option for these, so what the
   * option sets is set here. Where the host has none of it the socket gives its bytes as events, each in a buffer of its own.
   */
  readInto(accepted: Socket, receive: Receive): void {
    const inside = accepted as unknown as Inside;
    const symbols = Object.getOwnPropertySymbols(accepted);
    const place = symbols.find(({ description }) => description === "kBuffer");
    const callee = symbols.find(({ description }) => description === "kBufferCb");
    const handle = inside._handle;
    if (place === undefined || callee === undefined || typeof handle?.useUserBuffer !== "function") {
      accepted.on("data", receive);
      return;
    }
    const { buffer, callback } = this.onread(receive);
    handle.useUserBuffer(buffer);
    inside[place] = buffer;
    inside[callee] = callback;
  }
}
