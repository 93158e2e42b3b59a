import { beforeEach, describe, expect, test } from "vitest";
import { startServer, TaskSupervisor } from "../../src/otp/index.ts";
import { call, type ProcessCore, Reason } from "../../src/runtime/index.ts";
import { atom, inspect, isTuple, Pid, parse, type Term, type Tuple, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

let world: World;
let supervisor: ProcessCore;
let owner: ProcessCore;
let inbox: unknown[];

const CALLERS: Term = [];
const WORK = parse("{:math, :double, [21]}") as unknown as Tuple;

beforeEach(async () => {
  world = new World();
  world.exposed.add("math", { double: (n: number) => n * 2 });
  inbox = [];
  owner = world.spawn((message) => void inbox.push(message));
  const [{ pid }] = await Promise.all([startServer(world.user, TaskSupervisor, {}), world.settle()]);
  supervisor = world.runtime.find(pid)!;
});

async function start(...args: unknown[]): Promise<ProcessCore> {
  const ownerTerm = tuple(atom("here@host"), atom("owner"), owner.pid);
  const request = tuple(atom("start_task"), [ownerTerm, ...args], null, null);
  const answer = call(world.user, supervisor.pid, request);
  await world.settle();
  const reply = await answer;
  if (!isTuple(reply) || !(reply[1] instanceof Pid)) throw new Error(inspect(reply));
  return world.runtime.find(reply[1])!;
}

async function give(task: ProcessCore, ...message: unknown[]): Promise<void> {
  void owner.send(task.pid, tuple(...(message as object[])), false);
  await world.settle();
}

describe("a task", () => {
  test("runs what its owner sends, replies and ends", async () => {
    const task = await start(atom("monitor"));
    await give(task, owner.pid, 7, owner.pid, CALLERS, WORK);
    expect(inbox).toEqual([tuple(7, 42)]);
    expect(task.exitReason).toBe(Reason.normal);
  });

  test("does not take work from anybody else", async () => {
    const task = await start(atom("monitor"));
    await give(task, world.user.pid, 7, owner.pid, CALLERS, WORK);
    expect(task.alive).toBe(true);
  });

  test("of Elixir 1.10 begins when its owner has said its reference", async () => {
    const task = await start(CALLERS, atom("monitor"), WORK);
    expect(task.alive).toBe(true);
    await give(task, owner.pid, 7);
    expect(inbox).toEqual([tuple(7, 42)]);
  });

  test("ends when its owner is gone before the work came", async () => {
    const task = await start(atom("monitor"));
    owner.exit(atom("crashed"));
    await world.settle();
    expect(task.exitReason).toEqual(parse("{:shutdown, :crashed}"));
  });

  test("ends when no work comes within five seconds", async () => {
    const task = await start(atom("monitor"));
    await world.clock.advance(4_999);
    expect(task.alive).toBe(true);
    await world.clock.advance(1);
    expect(task.exitReason).toBe(Reason.timeout);
  });

  test("that may not run what it was given ends with undef", async () => {
    const task = await start(atom("monitor"));
    await give(task, owner.pid, 7, owner.pid, CALLERS, parse("{:os, :cmd, []}"));
    expect(inspect(task.exitReason as Term)).toBe("{:undef, [{:os, :cmd, [], []}]}");
    expect(inbox).toEqual([]);
  });
});

test("what is no task is refused", async () => {
  const answer = call(world.user, supervisor.pid, parse("{:start_task, [:odd], nil, nil}"));
  await world.settle();
  expect(inspect(await answer)).toBe("{:error, {:badarg, {:start_task, [:odd], nil, nil}}}");
});

test("a task counts as a child until it has ended, and stops with the supervisor", async () => {
  const task = await start(atom("monitor"));
  const answer = call(world.user, supervisor.pid, atom("which_children"));
  await world.settle();
  expect(await answer).toEqual([tuple(atom("undefined"), task.pid, atom("worker"), [atom("Elixir.Task.Supervised")])]);
  supervisor.exit(Reason.shutdown);
  await world.settle();
  expect(task.exitReason).toBe(Reason.shutdown);
});
