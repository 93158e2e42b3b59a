import { Socket } from "node:net";

/** What one read may bring: 256 KiB measured best. */
const READ_BUFFER_BYTES = 256 * 1024;

/** Takes what was read, before the next read overwrites it. */
export type Receive = (bytes: Uint8Array) => void;

/** What Node.js keeps below a socket. */
interface Handle {
  reading: boolean;
  readStop(): unknown;
  useUserBuffer?(buffer: Uint8Array): void;
}

type WithHandle = { _handle?: Handle | null };

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
   * An accepted socket as one that reads into the buffer, and starts to read. Node.js has no option for these, so the handle is
   * given to a second socket, as `node:cluster` gives them to other processes. Where the host has no such handle the socket
   * stays what it is.
   */
  adopt(accepted: Socket, receive: Receive): Socket {
    const handle = (accepted as WithHandle)._handle;
    if (typeof handle?.useUserBuffer !== "function") return accepted.on("data", receive);
    handle.readStop();
    handle.reading = false;
    (accepted as WithHandle)._handle = null;
    const socket = new Socket({ handle, allowHalfOpen: true, onread: this.onread(receive) } as object);
    socket.once("close", () => accepted.destroy()); // its server counts it until then
    return socket;
  }
}
