import type { StageStats } from "../../src/stage/index.ts";
import { atom, termKey, tuple } from "../../src/term/index.ts";
import type { StageLife } from "./stage-actors.ts";
import type { Traffic } from "./stage-wire.ts";
import { current, emits, isOdd, type Place, partitionOf, type StageChaos } from "./stages.ts";

/** Everything that is not as it has to be once a run has come to rest. */
export function stageViolations(chaos: StageChaos): string[] {
  const { wire, lives, places } = chaos;
  const traffic = [...wire.subscriptions.values()];
  const sentBy = groupBy(traffic, ({ producer }) => producer);
  const handled = countsOf(lives.flatMap((life) => life.handled));
  const emitting = places.filter(emits).flatMap((place) => place.lives.map((life) => ({ place, life })));
  return [
    ...wire.wrong,
    ...lives.flatMap((life) => life.wrong),
    ...lives.flatMap((life) => handlingProblems(life, wire.subscriptions)),
    ...emitting.flatMap(({ place, life }) => {
      const own = sentBy.get(life.pid?.key) ?? [];
      return [
        ...orderProblems(place, life, own),
        ...doubles(place, own, handled),
        ...(life.isAlive ? endProblems(chaos, place, life, own, handled) : []),
      ];
    }),
    ...fulfilmentProblems(chaos),
    ...subscriptionProblems(chaos),
  ];
}

/** What a stage is done with is what came under the subscription, from the first event on, without gap. */
function handlingProblems(life: StageLife, subscriptions: ReadonlyMap<unknown, Traffic>): string[] {
  return [...life.handledOf].flatMap(([key, events]) => {
    const sent = subscriptions.get(key)?.sent ?? [];
    const wrong = events.findIndex((event, i) => event !== sent[i]);
    return wrong < 0 ? [] : [`${life.id} handled ${events[wrong]} where ${sent[wrong]} was sent to it`];
  });
}

/** In every subscription events come in the order in which they were emitted; those of a broadcast without a gap. */
function orderProblems(place: Place, life: StageLife, own: readonly Traffic[]): string[] {
  const { dispatcher, options } = place;
  return own.flatMap((traffic) => {
    const { fresh, sent, tag } = traffic;
    const events = dispatcher === "broadcast" ? sent : fresh;
    const at = events.findIndex((event, i) => i > 0 && numberOf(event) <= numberOf(events[i - 1]!));
    if (at >= 0) return [`${nameOf(place, life)} sent ${events[at]} after ${events[at - 1]} under ${tag}`];
    if (dispatcher === "partition") {
      const astray = sent.find((event) => partitionOf(event) !== traffic.options.partition);
      return astray === undefined
        ? []
        : [`${nameOf(place, life)} sent ${astray} to partition ${traffic.options.partition}`];
    }
    if (dispatcher === "demand" || options.bufferSize !== undefined || sent.length === 0) return [];
    const wanted = wantedOf(traffic, life.emitted);
    const due = wanted.slice(wanted.indexOf(sent[0]!));
    const gap = sent.findIndex((event, i) => event !== due[i]);
    return gap < 0 ? [] : [`${nameOf(place, life)} left out ${due[gap]} before ${sent[gap]} under ${tag}`];
  });
}

/** An event goes to one consumer, and to others only if that one may confirm. */
function doubles({ dispatcher, acks }: Place, own: readonly Traffic[], handled: ReadonlyMap<string, number>): string[] {
  if (dispatcher === "broadcast" || acks) return [];
  return [...countsOf(own.flatMap(({ sent }) => sent))].flatMap(([event, count]) => {
    if (count > 1) return [`${event} was sent ${count} times`];
    const times = handled.get(event) ?? 0;
    return times > 1 ? [`${event} was handled ${times} times`] : [];
  });
}

/** With consumers for everything, all that a stage has emitted has been sent, and what was lost has been counted. */
function endProblems(
  chaos: StageChaos,
  place: Place,
  life: StageLife,
  own: readonly Traffic[],
  handled: ReadonlyMap<string, number>,
): string[] {
  const stats = life.node.stats().stages.find(({ pid }) => pid.key === life.pid?.key);
  if (stats === undefined) return [`${life.id} lives, and its node has no figures of it`];
  const { length } = life.emitted;
  if (place.feeds.length === 0 && length < life.nature.limit) {
    return [`${nameOf(place, life)} has come to ${length} of ${life.nature.limit} events`];
  }
  if (place.dispatcher === "broadcast") return broadcastProblems(chaos, place, life, own);
  const problems: string[] = [];
  const sent = new Set(own.flatMap((traffic) => traffic.sent));
  const unsent = life.emitted.filter((event) => !sent.has(event));
  const dropped = stats.discarded;
  if (unsent.length > dropped) {
    problems.push(
      `${nameOf(place, life)} has not sent ${unsent.length} events, ${dropped} were dropped: ${unsent.slice(0, 9)}`,
    );
  }
  const unhandled = [...sent].filter((event) => !handled.has(event));
  // A bounded buffer discards what was taken back as it does all others.
  const counted = (place.acks ? 0 : countedLoss(stats)) + Math.max(0, dropped - unsent.length);
  if (unhandled.length > counted) {
    problems.push(
      `of ${nameOf(place, life)} ${unhandled.length} events were lost, ${counted} counted: ${unhandled.slice(0, 9)}`,
    );
  }
  return problems;
}

