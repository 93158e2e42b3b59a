import type { ByteStream, ByteStreamHandler, Endpoint, Listener, TiebeamError, Transport } from "../base/index.ts";
import { type AnswerOptions, answer, type ConnectDecision, type ConnectRequest } from "../dist/index.ts";
import type { Attempt, Peers } from "./peers.ts";

/** What {@link Acceptor} needs beyond what it supplies itself. */
export interface AcceptOptions {
  readonly peers: Peers;
  readonly handshake: Omit<AnswerOptions, "decide" | "takeOver" | "failed" | "up">;
  /** A handshake that a peer began has failed, be it that of the transport. */
  readonly onFailed: (error: TiebeamError, remote: Endpoint) => void;
}

/** Handshakes that may be under way at the same time. */
const MAX_ACCEPTING = 1_000;

/** Takes streams from listeners and shakes hands on them; the connections report to {@link Peers}. */
export class Acceptor {
  readonly #options: () => AcceptOptions | undefined;
  readonly #accepting = new Set<ByteStream>();
  #attempts = 0;

  /** As long as `options` gives nothing, streams are closed at once. */
  constructor(options: () => AcceptOptions | undefined) {
    this.#options = options;
  }

  /** Handshakes that are under way. */
  get size(): number {
    return this.#accepting.size;
  }

  /** Listens. When too many handshakes are under way, streams are closed at once. */
  listen(transport: Transport, endpoint: Endpoint): Promise<Listener> {
    return transport.listen(
      endpoint,
      (stream, remote) => {
        const options = this.#accepting.size < MAX_ACCEPTING ? this.#options() : undefined;
        if (options !== undefined) return this.#accept(stream, remote, options);
        stream.close({ abort: true });
        return { data() {}, drained() {}, closed() {} };
      },
      (error, remote) => this.#options()?.onFailed(error, remote),
    );
  }

  /** Gives up all handshakes that are under way. */
  drop(): void {
    for (const stream of this.#accepting) stream.close({ abort: true });
    this.#accepting.clear();
  }

  #accept(stream: ByteStream, remote: Endpoint, options: AcceptOptions): ByteStreamHandler {
    const { peers, handshake, onFailed } = options;
    const attempt: Attempt = { order: ++this.#attempts };
    let decidedFor: string | undefined;
    this.#accepting.add(stream);
    return answer(stream, {
      ...handshake,
      decide: (request) => {
        const decision = certified(stream, request) ? peers.decide(request, attempt) : "not_allowed";
        decidedFor = candidateOf(decision, request);
        return decision;
      },
      takeOver: (peer) => {
        peers.takeOver(peer, attempt);
        decidedFor = peer;
      },
      up: (connection) => {
        this.#accepting.delete(stream);
        return peers.up(connection, attempt);
      },
      failed: (error) => {
        this.#accepting.delete(stream);
        if (decidedFor !== undefined) peers.acceptFailed(decidedFor, attempt, error);
        onFailed(error, remote);
      },
    });
  }
}

/** False when the transport knows which hosts the peer may be, and the one in its name is none of them. */
function certified(stream: ByteStream, { name }: ConnectRequest): boolean {
  return stream.certifies?.(name.slice(name.indexOf("@") + 1)) ?? true;
}

/** Whom the handshake that goes on is for, if one does that {@link Peers} counts. */
function candidateOf(decision: ConnectDecision, request: ConnectRequest): string | undefined {
  if (typeof decision === "object") return decision.named.name;
  return decision === "ok" || decision === "ok_simultaneous" ? request.name : undefined;
}
