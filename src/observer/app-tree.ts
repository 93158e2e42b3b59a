import type { ProcessCore } from "../runtime/index.ts";
import { charlist, type Pid, type Tuple, tuple } from "../term/index.ts";
import { pidText } from "./terms.ts";
import { nameInTree, parentOf, type View } from "./view.ts";

/** Those who deliver trees have no place in them. */
export const APPMON = "appmon_info";

/**
 * The tree of processes below `root` as `appmon_info` delivers it: `{Root, [{Pid, Name}], [{Parent, Child}], [{From, To}]}`, all
 * names texts. Below the node's own process, the default, are all: those that nobody started with a link hang from it. The
 * last list has the other links, those to processes of other nodes among them.
 */
export function appTree(view: View, root: ProcessCore = view.host): Tuple {
  const { host, runtime } = view;
  const processes = [...runtime.processes()].filter(
    (core) => core.behaviour.label !== APPMON && (root === host || isBelow(view, core, root)),
  );
  const members = new Set(processes);
  const inTree: (readonly [ProcessCore, ProcessCore])[] = [];
  const tied = new Set<string>();
  const foreign = new Map<string, Pid>();
  const others: Tuple[] = [];
  for (const core of processes) {
    if (core === root) continue;
    const parent = parentOf(view, core) ?? root;
    inTree.push([parent, core]);
    tied.add(edge(parent.pid, core.pid)).add(edge(core.pid, parent.pid));
  }
  for (const core of processes) {
    for (const peer of core.links.peers()) {
      if (tied.has(edge(core.pid, peer))) continue;
      tied.add(edge(peer, core.pid)); // a link is told from one of its ends
      const local = runtime.find(peer);
      if (local !== undefined && !members.has(local)) continue;
      if (local === undefined) foreign.set(peer.key, peer);
      others.push(names(nameInTree(core), local === undefined ? foreignName(peer) : nameInTree(local)));
    }
  }
  const entries = [
    ...processes.map((core) => tuple(core.pid, charlist(nameInTree(core)))),
    ...[...foreign.values()].map((pid) => tuple(pid, charlist(foreignName(pid)))),
  ];
  const links = inTree.map(([parent, child]) => names(nameInTree(parent), nameInTree(child)));
  return tuple(charlist(nameInTree(root)), entries, links, others);
}

/** True for the root itself too. */
function isBelow(view: View, core: ProcessCore, root: ProcessCore): boolean {
  for (let at: ProcessCore | undefined = core; at !== undefined; at = parentOf(view, at)) if (at === root) return true;
  return false;
}

function edge(from: Pid, to: Pid): string {
  return `${from.key} ${to.key}`;
}

function names(from: string, to: string): Tuple {
  return tuple(charlist(from), charlist(to));
}

function foreignName(pid: Pid): string {
  return `${pidText(pid)} ${pid.node}`;
}
