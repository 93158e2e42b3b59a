import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type BeamProcess, type Release, startCommand } from "../providers/index.ts";
import { Control } from "./control.ts";
import { epmdNames } from "./epmd.ts";
import { type CodePaths, compileFixtures } from "./fixtures.ts";
import { helpersOf, untilGone, untilStopped } from "./processes.ts";

const START_TIMEOUT_MS = 60_000;

export interface BeamOptions {
  /** The part before the `@`; unique when not given. */
  readonly name?: string;
  /** The part after it, default `127.0.0.1`, or the release's own host. One without a dot makes a short-named node. */
  readonly host?: string;
  /** Started with `-sname undefined`: without a name until it connects to a node that gives it one. Does not listen. */
  readonly dynamicName?: boolean;
  /** Random when not given. */
  readonly cookie?: string;
  readonly hidden?: boolean;
  /** Default: `ERL_EPMD_PORT`, which the interop run sets to a stock epmd of its own; 4369 on the release's own host. */
  readonly epmdPort?: number;
  /** Puts GenStage, Flow and the stages of `elixir-fixtures` on the code path; needs a release that has them. */
  readonly genStage?: boolean;
  /** Seconds of `net_ticktime`, default the BEAM's own (60). */
  readonly ticktime?: number;
  /** More flags for `erl`, as in `["-kernel", "connect_all", "false"]`. They must not contain spaces. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface EvalOptions {
  /** Bytes or text for the variable `input` (a binary). */
  readonly input?: string | Uint8Array;
  /** Default 30,000. */
  readonly timeoutMs?: number;
}

/**
 * A real BEAM node under the control of a test. Code is evaluated through a channel of its own, never through the
 * distribution protocol, so its answers are independent of what is being tested. Leaves nothing behind when disposed.
 */
export class Beam implements AsyncDisposable {
  /** The whole node name, `name@host`. */
  readonly name: string;
  readonly cookie: string;
  readonly release: Release;
  readonly epmdPort: number;
  readonly #process: BeamProcess;
  readonly #control: Control;

  constructor(release: Release, node: NodeIdentity, process: BeamProcess, control: Control) {
    this.release = release;
    this.name = node.name;
    this.cookie = node.cookie;
    this.epmdPort = node.epmdPort;
    this.#process = process;
    this.#control = control;
  }

  /** "25" */
  get otp(): string {
    return this.release.otp;
  }

  /** The process id of the BEAM itself on this machine. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Resolves with an exit code or a signal's name once the BEAM has ended, for whatever reason. */
  get exited(): Promise<number | string> {
    return this.#process.exited;
  }

  /** What the BEAM printed until now (its log too). */
  output(): string {
    return this.#process.output();
  }

  /**
   * Evaluates Elixir code and gives its value as JSON has it (see `interop/peer/json.ex`). Variables stay bound for
   * later calls. Several calls may run at once; each runs in a process of its own, which is gone afterwards.
   * @throws PeerError with the BEAM's text.
   */
  async eval<T = unknown>(code: string, options: EvalOptions = {}): Promise<T> {
    const json = await this.#control.request("json", code, options.input, options.timeoutMs);
    return JSON.parse(json.toString()) as T;
  }

  /** As {@link eval}; the value as the bytes of `:erlang.term_to_binary/1`. */
  async evalBytes(code: string, options: EvalOptions = {}): Promise<Uint8Array> {
    return this.#control.request("etf", code, options.input, options.timeoutMs);
  }

  /** As {@link eval}; the value as `inspect/1` writes it, in full. */
  async inspect(code: string, options: EvalOptions = {}): Promise<string> {
    return (await this.#control.request("inspect", code, options.input, options.timeoutMs)).toString();
  }

  /** Evaluates `code` on the BEAM every 10 ms until it gives something truthy, which is returned. */
  async until<T = unknown>(code: string, options: EvalOptions = {}): Promise<T> {
    const timeoutMs = options.timeoutMs ?? 5_000;
    const loop = `Interop.Control.until(fn -> ${code}\n end, ${timeoutMs})`;
    return this.eval<T>(loop, { ...options, timeoutMs: timeoutMs + 30_000 });
  }

  /** SIGKILL, and waits until the BEAM and its helper programs are gone. */
  async kill(): Promise<void> {
    await this.#end(() => this.#process.signal("SIGKILL"));
  }

  /** SIGSTOP; resolves once the kernel shows the BEAM as stopped. */
  async freeze(): Promise<void> {
    this.#process.signal("SIGSTOP");
    await untilStopped(this.pid);
  }

  /** SIGCONT. */
  thaw(): void {
    this.#process.signal("SIGCONT");
  }

  /** An orderly end (`:init.stop`), which closes connections and runs the applications' own stop. */
  async stop(): Promise<void> {
    const outrun = () => {}; // the BEAM may be gone before its answer
    await this.#end(() => this.eval(":init.stop()").catch(outrun));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await nameIsGone(this.name, this.epmdPort, this.release.host?.address);
  }

  async #end(how: () => unknown): Promise<void> {
    const helpers = helpersOf(this.pid);
    await how();
    await this.exited;
    this.#control.close();
    await untilGone(helpers);
  }
}

