// Uploads contents and downloads them again, through pipelines whose steps run in TypeScript or in Elixir. See README.md.
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { type Atom, asBytes, atom, type Calls, GenServer, mod, reply, startNode, tuple } from "tiebeam";
import { type Direction, inElixir, type Plan, pipeline, Queue, Shelf, type Step } from "./media.ts";

const { values } = parseArgs({
  options: {
    name: { type: "string", default: "media@127.0.0.1" },
    /** The steps that run in Elixir, as in `Encryption,Notifier`. */
    elixir: { type: "string", default: "" },
    node: { type: "string", default: "encoder@127.0.0.1" },
    contents: { type: "string", default: "20" },
    /** Stages in TypeScript confirm. */
    ack: { type: "boolean", default: false },
  },
});
const COUNT = Number(values.contents);
const ORDER: Record<Direction, readonly Step[]> = {
  Upload: ["Starter", "Encryption", "RemoteStorage", "Notifier"],
  Download: ["Starter", "RemoteStorage", "Encryption", "Notifier"],
};

interface ReportsApi {
  done(id: string, storageKey: string, bytes: number): Atom<"ok">;
}

/** Resolves each time when all that was asked for has been reported. */
class Reports extends GenServer<ReportsApi> {
  static reported = 0;
  static onAll = () => {};

  static readonly calls: Calls<Reports, ReportsApi> = {
    done(id, storageKey, bytes) {
      console.log(`${id} (${storageKey}): ${bytes} bytes`);
      if (++Reports.reported % COUNT === 0) Reports.onAll();
      return reply(atom("ok"));
    },
  };
}

await using node = await startNode({ name: values.name });
await node.start(Shelf, { name: "store" });
const cache = await node.start(Shelf, { name: "cache" });
await node.start(Reports, { name: "reports" });

const place = (name: string) => ({ name: atom(name), node: node.name });
const inBeam = values.elixir.split(",");
const contents = Array.from({ length: COUNT }, (_, i) => randomBytes(i * i * 1_000));
const media = contents.map((_, i) => ({ id: `media-${i}`, storage_key: `key-${i}`, encryption_key: randomBytes(48) }));

for (const direction of ["Upload", "Download"] as const) {
  const queue = await node.start(Queue, { name: `queue_${direction}` });
  const services = {
    queue: place(`queue_${direction}`),
    store: place("store"),
    cache: place("cache"),
    reportTo: place("reports"),
  };
  const plan: Plan = ORDER[direction].map((step) => [step, [inBeam.includes(step) ? values.node : node.name]]);
  await node.start(pipeline(direction, plan, services, node.name, values.ack));
  if (values.elixir) await node.erpc.call(values.node, mod("Media"), "start", inElixir(direction, plan, services));

  console.log(`${direction}:`);
  await cache.call(atom("clear")); // else downloads would not need the store
  const all = new Promise<void>((resolve) => {
    Reports.onAll = resolve;
  });
  for (const [i, content] of contents.entries()) {
    const task = {
      type: atom(direction.toLowerCase()),
      media: media[i]!,
      content: direction === "Upload" ? content : null,
    };
    await queue.cast(tuple(atom("enqueue"), task));
  }
  await all;
}

for (const [i, content] of contents.entries()) {
  const got = asBytes(await cache.call(tuple(atom("get"), media[i]!.id)));
  if (!content.equals(got)) throw new Error(`${media[i]!.id} is not what was uploaded`);
}
console.log(`all ${COUNT} contents came back as they were`);
