import { TiebeamError } from "../../src/base/index.ts";
import { atom, equals, type Pid, type Term } from "../../src/term/index.ts";
import type { Life, MonitorRecord, Numbered } from "./actor.ts";
import type { Chaos } from "./chaos.ts";

const CALL_CODES = new Set(["EXIT_TIMEOUT", "EXIT_NOPROC", "EXIT_OTHER", "EXIT_CALLING_SELF", "NODEDOWN"]);
const NOPROC = atom("noproc");
const NOCONNECTION = atom("noconnection");

/** Everything that is not as it has to be once a run has come to rest. */
export function violations(chaos: Chaos): string[] {
  const { lives } = chaos;
  const senders = chaos.running.flatMap((machine) => machine.lives);
  const alive = senders.filter((life) => life.alive);
  return [
    ...lives.flatMap((life) => life.wrong),
    ...lives.flatMap((life) => life.monitors.flatMap((record) => monitorProblems(life, record))),
    ...monitorTableProblems(alive),
    ...alive.flatMap((life) => linkProblems(life, alive)),
    ...lives.flatMap(orderProblems),
    ...alive.flatMap((life) => arrivalProblems(life, senders)),
    ...lives.flatMap(callProblems),
  ];
}

function monitorProblems(life: Life, { downs, ended, target, monitor }: MonitorRecord): string[] {
  const what = `monitor ${monitor.ref.key} of ${life.pid.key}`;
  if (downs.length > 1) return [`${what} fired ${downs.length} times`];
  const [reason] = downs;
  if (reason === undefined) return [];
  if (ended) return [`${what} fired, and demonitor said that it had not`];
  if (target === undefined || (reason === NOCONNECTION && target.machine.name !== life.machine.name)) return [];
  if (target.alive) return [`${what} says ${reason} of ${target.pid.key}, which is alive`];
  if (reason === NOPROC || equals(reason, target.reason as Term)) return [];
  return [`${what} says ${reason} of ${target.pid.key}, which ended with ${target.reason}`];
}

/** Monitors that have not fired are known at both ends, and nothing else is. */
function monitorTableProblems(alive: readonly Life[]): string[] {
  const problems: string[] = [];
  const expected = new Map<string, string[]>();
  for (const life of alive) {
    const pending = life.monitors.filter(({ downs, ended }) => downs.length === 0 && !ended);
    const held = infoOf(life).monitors.length;
    if (held !== pending.length) problems.push(`${life.pid.key} holds ${held} monitors, ${pending.length} are pending`);
    for (const { monitor } of pending) {
      const { target } = monitor;
      const watched = alive.find((other) =>
        "name" in target
          ? other.machine.name === target.node && infoOf(other).name === target.name
          : other.pid.key === target.key,
      );
      const name = "name" in target ? `${target.name}@${target.node}` : target.key;
      if (watched === undefined) problems.push(`monitor ${monitor.ref.key} of ${life.pid.key} on ${name} never fired`);
      else expected.set(watched.pid.key, [...(expected.get(watched.pid.key) ?? []), life.pid.key]);
    }
  }
  for (const life of alive) {
    const actual = keys(infoOf(life).monitoredBy);
    const due = (expected.get(life.pid.key) ?? []).sort();
    if (actual.join() !== due.join()) {
      problems.push(`${life.pid.key} is monitored by ${actual.join(" ")} instead of ${due.join(" ")}`);
    }
  }
  return problems;
}

/** Links have two ends, and each that was broken was told of once. */
function linkProblems(life: Life, alive: readonly Life[]): string[] {
  const problems: string[] = [];
  const linked = keys(infoOf(life).links);
  for (const key of linked) {
    const peer = alive.find((other) => other.pid.key === key);
    if (peer === undefined) problems.push(`${life.pid.key} is linked to ${key}, which has ended`);
    else if (!keys(infoOf(peer).links).includes(life.pid.key))
      problems.push(`the link ${life.pid.key} ${key} has one end`);
  }
  if (!life.trapExit) return problems;
  for (const [key, made] of life.links) {
    const told = life.exits.get(key) ?? 0;
    const due = made - (linked.includes(key) ? 1 : 0);
    if (!life.unclear.has(key) && told !== due) {
      problems.push(`${life.pid.key} was told ${told} times of the end of ${key}, ${due} links to it have ended`);
    }
  }
  return problems;
}

/** What one sender sent over one connection arrives without gap; what it sent over the next one follows. */
function orderProblems(life: Life): string[] {
  const problems: string[] = [];
  const last = new Map<string, Numbered>();
  for (const next of life.received) {
    const before = last.get(next.stream);
    last.set(next.stream, next);
    if (before === undefined) continue;
    const inOrder =
      next.epoch === before.epoch ? next.n === before.n + 1 : next.epoch > before.epoch && next.n > before.n;
    if (!inOrder) {
      problems.push(
        `${life.pid.key} got ${next.n} (connection ${next.epoch}) after ${before.n} (${before.epoch}) of ${next.stream}`,
      );
    }
  }
  return problems;
}

/** What was sent over a connection that is still there has arrived. */
function arrivalProblems(life: Life, senders: readonly Life[]): string[] {
  const problems: string[] = [];
  for (const sender of senders) {
    const outgoing = sender.sent.get(life.pid.key);
    if (outgoing === undefined || !outgoing.wasUp) continue;
    const link = sender.machine.epoch(life.machine.name);
    if (!link.isUp || link.epoch !== outgoing.epoch) continue;
    const stream = `${sender.pid.key} ${life.pid.key}`;
    const arrived = life.received.findLast((numbered) => numbered.stream === stream)?.n;
    if (arrived !== outgoing.n) problems.push(`${life.pid.key} got up to ${arrived} of ${outgoing.n} of ${stream}`);
  }
  return problems;
}

function callProblems(life: Life): string[] {
  return life.calls.flatMap(({ nonce, to, settled, outcome }) => {
    const what = `call ${nonce} of ${life.pid.key} to ${to}`;
    if (settled !== 1) return [`${what} settled ${settled} times`];
    if (outcome === nonce || (outcome instanceof TiebeamError && CALL_CODES.has(outcome.code))) return [];
    return [`${what} came to ${outcome}`];
  });
}

function infoOf(life: Life) {
  const info = life.node.processInfo(life.pid);
  if (info === undefined) throw new Error(`${life.pid.key} lives, and its node does not know it`);
  return info;
}

function keys(pids: readonly Pid[]): string[] {
  return pids.map(({ key }) => key).sort();
}
