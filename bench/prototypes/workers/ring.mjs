// Batches of bytes between two threads through shared memory, one writer and one reader. `wait` does not block its thread.
const HEAD = 8;

export class Ring {
  constructor(shared = new SharedArrayBuffer(HEAD + (1 << 20))) {
    this.shared = shared;
    this.counts = new Int32Array(shared, 0, 2); // bytes written, bytes read, both modulo 2^32
    this.bytes = new Uint8Array(shared, HEAD);
  }

  /** Writes a batch; false when there is no room for it. */
  put(batch) {
    const written = this.counts[0];
    const room = this.bytes.length - ((written - Atomics.load(this.counts, 1)) >>> 0);
    if (room < 4 + batch.length) return false;
    const at = (written >>> 0) % this.bytes.length;
    const length = new Uint8Array(new Uint32Array([batch.length]).buffer);
    this.#copyIn(length, at);
    this.#copyIn(batch, (at + 4) % this.bytes.length);
    Atomics.store(this.counts, 0, (written + 4 + batch.length) | 0);
    Atomics.notify(this.counts, 0);
    return true;
  }

  /** The oldest batch, undefined when there is none. */
  take() {
    const read = this.counts[1];
    if (Atomics.load(this.counts, 0) === read) return undefined;
    const at = (read >>> 0) % this.bytes.length;
    const [length] = new Uint32Array(this.#copyOut(at, 4).buffer);
    const batch = this.#copyOut((at + 4) % this.bytes.length, length);
    Atomics.store(this.counts, 1, (read + 4 + length) | 0);
    return batch;
  }

  /** Settles once there is a batch. */
  async wait() {
    const read = this.counts[1];
    while (Atomics.load(this.counts, 0) === read) await Atomics.waitAsync(this.counts, 0, read).value;
  }

  #copyIn(bytes, at) {
    const first = Math.min(bytes.length, this.bytes.length - at);
    this.bytes.set(bytes.subarray(0, first), at);
    this.bytes.set(bytes.subarray(first), 0);
  }

  #copyOut(at, length) {
    const out = new Uint8Array(length);
    const first = Math.min(length, this.bytes.length - at);
    out.set(this.bytes.subarray(at, at + first));
    out.set(this.bytes.subarray(0, length - first), first);
    return out;
  }
}
