import { readFileSync } from "node:fs";
import { join } from "node:path";
import { NameTable } from "../../src/epmd/name-table.ts";
import {
  decodeAliveReply,
  decodeDumpReply,
  decodeNamesReply,
  decodePortReply,
  decodeWord,
  MalformedReply,
} from "../../src/epmd/replies.ts";
import { epmdService, ServerConnection } from "../../src/epmd/server-connection.ts";
import { must } from "./fake-stream.ts";
import { framed, type Mutator } from "./mutator.ts";

interface Recorded {
  readonly exchanges: readonly { req: string; resp: string }[];
  readonly cases: readonly { request_hex: string; response_hex: string }[];
}

const recorded: Recorded = JSON.parse(readFileSync(join(import.meta.dirname, "../vectors/epmd.json"), "utf8"));
const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const requests = [
  ...recorded.exchanges.map(({ req }) => framed(bytesOf(req), 2)),
  ...recorded.cases.map(({ request_hex }) => bytesOf(request_hex)),
];
const replies = [...recorded.exchanges.map(({ resp }) => resp), ...recorded.cases.map((one) => one.response_hex)].map(
  bytesOf,
);
const decoders = [decodeAliveReply, decodePortReply, decodeNamesReply, decodeDumpReply, decodeWord("OK", "NO")];

/** Spoilt requests: the connection waits, answers or closes; its name goes with it. */
export function fuzzEpmdServer(mutator: Mutator): void {
  const table = new NameTable(() => 1_000_000);
  const service = epmdService(table, 4_369, mutator.once(2));
  for (let id = 1; id < 4; id++) {
    const connection = new ServerConnection(service, id, mutator.once(2));
    for (const piece of mutator.split(mutator.mutate(mutator.pick(requests)))) {
      const { next } = connection.data(piece);
      if (next === "close" || next === "shutdown") break;
    }
    must(table.size <= 1, "one connection has more than one name");
    connection.closed();
    must(table.size === 0, "a name outlives its connection");
  }
}

/** Spoilt replies: a value, not enough yet, or a malformed reply. */
export function fuzzEpmdReply(mutator: Mutator): void {
  const reply = mutator.mutate(mutator.pick(replies));
  try {
    mutator.pick(decoders)(reply, mutator.once(2));
  } catch (error) {
    if (!(error instanceof MalformedReply)) throw error;
  }
}
