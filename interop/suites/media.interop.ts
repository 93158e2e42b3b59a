import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Direction,
  inElixir,
  type Place,
  type Plan,
  pipeline,
  Queue,
  Shelf,
  type Step,
} from "../../examples/media/media.ts";
import {
  type Atom,
  asBytes,
  atom,
  type Calls,
  Consumer,
  type From,
  GenServer,
  GenStage,
  mod,
  type Node,
  noReply,
  reply,
  type Term,
  type Tuple,
  tuple,
} from "../../src/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { FaultyLink } from "../support/faulty-link.ts";
import { nodeBeside } from "../support/our-node.ts";
import { portOf } from "../support/port-of.ts";
import { TlsPeers } from "../support/tls.ts";
import { until } from "../support/until.ts";

// The pipelines of examples/media, whose stages are there in both languages, in every mixture of them; and flows between them.

const MEDIA = readFileSync(new URL("../../examples/media/media.ex", import.meta.url), "utf8");
const FLOWS = readFileSync(new URL("media.exs", import.meta.url), "utf8");

const UPLOAD: readonly Step[] = ["Starter", "Encryption", "RemoteStorage", "Notifier"];
const DOWNLOAD: readonly Step[] = ["Starter", "RemoteStorage", "Encryption", "Notifier"];
const DIRECTIONS = ["Upload", "Download"] as const;

const MAX_DEMAND = 10;
const MIN_DEMAND = 1;
/** Of a subscription: what may be on its way, and what a batch may bring beyond the demand for what comes of it. */
const MOST_BETWEEN_STAGES = MAX_DEMAND + (MAX_DEMAND - MIN_DEMAND - 1);
const MOST_IN_PIPELINE = 3 * MOST_BETWEEN_STAGES;

/** Which steps run here; all others in Elixir. */
const SINGLES = UPLOAD.map((step) => [step]);
const PAIRS = UPLOAD.flatMap((a, i) => UPLOAD.slice(i + 1).map((b) => [a, b]));

interface ReportsApi {
  done(id: string, storageKey: string, bytes: number): Atom<"ok">;
}

/** What notifiers have reported. While it is not `open` they wait for their reports to be taken. */
class Reports {
  readonly all: { readonly id: string; readonly bytes: number }[] = [];
  #waiting: From[] = [];
  #open = true;
  #awaited: { condition: () => boolean; resolve: () => void } | undefined;

