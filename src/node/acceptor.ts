import type { ByteStream, ByteStreamHandler, Endpoint, Listener, Transport } from "../base/index.ts";
import { type AnswerOptions, answer } from "../dist/index.ts";
import type { Peers } from "./peers.ts";

/** What {@link Acceptor} needs beyond what it supplies itself. */
export type AcceptOptions = Omit<AnswerOptions, "decide" | "takeOver" | "failed" | "up"> & {
  /** A handshake that a peer began has failed. */
  readonly onFailed: (error: Error, remote: Endpoint) => void;
};

/** Handshakes that may be under way at the same time. */
const MAX_ACCEPTING = 1_000;

/** Takes streams from a listener and shakes hands on them; the connections report to {@link Peers}. */
export class Acceptor {
  readonly #peers: Peers;
  readonly #accepting = new Set<ByteStream>();

  constructor(peers: Peers) {
    this.#peers = peers;
  }

  /** Handshakes that are under way. */
  get size(): number {
    return this.#accepting.size;
  }

  /** Listens. As long as `options` gives nothing, or too many handshakes are under way, streams are closed at once. */
  listen(transport: Transport, endpoint: Endpoint, options: () => AcceptOptions | undefined): Promise<Listener> {
    return transport.listen(endpoint, (stream, remote) => {
      const accepting = this.#accepting.size < MAX_ACCEPTING ? options() : undefined;
      if (accepting !== undefined) return this.#accept(stream, remote, accepting);
      stream.close({ abort: true });
      return { data() {}, drained() {}, closed() {} };
    });
  }

  /** Gives up all handshakes that are under way. */
  drop(): void {
    for (const stream of this.#accepting) stream.close({ abort: true });
    this.#accepting.clear();
  }

  #accept(stream: ByteStream, remote: Endpoint, options: AcceptOptions): ByteStreamHandler {
    let decidedFor: string | undefined;
    this.#accepting.add(stream);
    return answer(stream, {
      ...options,
      decide: (request) => {
        const decision = this.#peers.decide(request);
        if (decision === "ok" || decision === "ok_simultaneous") decidedFor = request.name;
        return decision;
      },
      takeOver: (peer) => {
        this.#peers.takeOver(peer);
        decidedFor = peer;
      },
      up: (connection) => {
        this.#accepting.delete(stream);
        return this.#peers.up(connection);
      },
      failed: (error) => {
        this.#accepting.delete(stream);
        if (decidedFor !== undefined) this.#peers.acceptFailed(decidedFor, error);
        options.onFailed(error, remote);
      },
    });
  }
}
