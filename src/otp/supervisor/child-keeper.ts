import { Erpc } from "../../remote/index.ts";
import { aliasTag, Exit, ExitError, type ProcessCore, Reason } from "../../runtime/index.ts";
import { type Atom, atom, atomText, charlist, isTuple, type Term, type Tuple, tuple } from "../../term/index.ts";

/** A function of another node that starts a process there. */
export interface RemoteFunction {
  readonly node: string;
  readonly module: Atom;
  readonly name: Atom;
  readonly args: readonly unknown[];
}

/**
 * What runs beside a child on its node: it starts the child without being its parent, and ends it when the supervisor has
 * ended, for whatever reason, or its node is lost. A link alone would not do: to a server that traps exits, and was started
 * without a link, the end of the supervisor is one message like others.
 */
const KEEPER = `
  process_flag(trap_exit, true),
  Watch = monitor(process, Supervisor),
  Outcome =
    try apply(Module, Name, Args) of
      Value -> {return, Value}
    catch
      throw:Thrown -> {throw, Thrown};
      exit:Reason -> {exit, Reason};
      error:Error:Stack -> {error, Error, Stack}
    end,
  Pid =
    case Outcome of
      {return, {ok, Started}} when is_pid(Started) -> Started;
      {return, {ok, Started, _}} when is_pid(Started) -> Started;
      _ -> none
    end,
  {links, Links} = process_info(self(), links),
  case lists:member(Pid, Links) of
    true ->
      unlink(Pid),
      exit(Pid, kill),
      Supervisor ! {Tag, linked};
    false when Pid =:= none ->
      Supervisor ! {Tag, Outcome};
    false ->
      Child = monitor(process, Pid),
      Supervisor ! {Tag, Outcome},
      receive
        {'DOWN', Child, process, _, _} -> ok;
        {'DOWN', Watch, process, _, _} ->
          exit(Pid, shutdown),
          receive {'DOWN', Child, process, _, _} -> ok after Shutdown -> exit(Pid, kill) end
      end
  end.
`;

/**
 * Starts a process on another node by a keeper there.
 *
 * @param shutdown - what the child is given to end once the supervisor is no more: milliseconds or `infinity`.
 * @returns what the function gave, or threw.
 * @throws Exit when it exited or failed; ExitError `{linked_to_starter, {M, F, Arity}}`; NodeDownError; RpcError.
 */
export async function startKept(core: ProcessCore, fun: RemoteFunction, shutdown: number | Atom): Promise<Term> {
  const erpc = new Erpc(core);
  const [, tokens] = await erpc.call<Tuple>(fun.node, "erl_scan", "string", [charlist(KEEPER)]);
  const [, forms] = await erpc.call<Tuple>(fun.node, "erl_parse", "parse_exprs", [tokens]);
  const outcome = await outcomeOf(core, forms as Term, fun, shutdown);
  const [kind, value, stack] = isTuple(outcome) ? (Array.from(outcome) as Term[]) : [];
  switch (atomText(kind)) {
    case "return":
    case "throw":
      return value as Term;
    case "exit":
      throw new Exit(value);
    case "error":
      throw new Exit(tuple(value as object, stack as object));
  }
  const mfa = tuple(fun.module, fun.name, fun.args.length);
  throw new ExitError("start", fun.name, tuple(atom("linked_to_starter"), mfa));
}

/** Runs the keeper, and waits for its one message. */
async function outcomeOf(core: ProcessCore, forms: Term, fun: RemoteFunction, shutdown: number | Atom): Promise<Term> {
  const { runtime } = core;
  const reply = runtime.identity.newRef();
  // In the order of their names, as erl_eval keeps them.
  const bindings = {
    Args: fun.args,
    Module: fun.module,
    Name: fun.name,
    Shutdown: shutdown,
    Supervisor: core.pid,
    Tag: aliasTag(reply),
  };
  const args = [forms, Object.entries(bindings).map(([name, value]) => tuple(atom(name), value as object))];
  try {
    return await new Promise<Term>((resolve, reject) => {
      const ended = (reason: unknown) =>
        reject(reason === Reason.noconnection ? runtime.nodeDownError(fun.node) : new Exit(reason));
      runtime.addAlias(reply, {
        core,
        deliver: (message) => void (isTuple(message) && message.length === 2 && resolve(message[1] as Term)),
      });
      runtime.spawns
        .send(core, fun.node, {
          module: "erl_eval",
          function: "exprs",
          args,
          link: false,
          monitor: (_pid, _ref, reason) => ended(reason),
          onAbandoned: ended,
        })
        .catch(reject);
    });
  } finally {
    runtime.removeAlias(reply);
  }
}
