import { type Behaviour, type Outcome, type ProcessCore, type Runtime, readGen, sendReply } from "../runtime/index.ts";
import { atom, atomText, isTuple, Pid, tuple } from "../term/index.ts";
import { type Caller, CallerWithConsole, withoutConsole } from "./caller.ts";
import type { Exposed } from "./exposed.ts";
import { unknownMessage } from "./unknown-message.ts";

const CALL = atom("call");
const BLOCK_CALL = atom("block_call");
const CAST = atom("cast");
const SBCAST = atom("sbcast");
const REX = atom("rex");
const FEATURES_REQUEST = atom("features_request");
const FEATURES_REPLY = atom("features_reply");
const NONEXISTING_NAME = atom("nonexisting_name");
const BADRPC = atom("badrpc");
const EXIT = atom("EXIT");
const SEND_STDOUT_TO_CALLER = atom("send_stdout_to_caller");
const REX_STDOUT = atom("rex_stdout");

/**
 * The registered process `rex`: calls by `rpc:block_call`, by C nodes and jinterface, and by OTP 23. It runs exposed
 * functions only; every other call is answered with `{badrpc, {'EXIT', {undef, Stack}}}`. Source: rpc.erl.
 */
export function startRex(runtime: Runtime, exposed: Exposed): ProcessCore {
  const core = runtime.spawn((core) => new Rex(core, exposed));
  runtime.names.register("rex", core);
  return core;
}

class Rex implements Behaviour {
  readonly label = "rex";
  readonly immortal = true;
  readonly #core: ProcessCore;
  readonly #exposed: Exposed;

  constructor(core: ProcessCore, exposed: Exposed) {
    this.#core = core;
    this.#exposed = exposed;
  }

  receive(message: unknown): void | Promise<void> {
    const gen = readGen(this.#core, message);
    if (gen.kind === "call" && isTuple(gen.request)) {
      const { request, from } = gen;
      if (request[0] === CALL) return void this.#run(from.pid, request, (result) => from.reply(result));
      if (request[0] === BLOCK_CALL) return this.#run(from.pid, request, (result) => from.reply(result));
    } else if (gen.kind === "cast" && isTuple(gen.request) && gen.request[0] === CAST) {
      // A cast does not say who sent it, so only what is exposed to every node runs.
      return void this.#run(undefined, gen.request, () => {});
    } else if (gen.kind === "info" && isTuple(gen.message) && gen.message[0] instanceof Pid) {
      return this.#info(gen.message[0], gen.message[1]);
    }
    unknownMessage(this.#core, message);
  }

  /** `{Pid, features_request}` of every visible peer, `{Pid, {call, M, F, A, GL}}` of C nodes, `{Pid, {sbcast, Name, Msg}}`. */
  #info(pid: Pid, request: unknown): void {
    if (request === FEATURES_REQUEST) {
      const features = tuple(FEATURES_REPLY, atom(this.#core.runtime.identity.node), []);
      void this.#core.send(pid, features, false);
    } else if (isTuple(request) && request[0] === CALL) {
      void this.#run(pid, request, (result) => sendReply(this.#core, pid, REX, result));
    } else if (isTuple(request) && request[0] === SBCAST && request.length === 3) {
      void this.#core.send(pid, this.#passOn(request[1], request[2]), false);
    } else {
      this.#core.runtime.refused++;
    }
  }

  /** A message to a name of this node, of a caller who wants to know whether somebody has it. */
  #passOn(name: unknown, message: unknown): unknown {
    const { runtime } = this.#core;
    const node = atom(runtime.identity.node);
    const to = atomText(name);
    if (to === undefined || runtime.names.find(to) === undefined) {
      return tuple(REX, node, tuple(NONEXISTING_NAME, name as object));
    }
    void this.#core.send({ name: to, node: node.tag }, message, false);
    return tuple(REX, node, node);
  }

  /** Runs `{_, M, F, A, GroupLeader}` and answers with its result, or with why the result cannot be sent. */
  async #run(
    from: Pid | undefined,
    [, module, name, args, leader]: readonly unknown[],
    answer: (result: unknown) => void,
  ) {
    const caller = this.#callerOf(from, leader);
    const outcome = await this.#exposed.call(caller, module, name, args);
    if (caller instanceof CallerWithConsole) caller.close();
    try {
      answer(resultOf(outcome));
    } catch (error) {
      this.#core.runtime.logger.warn(`the result of ${module}:${name} could not be sent: ${error}`);
      answer(tuple(BADRPC, tuple(EXIT, String(error))));
    }
  }

  /** A group leader is a pid; `user`, which is this node's own; or for C nodes, the caller itself. */
  #callerOf(from: Pid | undefined, leader: unknown): Caller {
    const { runtime } = this.#core;
    const node = from?.node ?? "";
    if (from !== undefined && leader === SEND_STDOUT_TO_CALLER) {
      return { node, write: async (text) => this.#core.send(from, tuple(REX_STDOUT, text), false) };
    }
    const console = leader instanceof Pid ? leader : runtime.groupLeader;
    return console === undefined ? withoutConsole(node) : new CallerWithConsole(runtime, node, console);
  }
}

/** The forms in which `rpc` gives the three kinds of failure. */
function resultOf(outcome: Outcome): unknown {
  switch (outcome.kind) {
    case "return":
    case "throw":
      return outcome.value;
    case "exit":
      return tuple(BADRPC, tuple(EXIT, outcome.reason as object));
    case "error":
      return tuple(BADRPC, tuple(EXIT, tuple(outcome.reason as object, outcome.stack)));
  }
}
