import { Erpc } from "../remote/index.ts";
import type { MonitorTarget, ProcessCore } from "../runtime/index.ts";
import { atom, Export, inspect } from "../term/index.ts";

/** For both questions together; who does not answer in that time is not asked any more. */
const TIMEOUT_MS = 5_000;

/**
 * What is wrong with a selector that is given as a function of the producer's node, or undefined.
 *
 * An Elixir producer takes any name, and the first event ends it, with all its consumers, if there is no such function. So its
 * node is asked before. Where that cannot be asked, or does not say, as nodes of ours that expose nothing, the producer will have to.
 */
export async function problemOfSelector(
  core: ProcessCore,
  producer: MonitorTarget,
  selector: Export,
): Promise<string | undefined> {
  const { node } = producer;
  const module = atom(selector.module);
  const asked = { timeoutMs: TIMEOUT_MS };
  if (selector.arity !== 1) return `expected :selector to be a function of one argument, got: ${inspect(selector)}`;
  try {
    const erpc = new Erpc(core);
    // A module that has not been used yet may not be loaded, and then has no functions.
    await erpc.call(node, "code", "ensure_loaded", [module], asked);
    const name = atom(selector.function);
    const isThere = await erpc.call(node, "erlang", "function_exported", [module, name, selector.arity], asked);
    return isThere === false ? `:selector ${inspect(selector)} does not exist on ${node}` : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a selector is one that has to be looked for on another node. */
export function isFunctionElsewhere(core: ProcessCore, producer: MonitorTarget, selector: unknown): selector is Export {
  return selector instanceof Export && producer.node !== core.runtime.identity.node;
}
