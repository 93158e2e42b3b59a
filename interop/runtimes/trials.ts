import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { decode, encode } from "../../src/etf/index.ts";
import { inflate, RELEASES, vectorsOf } from "../../test/etf/vectors.ts";
import { type Beam, uniqueName } from "../harness/index.ts";
import { type BeamProcess, type HostNetwork, startProcess } from "../providers/index.ts";
import type { Runtime } from "./find.ts";

const SCRIPT_TIMEOUT_MS = 60_000;

/** What a runtime's codec made of the recorded vectors. */
export interface CodecTrial {
  readonly checked: number;
  /** The vectors of which it made something else than the runtime that runs this. */
  readonly different: readonly string[];
}

/** What came of a runtime's node beside a BEAM, as both sides saw it. */
export interface LinkTrial {
  readonly peers: readonly string[];
  /** Whether a term came back equal from a server of the BEAM. */
  readonly echoed: boolean;
  /** Events that the runtime's node took from a producer of the BEAM, and whether they came in order. */
  readonly received: number;
  readonly inOrder: boolean;
  /** What the BEAM got from a server of the runtime's node. */
  readonly answer: unknown;
  /** What a consumer of the BEAM took from a producer of the runtime's node. */
  readonly taken: { readonly count: number; readonly in_order: boolean };
  /** The exit code of the runtime after SIGTERM. */
  readonly ended: number | string;
}

/**
 * Decodes and encodes the vectors of every recorded release under a runtime, with the codec as it is built, and compares the bytes
 * and the codes of refusals with what this one's makes of them.
 */
export async function tryCodec(runtime: Runtime): Promise<CodecTrial> {
  const vectors = RELEASES.flatMap((release) =>
    vectorsOf(release).map(({ name, bytes }) => ({
      name: `OTP ${release}: ${name}`,
      hex: Buffer.from(bytes).toString("hex"),
      expected: outcome(bytes),
    })),
  );
  const folder = mkdtempSync(join(tmpdir(), "tiebeam-codec-"));
  try {
    const file = join(folder, "vectors.json");
    writeFileSync(file, JSON.stringify(vectors));
    await using script = await Script.start(here, runtime, "codec.mjs", [file]);
    return (await script.result()) as CodecTrial;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function outcome(bytes: Uint8Array): string {
  try {
    return Buffer.from(encode(decode(bytes, { floats: "exact", inflate }))).toString("hex");
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** Where a runtime's node runs when nothing else is said: here. */
const here: Pick<HostNetwork["ours"], "host" | "start"> = {
  host: { name: "127.0.0.1", address: "127.0.0.1", harness: "127.0.0.1" },
  start: startProcess,
};

/** Runs a node under a runtime beside a BEAM (one with GenStage): a connection, calls and so many events each way. */
export async function tryLink(
  runtime: Runtime,
  beam: Beam,
  { events = 10_000, ours = here }: { events?: number; ours?: typeof here } = {},
): Promise<LinkTrial> {
  const name = `${uniqueName(runtime.name)}@${ours.host.name}`;
  await beam.eval(`
    {:ok, _} = Fixtures.Echo.start(name: :echo)
    {:ok, _} = Fixtures.Counter.start(name: :counter, last: ${events})
    {:ok, collector} = Fixtures.Collector.start()
    nil
  `);
  await using script = await Script.start(ours, runtime, "link.mjs", [], {
    NAME: name,
    COOKIE: beam.cookie,
    EPMD_PORT: String(beam.epmdPort),
    PEER: beam.name,
    EVENTS: String(events),
  });
  const seenThere = (await script.result()) as Omit<LinkTrial, "answer" | "taken" | "ended">;
  const answer = await beam.eval(`GenServer.call({:echo, :"${name}"}, {:echo, [1, "two", {:three}]})`);
  const taken = await beam.eval<LinkTrial["taken"]>(`
    Fixtures.Collector.subscribe(collector, {:numbers, :"${name}"}, cancel: :temporary)
    Fixtures.Collector.await(collector, ${events})
  `);
  await beam.eval("GenServer.stop(:echo); GenStage.stop(collector)");
  return { ...seenThere, answer, taken, ended: await script.stop() };
}

/** A script of this folder that a runtime runs; it prints its result as one line of JSON. */
class Script implements AsyncDisposable {
  readonly #process: BeamProcess;
  #ended: number | string | undefined;

  private constructor(process: BeamProcess) {
    this.#process = process;
    void process.exited.then((how) => {
      this.#ended = how;
    });
  }

  static async start(
    place: typeof here,
    { argv }: Runtime,
    file: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Script> {
    const path = fileURLToPath(new URL(file, import.meta.url));
    return new Script(await place.start({ argv: [...argv, path, ...args], env }));
  }

  async result(): Promise<unknown> {
    for (const deadline = Date.now() + SCRIPT_TIMEOUT_MS; ; await sleep(10)) {
      const line = /^\{.*\}$/m.exec(this.#process.output())?.[0];
      if (line !== undefined) return JSON.parse(line);
      if (this.#ended === undefined && Date.now() < deadline) continue;
      throw new Error(`the script gave no result (${this.#ended ?? "too late"}):\n${this.#process.output()}`);
    }
  }

  stop(): Promise<number | string> {
    this.#process.signal("SIGTERM");
    return this.#process.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.signal("SIGKILL");
    await this.#process.exited;
  }
}
