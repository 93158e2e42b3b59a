import type { Signal } from "../../src/dist/index.ts";
import { atom, Pid, Ref, type Term, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";
import { must } from "./fake-stream.ts";
import type { Mutator } from "./mutator.ts";

const PEER = "there@host";
const REASONS: readonly Term[] = ["normal", "kill", "killed", "noconnection", "shutdown", "x"].map((text) =>
  atom(text),
);

/** Well-formed signals in an order that no honest peer has: nobody but those they reach is concerned, nothing is left. */
export function fuzzSignals(mutator: Mutator): void {
  const world = new World();
  const ours = Array.from({ length: 3 }, () => world.spawn());
  for (const core of ours) core.trapExit = mutator.once(2);
  const theirs = Array.from({ length: 3 }, (_, i) => new Pid(PEER, i, 0, 1));
  const refs = Array.from({ length: 4 }, (_, i) => new Ref(PEER, 1, [i, 0, 7]));
  for (let i = mutator.below(40); i >= 0; i--) {
    const core = mutator.pick(ours);
    const [from, to] = [mutator.pick(theirs), mutator.once(10) ? new Pid(core.pid.node, 999, 0, 7) : core.pid];
    // What the peer hears it may use against us: our own references among them.
    const heard = world.sent.flatMap(({ signal }) => ("ref" in signal ? [signal.ref] : []));
    const ref = mutator.pick([...refs, ...heard]);
    const reason = mutator.pick(REASONS);
    const message = mutator.once(2) ? reason : (tuple(atom("$gen_call"), tuple(from, ref), reason) as unknown as Term);
    const signals: readonly Signal[] = [
      { op: "send", from, to, message },
      { op: "sendName", from, to: "nobody", message },
      { op: "sendAlias", from, to: ref, message, priority: mutator.once(2) },
      { op: "link", from, to },
      { op: "unlink", from, to, id: mutator.below(4) },
      { op: "unlinkAck", from, to, id: mutator.below(4) },
      { op: "linkExit", from, to, reason },
      { op: "exit", from, to, reason },
      { op: "monitor", from, to: mutator.once(4) ? "nobody" : to, ref },
      { op: "demonitor", from, to, ref },
      { op: "down", from, to, ref, reason },
      { op: "groupLeader", from, to },
      { op: "spawnReply", ref, to, flags: mutator.below(4), result: mutator.once(2) ? from : atom("notsup") },
    ];
    world.runtime.accept(mutator.pick(signals));
    if (mutator.once(3)) act(mutator, core, from);
  }
  must(world.user.alive, "a process that no signal was for has ended");
  world.runtime.nodeDown(PEER);
  for (const core of ours.filter(({ alive }) => alive)) {
    must(core.links.peers().length === 0 && core.watches.size === 0 && core.monitors.size === 0, "something is left");
    core.exit(REASONS[0]);
  }
  const { watches, ties, aliases } = world.runtime.counts();
  must(watches + ties + aliases === 0 && world.clock.pendingTimers === 0, "something is left");
}

/** What our processes do meanwhile. */
function act(mutator: Mutator, core: ReturnType<World["spawn"]>, peer: Pid): void {
  switch (mutator.below(4)) {
    case 0:
      return core.link(peer);
    case 1:
      return core.unlink(peer);
    case 2:
      return void core.monitor(peer);
    default: {
      const held = [...core.monitors.values()].map(({ ref }) => ref);
      if (held.length > 0) core.demonitor(mutator.pick(held));
    }
  }
}
