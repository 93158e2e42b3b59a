import { expect, test } from "vitest";
import { broadcastDispatcher, partitionDispatcher } from "../../src/stage/index.ts";
import { differing, type Recording, recordings } from "./recordings.ts";
import { type RoleOptions, replay } from "./replay.ts";

/** The functions that the recorded consumers selected by. */
const selectors = {
  "Probe.Sel.even/1": (event: unknown) => (event as number) % 2 === 0,
  "Probe.Sel.big/1": () => false,
};

const byRemainder = (event: unknown) => [event, (event as number) % 2] as const;

/** How the recorded stages were made, where not in the usual way. */
const OPTIONS: Record<string, RoleOptions> = {
  "manual_ask consumer": { manual: true },
  "init_subscribe_to_pid_and_name consumer1": {
    subscribeTo: [{ to: { name: "probe_prod", node: "h3p29@localhost" }, maxDemand: 3, minDemand: 1 }],
  },
  "demand_dispatcher_three_consumers producer": { demand: "accumulate" },
  "buffer_overflow_keep_last producer": { bufferSize: 5, emits: "nothing" },
  "buffer_overflow_keep_first producer": { bufferSize: 5, bufferKeep: "first", emits: "nothing" },
  "broadcast_two_consumers producer": { dispatcher: broadcastDispatcher(), demand: "accumulate" },
  "broadcast_late_subscriber producer": { dispatcher: broadcastDispatcher(), emits: "nothing" },
  "broadcast_selector_export_fun producer": { dispatcher: broadcastDispatcher({ selectors }), emits: "nothing" },
  "broadcast_selector_all_filtered producer": { dispatcher: broadcastDispatcher({ selectors }) },
  "broadcast_selector_all_filtered consumer_manual": { manual: true },
  "partition_two_consumers producer": {
    dispatcher: partitionDispatcher({ partitions: 2, hash: byRemainder }),
    demand: "accumulate",
  },
  "partition_uneven_queue producer": {
    dispatcher: partitionDispatcher({ partitions: 2, hash: byRemainder }),
    emits: "nothing",
  },
  "producer_consumer_middle producer_consumer": { becomes: (event) => [event, event] },
  "producer_consumer_no_downstream producer_consumer": { becomes: (event) => [event * 10] },
  "accumulate_then_forward producer": { demand: "accumulate", emits: "demand" },
};

/** Producers that end behind their last event. */
const BOUNDED = [
  "flow_coordinator_subscribe",
  "flow_from_stages_map",
  "flow_from_stages_plain",
  "flow_from_stages_reduce",
  "flow_from_stages_unused_options",
  "flow_into_remote_consumer",
  "stream_permanent_bounded",
  "stream_transient_bounded",
];

/** Producers that answer demand only when they are told to. */
const PUSHING = [
  "accumulate_events_dispatch",
  "auto_small_batches_min750",
  "buffer_excess_batches",
  "connection_lost_both_alive",
  "consumer_supervisor_start_failures",
  "flow_producer_crash",
  "consumer_dies_with_unserved_demand",
  "demand_dispatcher_push_order",
  "info_ordering",
  "plain_call_on_stage",
];

/** What cannot be replayed from the messages alone, or is different on purpose. */
const LEFT_OUT: Record<string, string> = {
  "init_subscribe_to_pid_and_name consumer2": "subscribes to a pid that only the recording's own code knew",
  "producer_refuses_manual producer": "the exit reason holds the state, which here is the object",
  "handle_cancel_hibernate_on_producer producer": "crashes by a defect that is not repeated",
  "handle_cancel_hibernate_on_producer consumer": "its producer's crash had arrived, unhandled, before the cancel was",
  "calls_on_each_type producer_consumer": "crashes when asked for its demand mode, a defect that is not repeated",
  "broadcast_selector_consumer_stage producer": "its consumer selects by a closure of the BEAM",
  "broadcast_same_consumer_twice producer": "takes a third subscription of one process, a defect that is not repeated",
  "flow_through_remote_producer_consumer producer": "serves a producer_consumer on its own node",
  "flow_through_remote_producer_consumer producer_consumer": "is fed by a producer on its own node",
  "consumer_crash_midway consumer1": "is made to crash by its own code",
  "consumer_dies_with_unserved_demand consumer1": "is killed, which is no message",
  "consumer_node_killed consumer": "goes with its node",
  "consumer_node_killed consumer2": "runs on the producer's node, so that nothing goes over the wire",
  "consumer_node_killed producer": "serves a consumer on its own node in the end",
};
const REFUSED = "refuses that consumer, where GenStage's crashes with all its consumers";
for (const scenario of ["broadcast_selector_not_a_fun", "broadcast_selector_undefined_export", "partition_taken"]) {
  LEFT_OUT[`${scenario} producer`] = REFUSED;
}
for (const option of ["missing", "unknown"]) LEFT_OUT[`partition_option_${option} producer`] = REFUSED;
for (const mode of ["permanent", "transient", "temporary"]) {
  LEFT_OUT[`cancel_${mode}_producer_kill producer`] = "is killed, which is no message";
}

