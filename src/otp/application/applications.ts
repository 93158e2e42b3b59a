import { ExitError, isOrderly, nameText, type ProcessCore, type ProcessName, Reason } from "../../runtime/index.ts";
import { atom, charlist, Pid, type Tuple, tuple } from "../../term/index.ts";
import { type AnyServer, behaviour } from "../server/behaviour.ts";
import { startServer } from "../server/start.ts";
import { childrenOf } from "../supervisor/children-of.ts";
import type { Application, ApplicationSpec, LoadArgs, StartType } from "./application.ts";
import { ApplicationError } from "./application-error.ts";
import { ApplicationProcess, type ApplicationRun } from "./application-process.ts";

export type ApplicationState = "loaded" | "starting" | "running" | "stopping";

/** What is known of an application that is loaded. */
export interface ApplicationInfo {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly state: ApplicationState;
  /** With what it was started last, or would be. */
  readonly startType: StartType;
  readonly applications: readonly string[];
  readonly env: Readonly<Record<string, unknown>>;
  /** Its process, while it runs. */
  readonly pid: Pid | undefined;
}

interface Loaded {
  readonly name: string;
  readonly spec: ApplicationSpec;
  readonly applicationClass: new () => Application;
  state: ApplicationState;
  startType: StartType;
  process: ApplicationProcess | undefined;
  core: ProcessCore | undefined;
  starting: Promise<void> | undefined;
  /** Resolves when it has ended. */
  end: Promise<void>;
  ended(): void;
}

/** The applications of a node: `node.applications`. Source of truth: application(3). */
export class Applications {
  readonly #user: ProcessCore;
  readonly #stopNode: () => void;
  readonly #loaded = new Map<string, Loaded>();
  /** In the order of their start. */
  #running: Loaded[] = [];

  /** `stopNode` is called when an application ends that the node is not to run without. */
  constructor(user: ProcessCore, stopNode: () => void) {
    this.#user = user;
    this.#stopNode = stopNode;
  }

