import type { ByteStream, Transport } from "../../src/base/index.ts";
import { type Connection, dial, ourFlags } from "../../src/dist/index.ts";
import { GenServer, reply } from "../../src/otp/index.ts";
import type { Term } from "../../src/term/index.ts";
import { Cluster } from "../support/cluster.ts";
import { connectedConversations, conversations, frames, handshakePackets } from "./conversations.ts";
import { must } from "./fake-stream.ts";
import { framed, joined, Mutator } from "./mutator.ts";

const ATTACKS_PER_BATCH = 50;
const SETUP_MS = 1_000;

class Echo extends GenServer {
  override handleCall(request: Term) {
    return reply(request);
  }
}

/** What an attacker sends before it has shown that it knows the cookie. */
function garbledHandshake(mutator: Mutator): Uint8Array {
  const packets = mutator.mutateAll(mutator.pick(conversations).handshake, handshakePackets);
  return mutator.mutate(joined(...packets.map((packet) => framed(packet, 2))));
}

/** What it sends when it knows it. */
function garbledFrames(mutator: Mutator): Uint8Array {
  if (mutator.once(3)) return mutator.bytes(mutator.below(300));
  const some = mutator.mutateAll(mutator.pick(connectedConversations).frames.slice(0, 20), frames);
  return joined(...some.map((frame) => framed(frame, 4)));
}

/**
 * Attacks a node that is serving another one, `cases` times: the attackers' connections end, and nothing else does.
 */
export async function fuzzNode(seed: number, cases: number): Promise<void> {
  const mutator = new Mutator(seed);
  const cluster = new Cluster();
  const options = { setupTimeoutMs: SETUP_MS };
  const target = await cluster.start("target@127.0.0.1", options);
  const friend = await cluster.start("friend@127.0.0.1", options);
  await cluster.outcome(target.start(Echo, { name: "echo" }));
  await cluster.outcome(friend.connect("target@127.0.0.1"));
  const { processes } = target.stats();
  const place = { host: "127.0.0.1", port: target.port! };

  for (let done = 0; done < cases; done += ATTACKS_PER_BATCH) {
    const streams: ByteStream[] = [];
    for (let i = 0; i < ATTACKS_PER_BATCH; i++) {
      const stream = mutator.once(2)
        ? await stranger(cluster, place)
        : await acquaintance(cluster, place, mutator, `attacker${i}@127.0.0.1`);
      streams.push(stream);
      for (const piece of mutator.split(mutator.once(2) ? garbledFrames(mutator) : garbledHandshake(mutator))) {
        stream.write(piece);
      }
    }
    await cluster.clock.advance(2 * SETUP_MS);
    for (const stream of streams) stream.close({ abort: true });
    const answer = await cluster.outcome(friend.call({ name: "echo", node: "target@127.0.0.1" }, done));
    must(answer === done, `the friend's call failed: ${answer}`);
    const stats = target.stats();
    must(stats.peers.length === 1 && stats.connecting === 0, "attackers are still connected");
    must(cluster.network.openStreams === 1, `${cluster.network.openStreams} streams are open`);
    must(stats.processes === processes, `there are ${stats.processes} processes instead of ${processes}`);
    must(friend.stats().dials === 1, "the friend had to connect again");
  }
  await cluster.outcome(Promise.all([target.stop(), friend.stop()]));
}

/** A stream of somebody who says what they like. */
async function stranger(cluster: Cluster, place: { host: string; port: number }): Promise<ByteStream> {
  const stream = await cluster.outcome(cluster.network.connect(place, { data() {}, drained() {}, closed() {} }));
  return stream as ByteStream;
}

/** The stream under a connection that was made with the cookie. */
async function acquaintance(
  cluster: Cluster,
  place: { host: string; port: number },
  random: Mutator,
  name: string,
): Promise<ByteStream> {
  let stream: ByteStream | undefined;
  const { clock, network } = cluster;
  const transport: Transport = {
    connect: async (...args) => {
      stream = await network.connect(...args);
      return stream;
    },
    listen: (...args) => network.listen(...args),
  };
  const up = (_: Connection) => ({ signal() {}, drained() {}, closed() {} });
  const self = { name, creation: 1 };
  const more = { self, peer: "target@127.0.0.1", cookie: "secret", flags: ourFlags(), clock, random, up };
  const connection = await cluster.outcome(dial(transport, place, more));
  must(!(connection instanceof Error), `the attacker could not connect: ${connection}`);
  return stream!;
}
