import { ExitError, nameText, type ProcessCore, type ProcessName, Reason, Server } from "../runtime/index.ts";
import { atom, type Pid, tuple } from "../term/index.ts";
import { type AnyServer, type ApiOf, type BehaviourClass, behaviour, type InitArgs } from "./behaviour.ts";
import type { OtpProcess } from "./otp-process.ts";

/** How to start a server. `args` may be left out when its `init` takes none. */
export type StartOptions<S> = {
  /** Registers it under this name before `init` runs. */
  readonly name?: ProcessName;
  /** Links it to the process that starts it. */
  readonly link?: boolean;
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
 * Starts a server and waits for its `init`: name, link, `init`, in this order, as `gen:start` does.
 *
 * @param user - the process in whose name it is started and then called.
 * @throws ExitError with the reason that `init` gave, `{already_started, Pid}` when the name is taken, or `ignore`.
 */
export function startServer<S extends AnyServer>(
  user: ProcessCore,
  serverClass: new () => S,
  options: { name?: ProcessName; link?: boolean; args?: unknown },
): Promise<StartedServer<ApiOf<S>>> {
  const { runtime } = user;
  const name = options.name === undefined ? undefined : nameText(options.name);
  return new Promise((resolve, reject) => {
    const holder = name === undefined ? undefined : runtime.names.find(name);
    if (holder !== undefined) throw new ExitError("start", name, tuple(atom("already_started"), holder.pid));
    const make = serverClass as unknown as BehaviourClass;
    let process: OtpProcess | undefined;
    const core = runtime.spawn((core) => {
      process = make[behaviour](core, make);
      return process;
    });
    try {
      if (name !== undefined) runtime.names.register(name, core);
    } catch (error) {
      core.exit(Reason.normal);
      throw error;
    }
    if (options.link) {
      user.link(core.pid);
      if (process !== undefined) process.parent = user.pid;
    }
    const starting = user.monitor(core.pid, (reason) => reject(new ExitError("start", name ?? core.pid, reason)));
    process?.init(options.args, () => {
      user.demonitor(starting);
      resolve(new StartedServer(user, core.pid));
    });
  });
}
