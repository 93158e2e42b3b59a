import { ArgumentError } from "../../base/index.ts";
import {
  checkTimeout,
  Exit,
  ExitError,
  nameText,
  type ProcessCore,
  Reason,
  type RegisteredName,
  type Runtime,
  resolverOf,
  Server,
} from "../../runtime/index.ts";
import { atom, inspect, type Pid, tuple } from "../../term/index.ts";
import { type AnyServer, type ApiOf, type BehaviourClass, behaviour, type InitArgs } from "./behaviour.ts";
import type { OtpProcess, SysOptions } from "./otp-process.ts";

/** How to start a server. `args` may be left out when its `init` takes none. */
export type StartOptions<S> = SysOptions & {
  /** Registers it under this name before `init` runs. */
  readonly name?: RegisteredName;
  /** Links it to the process that starts it. */
  readonly link?: boolean;
  /** Milliseconds that its `init` may take; after that it is killed. Default `Infinity`, as on the BEAM. */
  readonly timeoutMs?: number;
} & (undefined extends InitArgs<S> ? { readonly args?: InitArgs<S> } : { readonly args: InitArgs<S> });

/** A server that was started here. */
export class StartedServer<Api> extends Server<Api> {
  readonly pid: Pid;

  constructor(user: ProcessCore, pid: Pid) {
    super(user, pid);
    this.pid = pid;
  }
}

/**
 * Starts a server and waits for its `init`: link, name, `init`, in this order, as `gen:start` does.
 *
 * @param user - the process in whose name it is started and then called.
 * @throws ExitError with the reason that `init` gave, `{already_started, Pid}` when the name is taken, `ignore`, or
 * `timeout`; Exit when the user has ended; ArgumentError for what is no class of a process, and no debug option.
 */
export function startServer<S extends AnyServer>(
  user: ProcessCore,
  serverClass: new () => S,
  options: SysOptions & { name?: RegisteredName; link?: boolean; timeoutMs?: number; args?: unknown },
): Promise<StartedServer<ApiOf<S>>> {
  const { runtime } = user;
  const { name, link = false, timeoutMs = Number.POSITIVE_INFINITY, args } = options;
  return new Promise((resolve, reject) => {
    checkTimeout(timeoutMs);
    const make = serverClass as unknown as BehaviourClass;
    if (typeof make?.[behaviour] !== "function") {
      throw new ArgumentError(
        "server",
        `${inspect(serverClass)} is no class of a process: a GenServer, a stage, a Supervisor`,
      );
    }
    if (!user.alive) throw new Exit(user.exitReason);
    const place = name === undefined ? undefined : placeOf(runtime, name);
    const failure = (reason: unknown) => new ExitError("start", name ?? core.pid, reason);
    const taken = () => failure(tuple(atom("already_started"), place?.whereis()));
    if (place?.whereis() !== undefined) throw taken();
    let process: OtpProcess | undefined;
    const { groupLeader } = user;
    const core = runtime.spawn(
      (core) => {
        process = make[behaviour](core, make);
        process.className = serverClass.name;
        process.govern(options);
        return process;
      },
      { groupLeader },
    );
    if (link) {
      user.link(core.pid);
      if (process !== undefined) process.parent = user.pid;
    }
    /** It is not to be, and whoever is linked to it does not hear of an end. */
    const abandon = (error: unknown, reason: unknown) => {
      user.unlink(core.pid);
      core.exit(reason);
      reject(error);
    };
    const init = (named: boolean) => {
      if (!named) return abandon(taken(), Reason.normal);
      const timer =
        timeoutMs === Number.POSITIVE_INFINITY
          ? undefined
          : user.startTimer(timeoutMs, () => {
              user.demonitor(starting);
              place?.unregister();
              abandon(failure(Reason.timeout), Reason.killed);
            });
      const starting = user.monitor(core.pid, () => {
        timer?.cancel();
        place?.unregister();
        // Not what the DOWN says: where a signal is just being handled, the process may have ended before it is monitored.
        reject(failure(core.exitReason));
      });
      process?.init(args, () => {
        timer?.cancel();
        user.demonitor(starting);
        resolve(new StartedServer(user, core.pid));
      });
    };
    const nameless = (error: unknown) => abandon(error, Reason.normal);
    try {
      const named = place === undefined || place.register(core);
      if (named instanceof Promise) named.then(init).catch(nameless);
      else init(named);
    } catch (error) {
      nameless(error);
    }
  });
}

/** Where a name is kept. */
interface Place {
  whereis(): Pid | undefined;
  register(core: ProcessCore): boolean | Promise<boolean>;
  unregister(): void;
}

function placeOf({ names }: Runtime, to: RegisteredName): Place {
  if (typeof to === "object" && "via" in to) {
    const { name } = to;
    const via = resolverOf(to.via);
    return {
      whereis: () => via.whereis(name),
      register: ({ pid }) => via.register(name, pid),
      unregister: () => via.unregister(name),
    };
  }
  const text = nameText(to);
  return {
    whereis: () => names.find(text)?.pid,
    register(core) {
      names.register(text, core);
      return true;
    },
    unregister() {}, // it went with its process
  };
}
