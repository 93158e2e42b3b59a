import { Socket } from "node:net";

/** What one read may bring: 256 KiB measured best. */
const READ_BUFFER_BYTES = 256 * 1024;

/** Takes what was read, before the next read overwrites it. */
export type Receive = (bytes: Uint8Array) => void;

let buffer: Uint8Array | undefined;

/**
 * Lets a socket read into the one buffer of this thread instead of one made for each read: that is faster, and idle
 * connections hold nothing.
 */
export function readingInto(receive: Receive) {
  buffer ??= new Uint8Array(READ_BUFFER_BYTES);
  return {
    buffer,
    callback: (length: number, shared: Uint8Array): boolean => {
      receive(shared.subarray(0, length));
      return true;
    },
  };
}

/** What Node.js keeps below a socket. */
interface Handle {
  reading: boolean;
  readStop(): unknown;
  useUserBuffer?(buffer: Uint8Array): void;
}

type WithHandle = { _handle?: Handle | null };

/**
 * An accepted socket as one that reads into the shared buffer, and starts to read. `onread` is for sockets that connect; for an
 * accepted one Node.js has no option, so its handle is given to a second socket, as `node:cluster` gives them to other processes.
 * Where the host has no such handle the socket stays what it is.
 */
export function adopt(accepted: Socket, receive: Receive): Socket {
  const handle = (accepted as WithHandle)._handle;
  if (typeof handle?.useUserBuffer !== "function") {
    accepted.on("data", receive);
    return accepted;
  }
  handle.readStop();
  handle.reading = false;
  (accepted as WithHandle)._handle = null;
  const socket = new Socket({ handle, allowHalfOpen: true, onread: readingInto(receive) } as object);
  socket.once("close", () => accepted.destroy()); // its server counts it until then
  return socket;
}
