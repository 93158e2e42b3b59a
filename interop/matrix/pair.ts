import { EpmdClient } from "../../src/epmd/index.ts";
import { type Beam, type BeamOptions, startBeam, uniqueName } from "../harness/beam.ts";
import { freePort } from "../harness/epmd.ts";
import type { Release } from "../providers/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { FaultyLink } from "../support/faulty-link.ts";
import type { Cell } from "./cell.ts";
import type { Certificates } from "./certificates.ts";
import { type Status, Subject } from "./subject.ts";

/** The tick time of cells in which somebody falls silent. */
export const TICK_SECONDS = 2;

/** What a cell is made of: the things at hand, and the fixtures of the BEAM that are to be used. */
export interface Parts {
  readonly cell: Cell;
  readonly release: Release;
  /** The release of the second BEAM. */
  readonly second: Release | undefined;
  readonly runtime: Runtime;
  /** Where the run's stock epmd listens. */
  readonly stockEpmdPort: number;
  /** Certificates that a release can read. */
  readonly certificates: (release: Release) => Certificates;
  /** The module of the BEAM's echo server. Default: `Fixtures.Echo`. */
  readonly echo?: string;
  /** Stands between the two in place of a plain connection. */
  readonly link?: FaultyLink;
  readonly log: (line: string) => void;
}

/** Our node and a BEAM, put together as a cell says. Not connected at first. */
export class Pair implements AsyncDisposable {
  readonly cell: Cell;
  /** Our node's name. */
  readonly name: string;
  beam!: Beam;
  subject!: Subject;
  /** The BEAM beyond our node. The two know nothing of each other, and have different cookies. */
  second: Beam | undefined;
  readonly link: FaultyLink | undefined;
  /** What our node held when nothing had been done but to connect. */
  idle: Status["holdings"] = {};
  readonly #parts: Parts;
  readonly #cookie = uniqueName("cookie");
  readonly #beamName = uniqueName("beam");
  readonly #second = { name: uniqueName("second"), cookie: uniqueName("cookie") };
  readonly #beams: Beam[] = [];
  readonly #epmdPort: number;
  /** Where all nodes listen when there is no epmd. */
  readonly #fixedPort: number;

  private constructor(parts: Parts, freePorts: readonly [number, number], link: FaultyLink | undefined) {
    const { cell } = parts;
    this.#parts = parts;
    this.cell = cell;
    this.link = link;
    this.#epmdPort = cell.epmd === "stock" ? parts.stockEpmdPort : freePorts[0];
    this.#fixedPort = freePorts[1];
    // At a fixed port that all have in common, each needs an address of its own.
    const host = cell.transport === "ipv6" ? "::1" : cell.epmd === "none" ? "127.0.0.2" : "127.0.0.1";
    this.name = `${uniqueName("ours")}@${host}`;
  }

  static async start(parts: Parts): Promise<Pair> {
    const faulty = parts.cell.fault.startsWith("link-");
    const link = parts.link ?? (faulty ? await FaultyLink.listen() : undefined);
    const pair = new Pair(parts, [await freePort(), await freePort()], link);
    try {
      await pair.startSubject(); // first, because it may be the epmd
      await pair.startBeam();
      const { name, cookie } = pair.#second;
      if (parts.second) pair.second = await pair.#startBeam(parts.second, name, cookie);
      return pair;
    } catch (error) {
      await pair[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The name of the BEAM, which it keeps when it is started again. */
  get peer(): string {
    return `${this.#beamName}@${this.#beamHost}`;
  }

  /** Starts the BEAM, or starts it again. */
  async startBeam(): Promise<void> {
    const { release, cell } = this.#parts;
    this.beam = await this.#startBeam(release, this.#beamName, this.#cookie);
    if (this.link && cell.connects === "ours") this.link.leadTo(await this.#portOf(this.#beamName));
  }

  /** Starts our node, or starts it again. */
  async startSubject(): Promise<void> {
    const { cell, runtime, log, certificates, release } = this.#parts;
    this.subject = new Subject(runtime, { ERL_EPMD_ADDRESS: "127.0.0.1" }, log);
    const { port } = await this.subject.do<{ port: number }>("start", {
      name: this.name,
      cookie: this.#cookie,
      cookies: { [`${this.#second.name}@${this.#beamHost}`]: this.#second.cookie },
      epmd: { stock: "require", ours: "auto", none: "none" }[cell.epmd],
      epmdPort: this.#epmdPort,
      ...(cell.epmd === "none" && { listen: { port: this.#fixedPort }, fixedPort: this.#fixedPort }),
      ...(this.link && (cell.connects === "ours" ? { proxyPort: this.link.port } : { advertisedPort: this.link.port })),
      ...(cell.transport.startsWith("tls") && { tls: certificates(release).role }),
      ...(this.#shortTicks && { netTickTimeMs: TICK_SECONDS * 1_000 }),
    });
    if (this.link && cell.connects === "beam") this.link.leadTo(port);
  }

  /** Connects as the cell says who does. */
  async connect(): Promise<void> {
    const fromThere = (at = 0) =>
      this.beam.eval<boolean>(`
        Process.sleep(max(0, ${at} - System.os_time(:millisecond)))
        :net_kernel.connect_node(:"${this.name}")`);
    const fromHere = (at = 0) => this.subject.do("dial", { node: this.peer, at });
    if (this.cell.connects === "ours") await fromHere();
    if (this.cell.connects === "beam" && !(await fromThere())) throw new Error("the BEAM could not connect");
    if (this.cell.connects === "both") {
      const soon = Date.now() + 50;
      const [theirs] = await Promise.all([fromThere(soon), fromHere(soon)]);
      if (!theirs) throw new Error("the BEAM could not connect when both did");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const beam of this.#beams) {
      this.#parts.log(`${beam.name}: ${beam.output().trimEnd()}`);
      await beam.kill();
    }
    await this.subject?.kill();
    await this.link?.[Symbol.asyncDispose]();
  }

  get #beamHost(): string {
    return this.cell.transport === "ipv6" ? "::1" : "127.0.0.1";
  }

  get #shortTicks(): boolean {
    return this.cell.fault.endsWith("-frozen") || this.cell.fault.startsWith("link-");
  }

  async #startBeam(release: Release, name: string, cookie: string): Promise<Beam> {
    const { cell, certificates, echo = "Fixtures.Echo" } = this.#parts;
    const args = cell.epmd === "none" ? ["-erl_epmd_port", String(this.#fixedPort)] : [];
    const options: BeamOptions = {
      name,
      host: this.#beamHost,
      cookie,
      epmdPort: this.#epmdPort,
      hidden: cell.visibility === "hidden",
      genStage: release.genStage !== undefined,
      ...(this.#shortTicks && { ticktime: TICK_SECONDS }),
      args: cell.transport === "ipv6" ? [...args, "-proto_dist", "inet6_tcp"] : args,
    };
    const version = /^tls-(.+)$/.exec(cell.transport)?.[1];
    const beam = version
      ? await certificates(release).startBeam({ ...options, versions: `'tlsv${version}'` })
      : await startBeam(release, options);
    this.#beams.push(beam);
    await beam.eval(`:logger.set_primary_config(:level, :warning); {:ok, _} = ${echo}.start(name: :echo); nil`);
    return beam;
  }

  async #portOf(name: string): Promise<number> {
    const entry = await new EpmdClient({ port: this.#epmdPort }).lookup(name);
    if (!entry) throw new Error(`epmd does not know ${name}`);
    return entry.port;
  }
}