/** Starts a BEAM node and resolves once it is up and answers {@link Beam.eval}. */
export async function startBeam(release: Release, options: BeamOptions = {}): Promise<Beam> {
  const code = await compileFixtures(release);
  const node = identity(release, options);
  const control = await Control.listen(release.host?.harness);
  try {
    const process = await startCommand(release, {
      argv: [
        "elixir",
        ...nodeFlags(release, node, options),
        ...pathFlags(code, options),
        "-e",
        "Interop.Control.run()",
      ],
      env: { ERL_EPMD_PORT: String(node.epmdPort), ELIXIR_ERL_OPTIONS: "+fnu", ...options.env, ...control.env },
    });
    const beam = new Beam(release, node, process, control);
    const started = await Promise.race([
      control.connected().then(() => "up"),
      process.exited,
      sleep(START_TIMEOUT_MS, "too late", { ref: false }),
    ]);
    if (started !== "up") {
      await beam.kill();
      throw new Error(`${node.name} on OTP ${release.otp} did not start (${started}):\n${beam.output()}`);
    }
    return beam;
  } catch (error) {
    control.close();
    throw error;
  }
}

interface NodeIdentity {
  readonly name: string;
  readonly cookie: string;
  readonly epmdPort: number;
}

/** A name that no other test, here or in another run, uses at the same time. */
export function uniqueName(prefix = "beam"): string {
  return `${prefix}-${randomBytes(5).toString("hex")}`;
}

function identity({ host }: Release, options: BeamOptions): NodeIdentity {
  const epmdPort = host ? 4369 : Number(process.env.ERL_EPMD_PORT ?? 4369);
  return {
    name: `${options.name ?? uniqueName()}@${options.host ?? host?.name ?? "127.0.0.1"}`,
    cookie: options.cookie ?? randomBytes(10).toString("hex"),
    epmdPort: options.epmdPort ?? epmdPort,
  };
}

function nodeFlags({ host }: Release, { name, cookie }: NodeIdentity, options: BeamOptions): string[] {
  const hostPart = name.slice(name.indexOf("@") + 1);
  // An epmd that the BEAM started itself would outlive it.
  const loopback = hostPart.includes(":") ? "{0,0,0,0,0,0,0,1}" : "{127,0,0,1}";
  const address = host ? `{${host.address.replaceAll(".", ",")}}` : loopback;
  const erl = ["-start_epmd", "false", "-kernel", "inet_dist_use_interface", address];
  if (options.ticktime !== undefined) erl.push("net_ticktime", String(options.ticktime));
  if (options.hidden) erl.push("-hidden");
  erl.push(...(options.args ?? []));
  const long = hostPart.includes(".") || hostPart.includes(":");
  const naming = options.dynamicName ? ["--sname", "undefined"] : [long ? "--name" : "--sname", name];
  return [...naming, "--cookie", cookie, "--erl", erl.join(" ")];
}

function pathFlags(code: CodePaths, options: BeamOptions): string[] {
  if (options.genStage && !code.stages) throw new Error("this release has no GenStage");
  const folders = [code.base, ...(options.genStage ? (code.stages ?? []) : [])];
  return folders.flatMap((folder) => ["-pa", folder]);
}

/** epmd drops a name when it notices the closed socket, which is a moment after the process is gone. */
async function nameIsGone(name: string, epmdPort: number, address?: string): Promise<void> {
  const short = name.slice(0, name.indexOf("@"));
  for (const deadline = Date.now() + 5_000; ; await sleep(5)) {
    const names = await epmdNames(epmdPort, address).catch((): string[] => []); // no epmd, no name
    if (!names.includes(short)) return;
    if (Date.now() > deadline) throw new Error(`epmd still has ${short}`);
  }
}