  /**
   * Makes an application known, by what its `load` says of it.
   *
   * @returns its name.
   * @throws ApplicationError `APPLICATION_ALREADY_LOADED`.
   */
  load<A extends Application>(
    applicationClass: new () => A,
    ...[args]: undefined extends LoadArgs<A> ? [args?: LoadArgs<A>] : [args: LoadArgs<A>]
  ): string {
    const spec = new applicationClass().load(args);
    const name = nameText(spec.name);
    if (this.#loaded.has(name)) throw new ApplicationError("APPLICATION_ALREADY_LOADED", name);
    this.#loaded.set(name, {
      name,
      spec,
      applicationClass,
      state: "loaded",
      startType: spec.startType ?? "temporary",
      process: undefined,
      core: undefined,
      starting: undefined,
      end: Promise.resolve(),
      ended: () => {},
    });
    return name;
  }

  /** Forgets an application. @throws ApplicationError `APPLICATION_UNKNOWN`, or `APPLICATION_ALREADY_STARTED` while it runs. */
  unload(name: ProcessName): void {
    const loaded = this.#find(name);
    if (loaded.state !== "loaded") throw new ApplicationError("APPLICATION_ALREADY_STARTED", loaded.name);
    this.#loaded.delete(loaded.name);
  }

  /**
   * Starts an application, after those that it needs and that do not run yet: its children in order, then its `start(args)`.
   *
   * @throws ApplicationError `APPLICATION_UNKNOWN`, of this one or one that it needs, `APPLICATION_ALREADY_STARTED`,
   * `APPLICATION_BUSY` while it is being stopped, `APPLICATION_CYCLE`; ExitError with the reason for which a child did not
   * start, or of what its `start` threw. Children that had started are stopped then.
   */
  async start(name: ProcessName, args?: unknown): Promise<void> {
    const loaded = this.#find(name);
    return this.#start(loaded, loaded.spec.startType ?? "temporary", args);
  }

  /** {@link Applications.start}, whatever start type the application has by itself. */
  async startPermanent(name: ProcessName, args?: unknown): Promise<void> {
    return this.#start(this.#find(name), "permanent", args);
  }

  /** See {@link Applications.startPermanent}. */
  async startTransient(name: ProcessName, args?: unknown): Promise<void> {
    return this.#start(this.#find(name), "transient", args);
  }

  /** See {@link Applications.startPermanent}. */
  async startTemporary(name: ProcessName, args?: unknown): Promise<void> {
    return this.#start(this.#find(name), "temporary", args);
  }

  /**
   * Stops an application: `prepStop`, its children, the last one first, `stop`. Others that need it go on. Resolves when it
   * has ended.
   *
   * @param options.timeoutMs - how long to wait for all of it; default: as long as it takes.
   * @throws ApplicationError `APPLICATION_UNKNOWN`, `APPLICATION_NOT_RUNNING`, `APPLICATION_BUSY` when the time is over: then
   * it goes on stopping.
   */
  async stop(name: ProcessName, options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const loaded = this.#find(name);
    const { process, core, state } = loaded;
    if (state !== "running" && state !== "stopping") throw new ApplicationError("APPLICATION_NOT_RUNNING", loaded.name);
    if (state === "running") {
      loaded.state = "stopping";
      core?.enqueue(() => process?.finish(Reason.shutdown));
    }
    const { timeoutMs = Number.POSITIVE_INFINITY } = options;
    if (timeoutMs === Number.POSITIVE_INFINITY) return loaded.end;
    return new Promise((resolve, reject) => {
      const late = () => reject(new ApplicationError("APPLICATION_BUSY", loaded.name));
      const timer = this.#user.startTimer(timeoutMs, late);
      void loaded.end.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** What is known of an application. @throws ApplicationError `APPLICATION_UNKNOWN`. */
  info(name: ProcessName): ApplicationInfo {
    return infoOf(this.#find(name));
  }

  /** All that are loaded, in that order. */
  loaded(): ApplicationInfo[] {
    return Array.from(this.#loaded.values(), infoOf);
  }

  /** Those that run, the one that was started last first. Same as `application:which_applications/0`. */
  which(): ApplicationInfo[] {
    return this.#running.map(infoOf).reverse();
  }

  /** The direct children of an application, or of any process of this node: those that it started with a link. */
  children(of: ProcessName | Pid): Pid[] {
    const pid = of instanceof Pid ? of : this.#find(of).core?.pid;
    return pid === undefined ? [] : childrenOf(this.#user.runtime, pid);
  }

  /** Stops all that run, the one that was started last first. */
  async stopAll(): Promise<void> {
    for (const { name } of this.#running.toReversed()) await this.stop(name);
  }

  #find(name: ProcessName): Loaded {
    const text = nameText(name);
    const loaded = this.#loaded.get(text);
    if (loaded === undefined) throw new ApplicationError("APPLICATION_UNKNOWN", text);
    return loaded;
  }

  #start(loaded: Loaded, startType: StartType, args: unknown): Promise<void> {
    const { name, state } = loaded;
    if (state === "stopping") throw new ApplicationError("APPLICATION_BUSY", name);
    if (state !== "loaded") throw new ApplicationError("APPLICATION_ALREADY_STARTED", name);
    this.#checkCycle(loaded, []);
    loaded.state = "starting";
    loaded.startType = startType;
    loaded.starting = this.#launch(loaded, args).catch((error: unknown) => {
      loaded.state = "loaded";
      throw error;
    });
    return loaded.starting;
  }

  async #launch(loaded: Loaded, args: unknown): Promise<void> {
    const { name, spec, applicationClass, startType } = loaded;
    for (const needed of spec.applications ?? []) await this.#ensure(needed);
    loaded.end = new Promise((resolve) => {
      loaded.ended = resolve;
    });
    const run: ApplicationRun = {
      name,
      spec,
      startType,
      args,
      started: () => {
        loaded.state = "running";
        this.#running.push(loaded);
      },
      ended: (reason, asked) => this.#ended(loaded, reason, asked),
    };
    const runnable = runnableOf(applicationClass.name, (core) => {
      loaded.core = core;
      loaded.process = new ApplicationProcess(core, applicationClass, run);
      return loaded.process;
    });
    await startServer(this.#user, runnable, {}).catch((error: unknown) => {
      throw error instanceof ExitError ? new ExitError("start", name, error.reason) : error;
    });
  }

  /** It runs, or is started, or its being started is waited for. */
  #ensure(name: ProcessName): Promise<void> | undefined {
    const needed = this.#find(name);
    if (needed.state === "running") return undefined;
    if (needed.state === "starting") return needed.starting;
    return this.#start(needed, needed.spec.startType ?? "temporary", undefined);
  }

  #checkCycle({ name, spec }: Loaded, path: readonly string[]): void {
    if (path.includes(name)) throw new ApplicationError("APPLICATION_CYCLE", name, [...path, name].join(", "));
    for (const needed of spec.applications ?? []) {
      const next = this.#loaded.get(nameText(needed));
      if (next !== undefined) this.#checkCycle(next, [...path, name]);
    }
  }

  #ended(loaded: Loaded, reason: unknown, asked: boolean): void {
    const started = loaded.state !== "starting";
    this.#running = this.#running.filter((other) => other !== loaded);
    Object.assign(loaded, { state: "loaded", core: undefined, process: undefined });
    loaded.ended();
    if (!started) return;
    const { name, startType } = loaded;
    this.#user.runtime.logger.info(`application ${name} has ended`);
    if (asked || startType === "temporary" || (startType === "transient" && isOrderly(reason))) return;
    this.#stopNode();
  }
}

/** What `startServer` takes for a class. */
function runnableOf(name: string, make: (core: ProcessCore) => ApplicationProcess): new () => AnyServer {
  return { name, [behaviour]: make } as unknown as new () => AnyServer;
}

/** `[{Name, Description, Version}]`, as `application:which_applications/0` gives it. */
export function applicationTerms(
  applications: readonly Pick<ApplicationInfo, "name" | "description" | "version">[],
): Tuple[] {
  return applications.map(({ name, description, version }) =>
    tuple(atom(name), charlist(description), charlist(version)),
  );
}

function infoOf({ name, spec, state, startType, core }: Loaded): ApplicationInfo {
  const { description = "", version = "", applications = [], env = {} } = spec;
  const environment = core?.environment === undefined ? env : Object.fromEntries(core.environment);
  return {
    name,
    description,
    version,
    state,
    startType,
    applications: applications.map(nameText),
    env: environment,
    pid: core?.pid,
  };
}
