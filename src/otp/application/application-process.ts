import { Exit, isOrderly, Process, type ProcessCore, Reason, readGen, reasonOf } from "../../runtime/index.ts";
import { atom, inspect, isTuple, Pid, type Term } from "../../term/index.ts";
import { OtpProcess } from "../server/otp-process.ts";
import { replaceState, stateOf } from "../server/server-state.ts";
import { startChild, stopChild } from "../supervisor/child-process.ts";
import { type CheckedSpec, checkSpec, checkUnique } from "../supervisor/child-spec.ts";
import type { Application, ApplicationSpec, StartType } from "./application.ts";

/** What an application is started with. */
export interface ApplicationRun {
  readonly name: string;
  readonly spec: ApplicationSpec;
  readonly startType: StartType;
  readonly args: unknown;
  started(): void;
  /** Its process has ended. `asked`: somebody wanted it to, or its time was over. */
  ended(reason: unknown, asked: boolean): void;
}

interface RunningChild {
  readonly spec: CheckedSpec;
  readonly pid: Pid;
}

const EXIT = atom("EXIT");
const IO_REQUEST = atom("io_request");

/** Runs an {@link Application} in a process. Source: behaviours.md §4. */
export class ApplicationProcess extends OtpProcess {
  readonly label: string;
  readonly #application: Application;
  /** Who prints what the application's processes print. */
  readonly #console: Pid;
  readonly #run: ApplicationRun;
  /** Those that run, in the order of their start. */
  #children: RunningChild[] = [];
  #asked = false;
  #ending = false;

  constructor(core: ProcessCore, applicationClass: new () => Application, run: ApplicationRun) {
    super(core, "application_master");
    this.label = `Application ${run.name}`;
    this.#run = run;
    core.trapExit = true;
    this.#console = core.groupLeader;
    core.groupLeader = core.pid;
    core.environment = new Map(Object.entries(run.spec.env ?? {}).filter(([, value]) => value !== null));
    this.#application = new applicationClass();
    Object.defineProperty(this.#application, "process", { value: new Process(core) });
  }

  init(_args: unknown, started: () => void): void {
    const { spec, args } = this.#run;
    this.core.occupy(async () => {
      try {
        await this.#startChildren(spec);
        await this.#application.start?.(args);
      } catch (error) {
        const reason = reasonOf(error);
        await this.#stopChildren(reason);
        return this.core.exit(reason);
      }
      if (spec.lifespanMs !== undefined) {
        this.core.startTimer(spec.lifespanMs, () => this.core.enqueue(() => this.finish(Reason.normal)));
      }
      this.#run.started();
      started();
    });
  }

  /** Ends it because somebody wants it so. */
  finish(reason: unknown): void | Promise<void> {
    this.#asked = true;
    return this.end(reason);
  }

  ended(reason: unknown): void {
    this.#run.ended(reason, this.#asked);
  }

  protected handle(message: unknown): void | Promise<void> {
    if (isTuple(message) && message.length === 3 && message[0] === EXIT && message[1] instanceof Pid) {
      const [, pid, reason] = message;
      return pid.key === this.core.pid.key ? this.finish(reason) : this.#childEnded(pid, reason);
    }
    if (isTuple(message) && message[0] === IO_REQUEST) return void this.core.send(this.#console, message, false);
    const gen = readGen(this.core, message);
    if (gen.kind === "info" && this.#application.handleInfo !== undefined) {
      return this.guarded(
        () => this.#application.handleInfo?.(gen.message),
        () => {},
      );
    }
    this.core.runtime.logger.warn(`${this.label} received unexpected ${gen.kind}: ${inspect(message)}`);
  }

  protected terminate(): unknown {
    return this.#application.stop?.();
  }

  protected state(): Term {
    return stateOf(this.#application, this.core.runtime.copies);
  }

  protected replaceState(state: Term): void {
    replaceState(this.#application, state, this.core.runtime.copies);
  }

  protected override end(reason: unknown, error?: unknown): void | Promise<void> {
    if (!this.core.alive || this.#ending) return;
    this.#ending = true;
    return this.#prepared()
      .then(() => this.#stopChildren(reason))
      .then(() => super.end(reason, error));
  }

  /** A `prepStop` that fails does not keep the children from being stopped. */
  async #prepared(): Promise<void> {
    try {
      await this.#application.prepStop?.();
    } catch (error) {
      this.core.runtime.logger.error(`${this.label}: prepStop failed: ${error}`);
    }
  }

  async #startChildren({ children = [] }: ApplicationSpec): Promise<void> {
    const specs = children.map((child) => checkSpec({ ...child, significant: false }, "never"));
    checkUnique(specs);
    for (const spec of specs) {
      const outcome = await startChild(this.core, spec.start);
      if (outcome.kind === "failed") throw new Exit(outcome.reason);
      if (outcome.kind === "started") this.#children.push({ spec, pid: outcome.pid });
    }
  }

  /** In the reverse order of their start, each with the time that its spec gives it. */
  async #stopChildren(reason: unknown): Promise<void> {
    for (let child = this.#children.pop(); child !== undefined; child = this.#children.pop()) {
      await stopChild(this.core, child.pid, child.spec.shutdown, signalFor(reason));
    }
  }

  #childEnded(pid: Pid, reason: unknown): void | Promise<void> {
    const child = this.#children.find((one) => one.pid.key === pid.key);
    if (child === undefined) return;
    this.#children = this.#children.filter((one) => one !== child);
    const { logger } = this.core.runtime;
    const what = `${this.label}: child ${inspect(child.spec.id)} ended: ${inspect(reason)}`;
    const startType = this.#run.startType;
    if (startType === "temporary" || (startType === "transient" && isOrderly(reason))) {
      logger[isOrderly(reason) ? "info" : "warn"](what);
      return;
    }
    logger.error(`${what}, and with it the application, which is ${startType}`);
    return this.end(reason);
  }
}

/** `normal` would end nobody, and `kill` could not be trapped. */
function signalFor(reason: unknown): unknown {
  if (reason === Reason.normal) return Reason.shutdown;
  return reason === Reason.kill ? Reason.killed : reason;
}
