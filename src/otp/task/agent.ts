import { coreOf, type Destination, type Process, type ProcessCore } from "../../runtime/index.ts";
import { behaviour } from "../server/behaviour.ts";
import { GenServer } from "../server/gen-server.ts";
import type { GenServerClass } from "../server/gen-server-process.ts";
import { type StartOptions, startServer } from "../server/start.ts";
import { AgentClient } from "./agent-client.ts";
import { AgentProcess } from "./agent-process.ts";

type MaybePromise<T> = T | Promise<T>;

/**
 * A process that keeps a state, and does with it what it is sent: functions of this node by {@link AgentClient}, and for other
 * nodes the exposed functions that `Agent.get(agent, module, fun, args)` of Elixir and its siblings name. A closure of a BEAM
 * cannot run here: it changes nothing, and is answered with `{error, closure_not_supported}`. Source of truth: Elixir's Agent.
 *
 * A function that fails ends the agent, and so the call that it came with.
 */
export abstract class Agent<S> extends GenServer {
  static override [behaviour](core: ProcessCore, serverClass: GenServerClass): AgentProcess {
    return new AgentProcess(core, serverClass);
  }

  /** An agent that begins with what `start` gives, which runs in it: to be started, or to be a `child`. */
  static of<S>(start: () => MaybePromise<S>): new () => Agent<S> {
    const Base = Agent<S>;
    return class Agent extends Base {
      override init(): MaybePromise<void> {
        const state = start();
        if (state instanceof Promise) return state.then((state) => this.#begin(state));
        this.#begin(state);
      }

      #begin(state: S): void {
        this.state = state;
      }
    };
  }

  /** Starts one, as `node.start` does, to be used by that process. @throws ExitError, as `node.start`. */
  static async start<S>(
    process: Process,
    start: () => MaybePromise<S>,
    options: Omit<StartOptions<Agent<S>>, "args"> = {},
  ): Promise<AgentClient<S>> {
    const core = coreOf(process);
    const { pid } = await startServer(core, Agent.of(start), options);
    return new AgentClient<S>(core, pid);
  }

  /** An agent of this node or another, also one of Elixir's, to be used by that process. */
  static at<S = unknown>(process: Process, agent: Destination): AgentClient<S> {
    return new AgentClient<S>(coreOf(process), agent);
  }

  /** What it keeps: of any type, since it stays where it is. */
  state!: S;

  override inspectState(): unknown {
    return this.state;
  }
}
