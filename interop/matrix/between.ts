import assert from "node:assert/strict";
import type { Figures } from "./cell.ts";
import type { Pair } from "./pair.ts";
import { recordedTerms } from "./terms.ts";

const EVENTS = 5_000;
const MAX_DEMAND = 100;

/** Two BEAMs that know nothing of each other, with our node between: terms, events and an exit go through it. */
export async function between({ beam, second, subject, name, cell }: Pair): Promise<Figures> {
  const beyond = second!;
  await subject.do("dial", { node: beyond.name });

  // A term goes to our node, from there to the other BEAM, and all the way back.
  const lines = recordedTerms(cell.otp);
  const differences = await beam.eval(
    `for line <- String.split(input, "\\n"),
         [name, hex] = String.split(line, " "),
         term = :erlang.binary_to_term(Base.decode16!(hex, case: :lower)),
         GenServer.call({:echo, :"${name}"}, {:relay, :"${beyond.name}", term}, 20_000) !== term,
         do: name`,
    { input: lines.join("\n") },
  );
  assert.deepEqual(differences, []);

  const events = cell.genStage === "none" ? 0 : await eventsThrough({ beam, second, subject, name });

  // A process of ours is linked to one on either side.
  const pids = [
    await beam.evalBytes("near = Fixtures.Probe.start(trap_exit: false)"),
    await beyond.evalBytes("far = Fixtures.Probe.start()"),
  ];
  await subject.do("bridge", { pids: pids.map((pid) => Buffer.from(pid).toString("base64")) });
  await beam.until("Fixtures.Probe.info(near).links != []");
  await beyond.until("Fixtures.Probe.info(far).links != []");
  await beam.eval("Fixtures.Probe.stop(near, {:over, 1}); nil");
  assert.equal(await beyond.inspect("[{:EXIT, _, reason}] = Fixtures.Probe.await(far, 1); reason"), "{:over, 1}");

  assert.deepEqual(await beam.eval(":erlang.nodes(:connected)"), [name]);
  assert.deepEqual(await beyond.eval(":erlang.nodes(:connected)"), [name]);
  return { otp: beyond.release.otpVersion, terms: lines.length, events, exits: 1 };
}

/** From a producer of one BEAM through a stage of ours to a consumer of the other. Gives how many have arrived. */
async function eventsThrough({ beam, second, subject, name }: Pick<Pair, "beam" | "second" | "subject" | "name">) {
  await beam.eval(`{:ok, source} = Fixtures.Counter.start(name: :source, last: ${EVENTS}, done: :stay); nil`);
  await subject.do("through", { name: "through", from: { name: "source", node: beam.name }, maxDemand: MAX_DEMAND });
  const [first, last, count] = await second!.eval<number[]>(
    `{:ok, collector} = Fixtures.Collector.start()
     Fixtures.Collector.subscribe(collector, {:through, :"${name}"}, max_demand: ${MAX_DEMAND}, cancel: :temporary)
     seen = Fixtures.Collector.await(collector, ${EVENTS})
     {seen.first, seen.last, seen.count}`,
    { timeoutMs: 30_000 },
  );
  assert.deepEqual({ first, last, count }, { first: 2, last: 2 * EVENTS, count: EVENTS });
  const outstanding = await beam.eval<number>("Fixtures.Counter.stats(source).max_outstanding");
  assert.ok(outstanding <= MAX_DEMAND, `${outstanding} events were outstanding in the first producer`);
  await beam.eval("GenStage.stop(source)");
  return EVENTS;
}