/** Scenarios without a role that could be ours, and why. Those with real peers are played live instead. */
const NOT_REPLAYED: Record<string, string> = {
  broadcast_selector_undefined_export: REFUSED,
  buffer_size_zero: "fails to start, by a defect that is not repeated",
  consumer_node_killed: "a node is killed, or a stage is on the other's node",
  flow_raw_producer_cancel_normal: "the producer is played by hand, and the consumer is Flow's",
  flow_through_remote_producer_consumer: "producer and producer_consumer are on one node",
  handle_cancel_hibernate_on_producer: "a crash by a defect that is not repeated",
  partition_option_missing: REFUSED,
  partition_option_unknown: REFUSED,
  stream_raw_producer_cancel: "the producer is played by hand, and the consumer is GenStage's stream",
};

/** What GenStage 1.1.2 did otherwise than 1.3.2, which is what a stage here does: see the same roles on OTP 29. */
const LEFT_OUT_OF_OLD: Record<string, string> = {
  "connection_lost_both_alive producer": "has the next consumer starve",
  "consumer_dies_with_unserved_demand producer": "has the next consumer starve",
  "info_ordering producer": "gives infos of one place in reverse",
};

const rolesIn = (recording: Recording) => {
  const froms = new Set(recording.messages.map(([from]) => from.split("@")[0]!));
  return [...froms]
    .filter((role) => /^(consumer|producer|producer_consumer|consumer_auto|consumer_manual)\d?$/.test(role))
    .map((role) => ({ recording, scenario: recording.scenario, otp: recording.otp, role }));
};
const roles = recordings.flatMap(rolesIn);
const others = differing.flatMap(rolesIn);
const isReplayed = ({ scenario, otp, role }: { scenario: string; otp: string; role: string }) =>
  !(`${scenario} ${role}` in LEFT_OUT) && !(otp === "23" && `${scenario} ${role}` in LEFT_OUT_OF_OLD);

test.each([...roles, ...others].filter(isReplayed))(
  "as $role in $scenario of OTP $otp a stage does what GenStage did, step by step",
  async ({ recording, scenario, role }) => {
    const usual: RoleOptions = {
      ...(PUSHING.includes(scenario) && { emits: "nothing" }),
      ...(BOUNDED.includes(scenario) && { bounded: true }),
    };

    const { recorded, ours } = await replay(recording, role, OPTIONS[`${scenario} ${role}`] ?? usual);

    expect(recorded.length).toBeGreaterThan(0);
    expect(ours).toEqual(recorded);
  },
);

test("of the recordings of other releases all are replayed that say something else, but for those named here", () => {
  const names = others
    .filter((one) => !isReplayed(one))
    .map(({ scenario, otp, role }) => `${otp}: ${scenario} ${role}`);

  expect(names.toSorted()).toEqual([
    "23: connection_lost_both_alive producer",
    "23: consumer_dies_with_unserved_demand consumer1",
    "23: consumer_dies_with_unserved_demand producer",
    "23: flow_through_remote_producer_consumer producer",
    "23: flow_through_remote_producer_consumer producer_consumer",
    "23: info_ordering producer",
  ]);
});

test("every scenario and role that is named here was recorded", () => {
  const names = new Set(roles.flatMap(({ scenario, role }) => [scenario, `${scenario} ${role}`]));

  const named = [LEFT_OUT, LEFT_OUT_OF_OLD, OPTIONS].flatMap(Object.keys).concat(PUSHING, BOUNDED);
  expect(named.filter((name) => !names.has(name))).toEqual([]);
});

test("every recorded scenario is replayed in at least one role, but for those named here", () => {
  const replayed = new Set(roles.filter(isReplayed).map(({ scenario }) => scenario));
  const left = recordings.filter(({ scenario }) => !replayed.has(scenario)).map(({ scenario }) => scenario);

  expect(recordings).toHaveLength(110);
  expect(left.toSorted()).toEqual(Object.keys(NOT_REPLAYED));
});
