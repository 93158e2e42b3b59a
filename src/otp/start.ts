import {
  ExitError,
  nameText,
  type ProcessCore,
  Reason,
  type RegisteredName,
  type Runtime,
  Server,
} from "../runtime/index.ts";
import { atom, type Pid, tuple } from "../term/index.ts";
import { type AnyServer, type ApiOf, type BehaviourClass, behaviour, type InitArgs } from "./behaviour.ts";
import type { OtpProcess, SysOptions } from "./otp-process.ts";

/** How to start a server. `args` may be left out when its `init` takes none. */
export type StartOptions<S> = SysOptions & {
  /** Registers it under this name before `init` runs. */
  readonly name?: RegisteredName;
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
 * Starts a server and waits for its `init`: link, name, `init`, in this order, as `gen:start` does.
 *
 * @param user - the process in whose name it is started and then called.
 * @throws ExitError with the reason that `init` gave, `{already_started, Pid}` when the name is taken, or `ignore`;
 * ArgumentError for what is no debug option.
 */
export function startServer<S extends AnyServer>(
  user: ProcessCore,
  serverClass: new () => S,
  options: SysOptions & { name?: RegisteredName; link?: boolean; args?: unknown },
): Promise<StartedServer<ApiOf<S>>> {
  const { runtime } = user;
  const { name, link = false, args } = options;
  return new Promise((resolve, reject) => {
    const place = name === undefined ? undefined : placeOf(runtime, name);
    const failure = (reason: unknown) => new ExitError("start", name, reason);
    const taken = () => failure(tuple(atom("already_started"), place?.whereis()));
    if (place?.whereis() !== undefined) throw taken();
    const make = serverClass as unknown as BehaviourClass;
    let process: OtpProcess | undefined;
    const core = runtime.spawn((core) => {
      process = make[behaviour](core, make);
      process.className = serverClass.name;
      process.govern(options);
      return process;
    });
    if (link) {
      user.link(core.pid);
      if (process !== undefined) process.parent = user.pid;
    }
    const nameless = (error: unknown) => {
      user.unlink(core.pid);
      core.exit(Reason.normal);
      reject(error);
    };
    const init = (named: boolean) => {
      if (!named) return nameless(taken());
      const starting = user.monitor(core.pid, (reason) => {
        place?.unregister();
        reject(name === undefined ? new ExitError("start", core.pid, reason) : failure(reason));
      });
      process?.init(args, () => {
        user.demonitor(starting);
        resolve(new StartedServer(user, core.pid));
      });
    };
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
    const { via, name } = to;
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
