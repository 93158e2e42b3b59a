import { expect, test } from "vitest";
import { infoOf } from "../../src/runtime/index.ts";
import { Pid, Ref } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

const THERE = new Pid("there@host", 40, 2, 9);
const NOTHING = {
  name: undefined,
  links: [],
  monitors: [],
  monitoredBy: [],
  messageQueueLength: 0,
  trapExit: false,
};

test("the links, monitors and watchers of a process are told, and no longer once they are taken back", () => {
  const world = new World();
  const core = world.spawn();
  const ref = new Ref("there@host", 9, [1, 2, 3]);
  world.runtime.names.register("worker", core);
  core.link(THERE);
  const monitor = core.monitor({ name: "shop", node: "there@host" });
  world.runtime.accept({ op: "monitor", from: THERE, to: "worker", ref });

  expect(infoOf(core)).toEqual({
    ...NOTHING,
    name: "worker",
    links: [THERE],
    monitors: [{ name: "shop", node: "there@host" }],
    monitoredBy: [THERE],
  });

  core.unlink(THERE);
  core.demonitor(monitor);
  world.runtime.accept({ op: "demonitor", from: THERE, to: "worker", ref });
  expect(infoOf(core)).toEqual({ ...NOTHING, name: "worker" });
});