  /** As a server to be started. */
  get server() {
    const reports = this;
    return class ReportsServer extends GenServer<ReportsApi> {
      static readonly calls: Calls<ReportsServer, ReportsApi> = {
        done(id, _storageKey, bytes) {
          reports.#take(id, bytes);
          if (reports.#open) return reply(atom("ok"));
          reports.#waiting.push(this.process.from!);
          return noReply();
        },
      };
    };
  }

  close(): void {
    this.#open = false;
  }

  open(): void {
    this.#open = true;
    for (const from of this.#waiting.splice(0)) from.reply(atom("ok"));
  }

  get ids(): string[] {
    return this.all.map(({ id }) => id);
  }

  /** Resolves when the condition holds, after some report. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#awaited = { condition, resolve };
      this.#look();
    });
  }

  #take(id: string, bytes: number): void {
    this.all.push({ id, bytes });
    this.#look();
  }

  #look(): void {
    if (this.#awaited?.condition()) this.#awaited.resolve();
  }
}

interface Media {
  readonly id: string;
  readonly storage_key: string;
  readonly encryption_key: Uint8Array;
}

const mediaOf = (n: number): Media => ({ id: `media-${n}`, storage_key: `key-${n}`, encryption_key: randomBytes(48) });

/** Both pipelines with what they need, as a plan says. Nothing of them is left when disposed. */
class Pipelines implements AsyncDisposable {
  readonly beam: Beam;
  readonly us: Node;
  readonly reports = new Reports();
  readonly #servicesAt: string;
  readonly #running: { stop(): Promise<unknown> }[] = [];

  readonly #ack: boolean;

  private constructor(beam: Beam, us: Node, servicesAt: string, ack: boolean) {
    this.beam = beam;
    this.us = us;
    this.#servicesAt = servicesAt;
    this.#ack = ack;
  }

  /**
   * `nodesOf`: on which nodes a step runs, by default on the BEAM. Queues, store and cache run where the starter does. `ack`:
   * stages here confirm.
   */
  static async start(
    beam: Beam,
    us: Node,
    nodesOf: Partial<Record<Step, readonly string[]>>,
    ack = false,
  ): Promise<Pipelines> {
    const pipelines = new Pipelines(beam, us, nodesOf.Starter?.[0] ?? beam.name, ack);
    await pipelines.#start((steps) => steps.map((step) => [step, nodesOf[step] ?? [beam.name]]));
    return pipelines;
  }

  /** With some steps here, and the others on the BEAM. */
  static with(beam: Beam, us: Node, here: readonly Step[], ack = false): Promise<Pipelines> {
    return Pipelines.start(beam, us, Object.fromEntries(here.map((step) => [step, [us.name]])), ack);
  }

  async #start(planOf: (steps: readonly Step[]) => Plan): Promise<void> {
    const { us, beam } = this;
    this.#running.push(await us.start(this.reports.server, { name: "reports" }));
    for (const name of ["queue_Upload", "queue_Download", "store", "cache"]) await this.#startService(name);
    for (const direction of DIRECTIONS) {
      const plan = planOf(direction === "Upload" ? UPLOAD : DOWNLOAD);
      const services = {
        queue: this.#service(`queue_${direction}`),
        store: this.#service("store"),
        cache: this.#service("cache"),
        reportTo: { name: atom("reports"), node: us.name },
      };
      this.#running.push(await us.start(pipeline(direction, plan, services, us.name, this.#ack)));
      await us.erpc.call(beam.name, mod("Media"), "start", inElixir(direction, plan, services));
    }
  }

  async #startService(name: string): Promise<void> {
    const { us, beam } = this;
    const isQueue = name.startsWith("queue");
    if (this.#servicesAt === us.name)
      this.#running.push(await (isQueue ? us.start(Queue, { name }) : us.start(Shelf, { name })));
    else {
      const module = isQueue ? "Media.Queue" : "Media.Shelf";
      await beam.eval(`{:ok, _} = DynamicSupervisor.start_child(Media.Supervisor, {${module}, [name: :${name}]}); nil`);
    }
  }

  #service(name: string): Place {
    return { name: atom(name), node: this.#servicesAt };
  }

  ask<T = Term>(service: "store" | "cache" | "queue_Upload", ...request: unknown[]): Promise<T> {
    const [op, ...args] = request as [string, ...object[]];
    return this.us.call<T>(this.#service(service), args.length === 0 ? atom(op) : tuple(atom(op), ...args));
  }

  async enqueue(direction: Direction, media: Media, content: Uint8Array | null): Promise<void> {
    const task = { type: atom(direction.toLowerCase()), media, content };
    await this.us.cast(this.#service(`queue_${direction}`), tuple(atom("enqueue"), task));
  }

  async upload(all: readonly Media[], contentOf = (i: number) => Buffer.from(`content ${i}`)): Promise<void> {
    for (const [i, media] of all.entries()) await this.enqueue("Upload", media, contentOf(i));
  }

  untilReported(count: number): Promise<void> {
    return this.reports.until(() => this.reports.all.length >= count);
  }

  /** Where the process of a step runs now, as text. */
  pidOf(step: Step, direction: Direction): Promise<string> {
    return this.beam.eval(`
      name = Media.${step}.${direction}
      inspect(Process.whereis(name) || :erpc.call(:"${this.us.name}", :erlang, :whereis, [name]))
    `);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.reports.open();
    await this.beam.eval(`
      for {_, pid, _, _} <- DynamicSupervisor.which_children(Media.Supervisor) |> Enum.reverse(),
          do: DynamicSupervisor.terminate_child(Media.Supervisor, pid)
    `);
    for (const running of this.#running.reverse()) await running.stop();
  }
}

/** What a node holds that has nothing to do with connections. */
function holdings(node: Node) {
  const { processes, names, aliases, monitored } = node.stats();
  return { processes, names, aliases, monitored };
}

async function startMedia(beam: Beam): Promise<void> {
  await beam.eval(`:logger.set_primary_config(:level, :none)\n${MEDIA}\n${FLOWS}`);
  await beam.eval("spawn(fn -> Media.serve() end); nil");
  await beam.until("Process.whereis(Media.Supervisor) != nil");
}

describePeers("media pipelines", { genStage: true, otp: ["25", "27", "29"] }, (release) => {
  let beam: Beam;
  let us: Node;
  let idle: object;
  let idleBeam: number;

  beforeAll(async () => {
    beam = await startBeam(release, { genStage: true });
    await startMedia(beam);
    us = await nodeBeside(beam);
    us.expose("erlang", { whereis: (name: Atom) => us.whereis(name) ?? null });
    idle = holdings(us);
    await us.connect(beam.name);
    idleBeam = await beam.eval<number>("length(Process.list())");
  });

  afterAll(async () => {
    try {
      expect(holdings(us)).toEqual(idle);
      await beam.until(`length(Process.list()) <= ${idleBeam}`);
    } finally {
      await us?.stop();
      await beam?.[Symbol.asyncDispose]();
    }
  });

  describe.each([
    ...SINGLES.map((here) => ({ here, contents: 50, largest: 2 * 1024 * 1024 })),
    ...PAIRS.map((here) => ({ here, contents: 20, largest: 100_000 })),
    { here: UPLOAD, contents: 50, largest: 2 * 1024 * 1024 },
  ])("with $here in TypeScript", ({ here, contents, largest }) => {
    test("M1, M2: contents come back as they were, the store has them encrypted, a second download does without it", async () => {
      await using pipelines = await Pipelines.with(beam, us, here);
      const all = Array.from({ length: contents }, (_, i) => mediaOf(i));
      const clear = all.map((_, i) => randomBytes(Math.round(largest * (i / (contents - 1)) ** 4)));
      const reported = all.map(({ id }, i) => ({ id, bytes: clear[i]!.length }));

      await pipelines.upload(all, (i) => clear[i]!);
      await pipelines.untilReported(contents);
      expect(pipelines.reports.all.splice(0)).toEqual(reported);
      const stored = asBytes(await pipelines.ask("store", "get", all.at(-1)!.storage_key));
      expect(stored.length).toBe(largest);
      expect(clear.at(-1)!.equals(stored)).toBe(false);

      await pipelines.ask("cache", "clear");
      for (const media of all) await pipelines.enqueue("Download", media, null);
      await pipelines.untilReported(contents);
      expect(pipelines.reports.all.splice(0)).toEqual(reported);
      for (const [i, { id }] of all.entries()) {
        expect(clear[i]!.equals(asBytes(await pipelines.ask("cache", "get", id))), id).toBe(true);
      }

      const { id, storage_key } = all[1]!;
      const [fetched, hits] = await Promise.all([
        pipelines.ask<number>("store", "hits", storage_key),
        pipelines.ask<number>("cache", "hits", id),
      ]);
      await pipelines.enqueue("Download", all[1]!, null);
      await pipelines.untilReported(1);
      expect(await pipelines.ask("store", "hits", storage_key)).toBe(fetched);
      expect(await pipelines.ask("cache", "hits", id)).toBe(hits + 1);
    });
  });

  test.each([[["Notifier"]], [["Starter", "RemoteStorage"]], [UPLOAD]] as const)(
    "M3: while the notifier waits the queue keeps 10,000 tasks, with %j in TypeScript",
    async (here) => {
      await using pipelines = await Pipelines.with(beam, us, here);
      const all = Array.from({ length: 10_000 }, (_, i) => mediaOf(i));
      pipelines.reports.close();

      await pipelines.upload(all);
      await pipelines.untilReported(1);
      const waiting = await pipelines.ask<number>("queue_Upload", "size");
      const before = await beam.eval<number>(":erlang.memory(:total)");
      expect(waiting).toBeGreaterThanOrEqual(all.length - MOST_IN_PIPELINE);
      expect(pipelines.reports.all).toHaveLength(1);

      pipelines.reports.open();
      await pipelines.untilReported(500);
      expect(pipelines.reports.ids.slice(0, 500)).toEqual(all.slice(0, 500).map(({ id }) => id));
      expect(await beam.eval<number>(":erlang.memory(:total)")).toBeLessThan(before + 32 * 1024 * 1024);
    },
  );

  test.each([
    { here: ["Encryption"], ack: false },
    { here: ["Starter", "Notifier"], ack: false },
    { here: ["RemoteStorage"], ack: false },
    { here: UPLOAD, ack: false },
    { here: UPLOAD, ack: true },
    { here: UPLOAD.slice(0, 3), ack: true },
  ] as { here: Step[]; ack: boolean }[])(
    "M4: a killed Encryption takes along what comes after it, and all later tasks pass, with $here in TypeScript, with confirmations: $ack",
    async ({ here, ack }) => {
      await using pipelines = await Pipelines.with(beam, us, here, ack);
      const pids = () => Promise.all(UPLOAD.map((step) => pipelines.pidOf(step, "Upload")));
      const all = Array.from({ length: 150 }, (_, i) => mediaOf(i));
      pipelines.reports.close();
      await pipelines.upload(all.slice(0, 100));
      await pipelines.untilReported(1);
      const before = await pids();

      await beam.eval(
        `Process.exit(Media.Encryption.Upload |> Process.whereis() || :erpc.call(:"${us.name}", :erlang, :whereis, [Media.Encryption.Upload]), :kill)`,
      );
      pipelines.reports.open();
      // Those of its own supervisor; on the other node stages wait for their producer to be back.
      const isBeside = (step: Step) =>
        here.some((other) => other === step) === here.some((other) => other === "Encryption");
      const restarted = UPLOAD.map((step, i) => i > 0 && isBeside(step));
      await until(async () => (await pids()).every((pid, i) => pid !== "nil" && (!restarted[i] || pid !== before[i])));
      await pipelines.upload(all.slice(100));
      await pipelines.reports.until(() => pipelines.reports.all.at(-1)?.id === "media-149");

      const { ids } = pipelines.reports;
      const reported = new Set(ids);
      if (ack) {
        // Each task at least once, and again no more than what had not been confirmed.
        expect(reported).toEqual(new Set(all.map(({ id }) => id)));
        expect(ids.length - reported.size).toBeLessThanOrEqual(MAX_DEMAND);
      } else {
        expect(reported.size).toBe(ids.length);
        expect(ids.length).toBeGreaterThanOrEqual(all.length - MOST_IN_PIPELINE);
        expect(ids.length).toBeLessThan(all.length);
      }
      expect(ids.slice(-50)).toEqual(all.slice(100).map(({ id }) => id));
      expect((await pids())[0]).toBe(before[0]);
    },
  );

  test("M2, M5: the cache of one process per media, which either language finds by its global name", (context) => {
    context.skip("needs `:global`, which is not there yet: the cache is a named server meanwhile");
  });

  test.each([[[]], [["Starter", "Notifier"]], [["RemoteStorage"]]] as const)(
    "M6: three encrypting processes of two nodes and languages share the tasks, with %j in TypeScript",
    async (here) => {
      const rest = Object.fromEntries(here.map((step) => [step, [us.name]]));
      await using pipelines = await Pipelines.start(beam, us, { ...rest, Encryption: [beam.name, us.name, beam.name] });
      const all = Array.from({ length: 300 }, (_, i) => mediaOf(i));

      await pipelines.upload(all);
      await pipelines.untilReported(300);

      expect(new Set(pipelines.reports.ids)).toEqual(new Set(all.map(({ id }) => id)));
      expect(pipelines.reports.all).toHaveLength(300);
      const elixir = (n: number) =>
        beam.eval<number>(`:sys.get_state(:"Elixir.Media.Encryption.Upload.${n}").state.handled`);
      const ours = (await us.sys.getState(mod("Media.Encryption.Upload.2"))) as unknown as { handled: number };
      const handled = [await elixir(1), ours.handled, await elixir(3)];
      expect(Math.min(...handled)).toBeGreaterThan(0);
      expect(handled.reduce((a, b) => a + b)).toBe(300);
    },
  );

  describe.each([
    ["TCP", false],
    ["TLS", true],
  ])("M1: on the wire, over %s", (_, isEncrypted) => {
    const certificates = new TlsPeers(release);
    afterAll(() => certificates[Symbol.dispose]());

    test(isEncrypted ? "nothing can be read, neither way" : "contents and atoms can be read, both ways", async () => {
      await using link = await FaultyLink.listen();
      const heard = { there: [] as Buffer[], back: [] as Buffer[] };
      link.overhear((direction, bytes) => void heard[direction].push(bytes));
      const options = { genStage: true };
      await using beam = await (isEncrypted ? certificates.startBeam(options) : startBeam(release, options));
      await startMedia(beam);
      link.leadTo(await portOf(beam));
      await using us = await nodeBeside(beam, {
        resolve: () => ({ host: "127.0.0.1", port: link.port }),
        ...(isEncrypted && { tls: certificates.role() }),
      });
      us.expose("erlang", { whereis: (name: Atom) => us.whereis(name) ?? null });
      const all = Array.from({ length: 5 }, (_, i) => mediaOf(i));
      const clear = all.map((_, i) => randomBytes(100 + i * 50_000));

      {
        await using pipelines = await Pipelines.with(beam, us, ["Encryption"]);
        await pipelines.upload(all, (i) => clear[i]!);
        await pipelines.untilReported(all.length);
        await pipelines.ask("cache", "clear");
        for (const media of all) await pipelines.enqueue("Download", media, null);
        await pipelines.untilReported(2 * all.length);
      }

      const atoms = ["encryption_key", "storage_key"].map((name) => Buffer.from(name));
      const secrets = [...atoms, ...all.map(({ id }) => Buffer.from(id)), ...clear.map((all) => all.subarray(0, 48))];
      for (const direction of ["there", "back"] as const) {
        const bytes = Buffer.concat(heard[direction]);
        expect(bytes.length, direction).toBeGreaterThan(500_000);
        const read = secrets.filter((secret) => bytes.includes(secret)).length;
        expect(read, direction).toBe(isEncrypted ? 0 : secrets.length);
      }
    });
  });

  describe("flows", () => {
    const USERS = 23;
    const files = Array.from({ length: 5_000 }, (_, i) => ({ user_id: (i * 7) % USERS, size: (i * 31) % 1_000 }));
    const reference = new Map<number, [count: number, bytes: number]>();
    for (const { user_id, size } of files) {
      const [count, bytes] = reference.get(user_id) ?? [0, 0];
      reference.set(user_id, [count + 1, bytes + size]);
    }

    /** A producer of ours that waits for its flow; ends with the last event. */
    const produce = (name: string, events: readonly object[]) =>
      us.start(
        GenStage.from(() => events, { demand: "accumulate" }),
        { name },
      );
    const ours = (name: string) => `{:${name}, :"${us.name}"}`;
    type Counts = [id: number, [count: number, bytes: number]][];
    /** As lists, which is what JSON has for tuples. */
    const counts = (flow: string) =>
      beam.eval<Counts>(`for {id, {count, bytes}} <- Enum.to_list(${flow}), do: [id, [count, bytes]]`);

    test("M7: a flow partitioned by user counts the files of a producer here exactly, and ends with it", async () => {
      await produce("files", files);

      const counted = await counts(`Flows.per_user(${ours("files")})`);

      expect(counted).toHaveLength(USERS);
      expect(new Map(counted)).toEqual(reference);
      await until(() => us.whereis("files") === undefined);
    });

    test("M7: without the partition there are several partial counts for a user, as is to be expected", async () => {
      await produce("files", files);

      const counted = await counts(`Flows.partial(${ours("files")})`);

      expect(counted.length).toBeGreaterThan(USERS);
      expect(counted.reduce((sum, [, [count]]) => sum + count, 0)).toBe(files.length);
    });

    test("M7: the flow delivers each result once to a consumer here", async () => {
      const results: Tuple<[id: number, Tuple<[number, number]>]>[] = [];
      class Results extends Consumer<(typeof results)[number]> {
        handleEvents(events: typeof results) {
          results.push(...events);
        }
      }
      await produce("files", files);
      const consumer = await us.start(Results, { name: "results" });

      expect(await beam.eval(`Flows.into(${ours("files")}, ${ours("results")})`)).toBe("normal");

      await until(() => results.length >= USERS);
      expect(new Map(results.map(([id, [count, bytes]]) => [id, [count, bytes]]))).toEqual(reference);
      expect(results).toHaveLength(USERS);
      await consumer.stop();
    });

    test("M7: a stage here sits in the middle of a flow, and ends with it", async () => {
      const doubles = GenStage.through(async function* (events: AsyncIterable<(typeof files)[number]>) {
        for await (const { user_id, size } of events) yield { user_id, size: 2 * size };
      });
      await produce("files", files);
      await us.start(doubles, { name: "middle" });

      const counted = await counts(`Flows.through(${ours("files")}, ${ours("middle")})`);

      expect(new Map(counted)).toEqual(new Map([...reference].map(([id, [count, bytes]]) => [id, [count, 2 * bytes]])));
      await until(() => us.whereis("middle") === undefined);
    });

    test("M8: users of a producer here are joined with the bytes that a flow over there counts", async () => {
      const users = Array.from({ length: 40 }, (_, id) => ({ id }));
      const some = files.filter(({ user_id }) => user_id % 2 === 0);
      const bytesOf = (id: number) =>
        some.filter(({ user_id }) => user_id === id).reduce((sum, { size }) => sum + size, 0);
      const outer = users.map(({ id }) => [id, bytesOf(id)]);
      const inner = outer.filter(([id]) => some.some(({ user_id }) => user_id === id));
      const made =
        "(for i <- 0..4_999, u = rem(i * 7, 23), rem(u, 2) == 0, do: %{user_id: u, size: rem(i * 31, 1_000)})";

      for (const [mode, expected] of [
        ["inner", inner],
        ["left_outer", outer],
      ] as const) {
        await produce("users", users);
        const flow = `Flows.join(:${mode}, ${ours("users")}, ${made})`;
        const joined = await beam.eval<number[][]>(`for {id, bytes} <- Enum.sort(${flow}), do: [id, bytes]`);
        expect(joined, mode).toEqual(expected);
        await until(() => us.whereis("users") === undefined);
      }
    });
  });
});
