import { NodeDownError } from "../base/index.ts";
import type { Term } from "../term/index.ts";
import { checkNodes, nameText, type ProcessName } from "./destination.ts";
import { ExitError } from "./exit-reason.ts";
import { type CallOptions, call, cast } from "./gen.ts";
import type { ProcessCore } from "./process-core.ts";

/** What came of a call to a name on several nodes. */
export interface MultiCallResult<T = Term> {
  /** In the order of the nodes, without those that are bad. */
  readonly replies: readonly { readonly node: string; readonly reply: T }[];
  /** Nodes that are not there, have no process of that name, or where it ended or did not answer in time. */
  readonly badNodes: readonly string[];
}

/** `gen_server:multi_call/4`: the calls are made at once, and fail one by one. */
export async function multiCall(
  core: ProcessCore,
  nodes: readonly ProcessName[],
  name: ProcessName,
  request: unknown,
  options: CallOptions = {},
): Promise<MultiCallResult> {
  const replies: { node: string; reply: Term }[] = [];
  const badNodes: string[] = [];
  const outcomes = await Promise.allSettled(
    checkNodes(nodes).map((node) => call(core, { name, node }, request, options)),
  );
  outcomes.forEach((outcome, index) => {
    const node = nameText(nodes[index]);
    if (outcome.status === "fulfilled") replies.push({ node, reply: outcome.value });
    else if (isBadNode(outcome.reason)) badNodes.push(node);
    else throw outcome.reason; // the request is no term, or the caller gave up
  });
  return { replies, badNodes };
}

/**
 * `gen_server:abcast/3`: a cast to a name on each of the nodes. One that cannot be sent to one node goes to the others all the
 * same; the first such failure is thrown after that.
 */
export function abcast(
  core: ProcessCore,
  nodes: readonly ProcessName[],
  name: ProcessName,
  request: unknown,
): Promise<void> | undefined {
  const full: Promise<void>[] = [];
  const failures: unknown[] = [];
  for (const node of checkNodes(nodes)) {
    try {
      const room = cast(core, { name, node }, request);
      if (room !== undefined) full.push(room);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return full.length === 0 ? undefined : Promise.all(full).then(() => {});
}

function isBadNode(error: unknown): boolean {
  return error instanceof ExitError || error instanceof NodeDownError;
}
