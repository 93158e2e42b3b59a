import { describe, expect, test } from "vitest";
import { remoteChild, Supervisor, startServer } from "../../src/otp/index.ts";
import { Reason } from "../../src/runtime/index.ts";
import { atom, inspect, mod, type Term } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

const NODE = "shop@host";

describe("remoteChild", () => {
  test.each(["start_link", "start_link2"])(
    "refuses %s at once: the child would end with what starts it there",
    (name) => {
      const start = [mod("Kid"), name, []] as const;

      expect(() => remoteChild({ id: "kid", node: NODE, start })).toThrow(
        expect.objectContaining({ code: "BADARG", argument: "start" }),
      );
    },
  );

  test("refuses what is no name of a node or a function", () => {
    const start = [mod("Kid"), "start", []] as const;

    expect(() => remoteChild({ id: "kid", node: "", start })).toThrow(expect.objectContaining({ code: "BADARG" }));
    expect(() => remoteChild({ id: "kid", node: NODE, start: ["", "start", []] })).toThrow(
      expect.objectContaining({ code: "BADARG" }),
    );
  });

  test("gives a supervisor over there all the time to end that it wants, as other supervisors get", () => {
    const start = [mod("Sup"), "start", []] as const;

    expect(remoteChild({ id: "sup", node: NODE, start, type: "supervisor" }).shutdown).toBe(Number.POSITIVE_INFINITY);
    expect(remoteChild({ id: "kid", node: NODE, start }).shutdown).toBe(5_000);
  });

  test("a node that cannot be reached is a failed start, with the node in its reason", async () => {
    const world = new World();
    const kid = remoteChild({ id: "kid", node: NODE, start: [mod("Kid"), "start", []] });
    const starting = startServer(world.user, Supervisor.of([kid]), {}).catch((error: { reason: Term }) => error.reason);
    await world.settle();
    expect(world.take().map(({ op }) => op)).toContain("spawnRequest");

    world.runtime.nodeDown(NODE);
    await world.settle();

    const reason = inspect((await starting) as Term);
    expect(reason).toBe("{:shutdown, {:failed_to_start_child, :kid, {:EXIT, {:nodedown, :shop@host}}}}");
  });

  test("a supervisor that is killed while its child starts leaves nothing behind here", async () => {
    const world = new World();
    const before = world.runtime.counts();
    const kid = remoteChild({ id: "kid", node: NODE, start: [mod("Kid"), "start", []] });
    const starting = startServer(world.user, Supervisor.of([kid]), {});
    starting.catch(() => {}); // looked at below
    await world.settle();
    const [supervisor] = [...world.runtime.processes()].filter((core) => core !== world.user);
    supervisor!.exit(Reason.killed);
    await world.settle();

    await expect(starting).rejects.toMatchObject({ reason: atom("killed") });
    expect(world.runtime.counts()).toEqual(before);
  });
});
