import type { Timer } from "../base/index.ts";
import { type ApplicationInfo, applicationTerms } from "../otp/index.ts";
import { type Behaviour, type ProcessCore, Reason, readGen } from "../runtime/index.ts";
import { atom, atomText, equals, isList, isTuple, Pid, type Term, type Tuple, tuple } from "../term/index.ts";
import { APPMON, appTree } from "./app-tree.ts";
import type { View } from "./view.ts";

/** As `appmon_info` asks itself when it is not told. */
const DEFAULT_INTERVAL_MS = 2_000;

/** Something that the client wants to be told whenever it changes. */
interface Task {
  readonly command: Term;
  readonly about: Term;
  readonly intervalMs: number;
  /** What was delivered last. */
  last: unknown;
  timer: Timer | undefined;
}

/**
 * `appmon_info:start_link2/3`: a process that delivers the applications and their trees to a client, again whenever they
 * have changed, and ends with it.
 */
export function startAppmon(view: View, client: Pid): ProcessCore {
  const core = view.runtime.spawn((core) => new Appmon(view, core, client));
  core.trapExit = true;
  core.link(client);
  return core;
}

class Appmon implements Behaviour {
  readonly label = APPMON;
  readonly #view: View;
  readonly #core: ProcessCore;
  readonly #client: Pid;
  readonly #tasks: Task[] = [];

  constructor(view: View, core: ProcessCore, client: Pid) {
    this.#view = view;
    this.#core = core;
    this.#client = client;
  }

  /** `{Client, Command, About, On, Options}` as a cast, and the end of the client. */
  receive(message: unknown): void {
    const gen = readGen(this.#core, message);
    if (gen.kind === "call") return gen.from.reply(atom("ok"));
    if (gen.kind === "cast" && isTuple(gen.request) && gen.request.length === 5) {
      const [, command, about, on, options] = gen.request as unknown as Term[];
      this.#drop(command!, about!);
      if (on === true) this.#add(command!, about!, intervalOf(options));
    } else if (gen.kind === "info" && isTuple(gen.message) && isClient(gen.message[1], this.#client)) {
      this.#core.exit(Reason.normal);
    }
  }

  #add(command: Term, about: Term, intervalMs: number): void {
    const task: Task = { command, about, intervalMs, last: undefined, timer: undefined };
    this.#tasks.push(task);
    this.#deliver(task);
  }

  #drop(command: Term, about: Term): void {
    const index = this.#tasks.findIndex((task) => task.command === command && equals(task.about, about));
    if (index >= 0) this.#tasks.splice(index, 1)[0]?.timer?.cancel();
  }

  #deliver(task: Task): void {
    const result = this.#result(task);
    if (result === undefined) return;
    if (task.last === undefined || !equals(task.last, result)) {
      task.last = result;
      const { command, about } = task;
      void this.#core.send(
        this.#client,
        tuple(atom("delivery"), this.#core.pid, command as object, about as object, result as object),
        false,
      );
    }
    task.timer = this.#core.startTimer(task.intervalMs, () => this.#deliver(task));
  }

  #result({ command, about }: Task): unknown {
    const { application, host, node, runtime } = this.#view;
    const running = node.applications.which();
    switch (atomText(command)) {
      case "app_ctrl": {
        const all = [{ name: application.name, pid: host.pid }, ...running];
        const terms = applicationList(this.#view, running);
        return all.map(({ name, pid }, i) => tuple(pid, atom(name), terms[i]));
      }
      case "app": {
        if (atomText(about) === application.name) return appTree(this.#view);
        const pid = running.find(({ name }) => name === atomText(about))?.pid;
        const root = pid && runtime.find(pid);
        return root === undefined ? tuple([], [], [], []) : appTree(this.#view, root);
      }
      default:
        return undefined;
    }
  }
}

/** `[{App, Description, Version}]`: what the processes of the node are shown as, then its applications. */
export function applicationList({ application }: View, applications: readonly ApplicationInfo[]): Tuple[] {
  return applicationTerms([application, ...applications]);
}

function intervalOf(options: unknown): number {
  const given = isList(options)
    ? options.find((option) => isTuple(option) && atomText(option[0]) === "timeout")
    : undefined;
  const ms = isTuple(given) ? given[1] : undefined;
  return typeof ms === "number" && ms > 0 ? ms : DEFAULT_INTERVAL_MS;
}

function isClient(value: unknown, client: Pid): boolean {
  return value instanceof Pid && value.key === client.key;
}
