import { beforeEach, expect, test } from "vitest";
import { child, GenServer, PartitionSupervisor, reply, startServer } from "../../src/otp/index.ts";
import { type ProcessCore, Reason } from "../../src/runtime/index.ts";
import { atom, float, inspect, parse, phash2, type Term } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

let world: World;
let supervisor: ProcessCore;

class Shard extends GenServer {
  number = -1;
  override init(partition: number) {
    this.number = partition;
  }
  override handleCall() {
    return reply(this.number);
  }
}

beforeEach(async () => {
  world = new World();
  const args = { partitions: 4, child: (partition: number) => child(Shard, { args: partition }) };
  const starting = startServer(world.user, PartitionSupervisor, { name: "shards", args });
  const [{ pid }] = await Promise.all([starting, world.settle()]);
  supervisor = world.runtime.find(pid)!;
});

async function now<T>(promise: Promise<T>): Promise<T> {
  const [result] = await Promise.all([promise, world.settle()]);
  return result;
}

function shards() {
  return PartitionSupervisor.at(world.process, "shards");
}

function partitionOf(key: Term): Promise<number> {
  return now(world.process.call<number>(shards().via(key), atom("number")));
}

test("an integer goes to the partition that it leaves as remainder, anything else to that of its hash", async () => {
  expect(await Promise.all([0, 5, -6, 2n ** 70n].map(partitionOf))).toEqual([0, 1, 2, 0]);
  for (const key of ["ann", atom("bob"), parse("{:user, 7}"), 1.5, float(2)]) {
    expect(await partitionOf(key as Term)).toBe(phash2(key, 4));
  }
  expect(shards().partitions()).toBe(4);
});

test("is a supervisor whose children have the numbers of partitions as ids", async () => {
  const listed = await now(world.process.call(supervisor.pid, atom("which_children")));
  expect(inspect(listed).replaceAll(/#PID<[^>]*>/g, "pid")).toBe(
    "[{3, pid, :worker, [:Shard]}, {2, pid, :worker, [:Shard]}, {1, pid, :worker, [:Shard]}, {0, pid, :worker, [:Shard]}]",
  );
});

test("a key finds the child that was started in place of a crashed one", async () => {
  const { via, name } = shards().via(2);
  const before = via.whereis(name)!;
  world.runtime.find(before)?.exit(atom("crashed"));
  await world.settle();
  expect(via.whereis(name)?.key).not.toBe(before.key);
  expect(await partitionOf(2)).toBe(2);
});

test("has fewer partitions when it is told so, and more again", async () => {
  expect(await now(shards().resize(2))).toBe(4);
  expect(await partitionOf(3)).toBe(1);
  expect(inspect(await now(world.process.call(supervisor.pid, atom("count_children"))))).toBe(
    "[specs: 4, active: 2, supervisors: 0, workers: 4]",
  );
  expect(await now(shards().resize(4))).toBe(2);
  expect(await partitionOf(3)).toBe(3);
  await expect(shards().resize(5)).rejects.toMatchObject({ code: "BADARG" });
  await now(shards().resize(0));
  await expect(now(world.process.call(shards().via(1), atom("number")))).rejects.toMatchObject({ code: "EXIT_NOPROC" });
});

test("one that is not there is noproc, and one without partitions is not started", async () => {
  supervisor.exit(Reason.shutdown);
  expect(() => shards().partitions()).toThrow(expect.objectContaining({ code: "EXIT_NOPROC" }));
  await expect(now(world.process.call(shards().via(1), 1))).rejects.toMatchObject({ code: "EXIT_NOPROC" });
  const args = { partitions: 0, child: () => child(Shard, { args: 0 }) };
  await expect(now(startServer(world.user, PartitionSupervisor, { args }))).rejects.toThrow(
    "must be a positive integer",
  );
});