/**
 * Where consumers confirm, an event has come to all its ends: somebody handled it, and if that one is in the middle, and its
 * consumers confirm too, also what it became. So it is for what the living have sent; what a producer still had ends with it.
 */
function fulfilmentProblems({ places }: StageChaos): string[] {
  const ends = new Set(places.filter((place) => !emits(place)).flatMap(handledIn));
  const became = new Map<string, (readonly string[])[]>();
  for (const place of places.filter(emits)) {
    for (const [event, made] of place.lives.flatMap((life) => [...life.became])) {
      became.set(event, [...(became.get(event) ?? []), isSafe(place) ? made : []]);
    }
  }
  const known = new Map<string, boolean>();
  const isFulfilled = (event: string): boolean => {
    const fulfilled =
      known.get(event) ?? (ends.has(event) || (became.get(event) ?? []).some((made) => made.every(isFulfilled)));
    known.set(event, fulfilled);
    return fulfilled;
  };
  return places.flatMap((place) => {
    const life = current(place);
    if (life === undefined || !emits(place) || !isSafe(place)) return [];
    const missing = life.emitted.filter((event) => !isFulfilled(event));
    return missing.length === 0 ? [] : [`of ${nameOf(place, life)} not all came of ${missing.slice(0, 9)}`];
  });
}

const handledIn = ({ lives }: Place) => lives.flatMap(({ handled }) => handled);

/** Nothing of it is lost for as long as it lives. */
const isSafe = ({ acks, options }: Place) => acks && options.bufferSize === undefined;

function countedLoss({ unconfirmed, consumers }: StageStats): number {
  return consumers.reduce((sum, consumer) => sum + consumer.unconfirmed, unconfirmed);
}

/** Whoever is still subscribed has got everything up to the last event. */
function broadcastProblems({ lives }: StageChaos, place: Place, life: StageLife, own: readonly Traffic[]): string[] {
  if (place.options.bufferSize !== undefined) return [];
  const alive = new Set(lives.filter(({ isAlive }) => isAlive).map(({ pid }) => pid?.key));
  return own.flatMap((traffic) => {
    if (traffic.isOver || traffic.sent.length === 0 || !alive.has(traffic.consumer)) return [];
    const last = wantedOf(traffic, life.emitted).at(-1);
    const got = traffic.sent.at(-1);
    return got === last ? [] : [`${nameOf(place, life)} sent up to ${got} of ${last} under ${traffic.tag}`];
  });
}

/** Subscriptions to stages that live have two ends, and stages hold a monitor for each and nothing else. */
function subscriptionProblems({ cluster, places }: StageChaos): string[] {
  const problems: string[] = [];
  const stages = cluster.nodes.flatMap((node) => node.stats().stages.map((stats) => ({ node, stats })));
  const names = stages.map(({ node, stats }) => termKey(tuple(atom(stats.name ?? ""), atom(node.name)) as never));
  const alive = new Set<unknown>([...stages.map(({ stats }) => termKey(stats.pid)), ...names]);
  const held = stages.flatMap(({ node, stats }) => stats.consumers.map((consumer) => ({ node, ...consumer })));
  const heldFor = countsOf(held.map(({ consumer }) => consumer.key));
  // A link may break while a request to subscribe is on its way, and be up again when it is met: then the consumer has given up
  // what its producer has taken, and says so when that sends something.
  const certain = countsOf(
    held.flatMap(({ node, consumer, sent }) => {
      return consumer.node === node.name || sent > 0 ? [consumer.key] : [];
    }),
  );
  for (const { node, stats } of stages) {
    const { pid, producers, consumers } = stats;
    const made = producers.filter(({ producer }) => alive.has(termKey(producer as never))).length;
    const known = heldFor.get(pid.key) ?? 0;
    if (made > known || made < (certain.get(pid.key) ?? 0)) {
      problems.push(`${pid} has ${made} subscriptions, producers know of ${known}`);
    }
    const info = node.processInfo(pid)!;
    const isStream = places.every(({ lives }) => lives.every((life) => life.pid?.key !== pid.key));
    const due = producers.length + consumers.length + (isStream ? 1 : 0);
    if (info.monitors.length !== due) problems.push(`${pid} holds ${info.monitors.length} monitors instead of ${due}`);
    if (info.messageQueueLength > 0) problems.push(`${pid} has messages waiting`);
  }
  for (const place of places) {
    const life = current(place);
    if (life !== undefined && life.running > 0) problems.push(`${nameOf(place, life)} runs ${life.running} workers`);
  }
  return problems;
}

function wantedOf({ options }: Traffic, emitted: readonly string[]): readonly string[] {
  return options.selector === undefined ? emitted : emitted.filter(isOdd);
}

const nameOf = ({ name, dispatcher }: Place, { id }: StageLife) => `${name} (${dispatcher}) ${id}`;

const numberOf = (event: string) => Number(event.split(":")[1]);

function countsOf(items: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}
