import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Ctrl } from "../../src/dist/control-codes.ts";
import { Flag, type Flags, type Signal } from "../../src/dist/index.ts";
import { decode, encode } from "../../src/etf/index.ts";
import { atom, type Pid, type Ref, type Term, tuple } from "../../src/index.ts";
import { told } from "../../test/dist/packets.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { BareNode } from "../support/bare-node.ts";
import { CONTROL_TABLE, notOverheard } from "../support/control-table.ts";
import { ControlTap } from "../support/control-tap.ts";
import { until } from "../support/until.ts";

/** The forms that our node does not send, or that a BEAM sends only to a peer with fewer flags than our node has. */
interface Row {
  readonly what: string;
  /** The flags that we do not announce. */
  readonly without?: Flags;
  readonly act: (stage: Stage) => unknown;
  /** All that goes over the wire each way, by number. */
  readonly sent?: readonly string[];
  readonly received?: readonly string[];
  /** The signals that were read from it, without pids and references. */
  readonly here?: readonly string[];
  /** What the BEAM's process got of it. */
  readonly there?: string;
  /** The BEAM closes the connection. */
  readonly closes?: boolean;
  readonly otp?: (otp: number) => boolean;
}

interface Stage {
  readonly bare: BareNode;
  /** A process of the BEAM that traps exits. */
  readonly probe: Pid;
  /** Runs Elixir code inside the probe, which knows a pid of ours as `puppet`, and a reference as `alias`. */
  in(code: string): Promise<string>;
  /** Waits until the code gives something true. */
  until(code: string): Promise<unknown>;
  /** Ends the probe with the reason `over`. */
  end(): Promise<unknown>;
  /**
   * A process of the BEAM that runs some code, and sends the first message it gets, with the label of the token that
   * came with it, to the probe. Resolves with its pid and what the code gave.
   */
  witness(code?: string): Promise<readonly [pid: Pid, value: Term]>;
}

const NO_SENDER = Flag.SendSender;
const NO_PAYLOAD = Flag.ExitPayload;
const NO_HEADER = Flag.DistHdrAtomCache | Flag.Fragments;

const before26 = (otp: number) => otp < 26;
const from24 = (otp: number) => otp >= 24;
const from26 = (otp: number) => otp >= 26;
const upTo27 = (otp: number) => otp < 28;
const from28 = (otp: number) => otp >= 28;

const NOBODY = atom("");
const why = atom("why");
const traced = (code: string) => `:seq_trace.set_token(:label, 17); :seq_trace.set_token(:send, true); ${code}; :seq_trace.set_token([])`; // biome-ignore format: one line
const tracedEnd = (s: Stage) => s.in(`spawn(fn -> Process.link(puppet); ${traced("exit(:over)")} end)`);
/** `{Flags, Label, Serial, From, LastCount}`: sends are traced, under the label 17. */
const token = ({ bare }: Stage) => tuple(1, 17, 1, bare.pid(), 0);
const LABEL = "{:label, 17}";

/** The signal of that kind, once it has come. */
async function heard<Op extends Signal["op"]>({ bare }: Stage, op: Op): Promise<Signal & { op: Op }> {
  const find = () => bare.signals.find((signal): signal is Signal & { op: Op } => signal.op === op);
  await until(() => find() !== undefined);
  return find()!;
}

/** Our process ends, which the probe monitors. */
async function down(s: Stage): Promise<void> {
  await s.in("Process.monitor(puppet)");
  const { ref, from } = await heard(s, "monitor");
  s.bare.send({ op: "down", from: s.bare.pid(), to: from, ref, reason: why });
}

/** The probe ends, which we monitor by its name. */
async function watchEnd(s: Stage): Promise<void> {
  s.bare.send({ op: "monitor", from: s.bare.pid(), to: "probe", ref: s.bare.ref() });
  await s.until("Process.info(Process.whereis(:probe), :monitored_by) != {:monitored_by, []}");
  await s.end();
}

/** We link ourselves to the probe and take that back. */
async function linkAndUnlink({ bare, probe }: Stage): Promise<void> {
  bare.send({ op: "link", from: bare.pid(), to: probe });
  bare.send({ op: "unlink", from: bare.pid(), to: probe, id: 0 });
  bare.send({ op: "send", from: bare.pid(), to: probe, message: 1 });
}

/** Our process ends, to which a process of the BEAM is linked, with such a control message. */
async function linkEnds(s: Stage, end: (to: Pid) => void): Promise<void> {
  const [pid] = await s.witness("Process.link(puppet)");
  await heard(s, "link");
  end(pid);
}

async function spawnReplied(s: Stage): Promise<void> {
  await s.in(traced(":erlang.spawn_request(node(puppet), :billing, :quote, [1])"));
  const { ref, from } = await heard(s, "spawnRequest");
  s.bare.sendControl(tuple(32, ref, from, 0, s.bare.pid(2), token(s)));
}

const spawnRequest = ({ bare }: Stage) => [bare.ref(), bare.pid(), bare.pid(), tuple(atom("erlang"), atom("send"), 2), [atom("link")]] as const; // biome-ignore format: one line

const FROM_THE_BEAM: readonly Row[] = [
  { what: "SEND, to a peer without SEND_SENDER", without: NO_SENDER, act: (s) => s.in("send(puppet, 1)"), received: ["2"], here: ["send nil 1"] },
  { what: "SEND_TT, to a peer without SEND_SENDER", without: NO_SENDER, act: (s) => s.in(traced("send(puppet, 1)")), received: ["12"], here: ["send nil 1"] },
  { what: "EXIT, to a peer without EXIT_PAYLOAD", without: NO_PAYLOAD, act: (s) => s.in("Process.link(puppet)").then(() => s.end()), received: ["1", "3"], here: ["link", "linkExit :over"] },
  { what: "EXIT_TT, to a peer without EXIT_PAYLOAD", without: NO_PAYLOAD, act: tracedEnd, received: ["1", "13"], here: ["link", "linkExit :over"] },
  { what: "EXIT2, to a peer without EXIT_PAYLOAD", without: NO_PAYLOAD, act: (s) => s.in("Process.exit(puppet, {:why, 1})"), received: ["8"], here: ["exit {:why, 1}"] },
  { what: "EXIT2 also of a traced process", without: NO_PAYLOAD, act: (s) => s.in(traced("Process.exit(puppet, :why)")), received: ["8"], here: ["exit :why"] },
  { what: "MONITOR_P_EXIT, to a peer without EXIT_PAYLOAD", without: NO_PAYLOAD, act: watchEnd, sent: ["19"], received: ["21"], here: ["down \"probe\" :over"] },
  { what: "UNLINK, to a peer without UNLINK_ID", without: Flag.UnlinkId, act: (s) => s.in("Process.link(puppet); Process.unlink(puppet)"), received: ["1", "4"], here: ["link", "unlink 0"], otp: before26 },
  { what: "SPAWN_REPLY_TT, and a child that has the token", act: (s) => s.bare.sendControl(tuple(30, ...spawnRequest(s), token(s)), [s.bare.pid(), atom("spawned")]), sent: ["30"], received: ["23", "25", "32"], here: ["spawnReply 1", "send :spawned", "linkExit :normal"] },
  { what: "traced messages, without a distribution header", without: NO_HEADER, act: (s) => s.in(traced("send(puppet, 1); send({:puppet, node(puppet)}, 2)")), received: ["16", "23"], here: ["send 1", "sendName \"puppet\" 2"] },
  { what: "PAYLOAD_EXIT_TT, without a distribution header", without: NO_HEADER, act: tracedEnd, received: ["1", "25"], here: ["link", "linkExit :over"] },
  { what: "SPAWN_REQUEST_TT, without a distribution header", without: NO_HEADER, act: (s) => s.in(traced(":erlang.spawn_request(node(puppet), :billing, :quote, [1])")), received: ["30"], here: ["spawnRequest \"billing\" \"quote\" 1 [] [1]"] },
  { what: "ALIAS_SEND and ALIAS_SEND_TT, without a distribution header", without: NO_HEADER | Flag.AltactSig, act: (s) => s.in(`send(alias, 1); ${traced("send(alias, 2)")}`), received: ["33", "34"], here: ["sendAlias 1 false", "sendAlias 2 false"], otp: from24 },
  { what: "ALTACT_SIG_SEND in its forms, without a distribution header", without: NO_HEADER, act: (s) => s.in(`send(alias, 1); ${traced("send(alias, 2)")}; :erlang.send(alias, 3, [:priority]); :erlang.exit(alias, :why, [:priority])`), received: ["37/4", "37/5", "37/6", "37/21"], here: ["sendAlias 1 false", "sendAlias 2 false", "sendAlias 3 true", "exitAlias :why true"], otp: from28 },
]; // biome-ignore format: a table

const FROM_US: readonly Row[] = [
  { what: "SEND", without: NO_SENDER, act: (s) => s.bare.send({ op: "send", from: s.bare.pid(), to: s.probe, message: 1 }), sent: ["2"], there: "[1]" },
  { what: "SEND_TT", act: (s) => s.witness().then(([pid]) => s.bare.sendControl(tuple(12, NOBODY, pid, token(s)), 1)), sent: ["12"], there: `[{1, ${LABEL}}]` },
  { what: "SEND_SENDER_TT", act: (s) => s.witness().then(([pid]) => s.bare.sendControl(tuple(23, s.bare.pid(), pid, token(s)), 1)), sent: ["23"], there: `[{1, ${LABEL}}]` },
  { what: "REG_SEND_TT", act: (s) => s.witness("Process.register(self(), :witness)").then(() => s.bare.sendControl(tuple(16, s.bare.pid(), NOBODY, atom("witness"), token(s)), 1)), sent: ["16"], there: `[{1, ${LABEL}}]` },
  { what: "ALIAS_SEND_TT", act: (s) => s.witness(":erlang.alias()").then(([, alias]) => s.bare.sendControl(tuple(34, s.bare.pid(), alias as Ref, token(s)), 1)), sent: ["34"], there: `[{1, ${LABEL}}]`, otp: from24 },
  { what: "EXIT", without: NO_PAYLOAD, act: (s) => linkEnds(s, (to) => s.bare.send({ op: "linkExit", from: s.bare.pid(), to, reason: why })), sent: ["3"], received: ["1"], there: "[{{:EXIT, P, :why}, []}]" },
  { what: "EXIT_TT", act: (s) => linkEnds(s, (to) => s.bare.sendControl(tuple(13, s.bare.pid(), to, token(s), why))), sent: ["13"], received: ["1"], there: `[{{:EXIT, P, :why}, ${LABEL}}]` },
  { what: "PAYLOAD_EXIT_TT", act: (s) => linkEnds(s, (to) => s.bare.sendControl(tuple(25, s.bare.pid(), to, token(s)), why)), sent: ["25"], received: ["1"], there: `[{{:EXIT, P, :why}, ${LABEL}}]` },
  { what: "EXIT2", without: NO_PAYLOAD, act: (s) => s.bare.send({ op: "exit", from: s.bare.pid(), to: s.probe, reason: why }), sent: ["8"], there: "[{:EXIT, P, :why}]" },
  { what: "EXIT2_TT", act: (s) => s.witness().then(([pid]) => s.bare.sendControl(tuple(18, s.bare.pid(), pid, token(s), why))), sent: ["18"], there: `[{{:EXIT, P, :why}, ${LABEL}}]` },
  { what: "PAYLOAD_EXIT2_TT", act: (s) => s.witness().then(([pid]) => s.bare.sendControl(tuple(27, s.bare.pid(), pid, token(s)), why)), sent: ["27"], there: `[{{:EXIT, P, :why}, ${LABEL}}]` },
  { what: "MONITOR_P_EXIT", without: NO_PAYLOAD, act: down, sent: ["21"], received: ["19"], there: "[{:DOWN, R, :process, P, :why}]" },
  { what: "SPAWN_REPLY_TT", act: spawnReplied, sent: ["32"], received: ["30"], there: "[{:spawn_reply, R, :ok, P}]" },
  { what: "UNLINK", without: Flag.UnlinkId, act: linkAndUnlink, sent: ["1", "4", "22"], there: "[1]", otp: before26 },
  { what: "ALTACT_SIG_SEND to a pid", act: (s) => s.bare.sendControl(tuple(37, 0, s.bare.pid(), s.probe), 1), sent: ["37/0"], there: "[1]", otp: from28 },
  { what: "ALTACT_SIG_SEND to a pid, with a token", act: (s) => s.witness().then(([pid]) => s.bare.sendControl(tuple(37, 2, s.bare.pid(), pid, token(s)), 1)), sent: ["37/2"], there: `[{1, ${LABEL}}]`, otp: from28 },
  { what: "ALTACT_SIG_SEND to an alias, with a token", act: (s) => s.witness(":erlang.alias()").then(([, alias]) => s.bare.sendControl(tuple(37, 6, s.bare.pid(), alias as Ref, token(s)), 1)), sent: ["37/6"], there: `[{1, ${LABEL}}]`, otp: from28 },
  { what: "ALTACT_SIG_SEND to a name", act: (s) => s.bare.sendControl(tuple(37, 8, s.bare.pid(), atom("probe")), 1), sent: ["37/8"], there: "[1]", otp: from28 },
  { what: "ALTACT_SIG_SEND, an exit to a pid", act: (s) => s.bare.sendControl(tuple(37, 16, s.bare.pid(), s.probe), why), sent: ["37/16"], there: "[{:EXIT, P, :why}]", otp: from28 },
  { what: "ALTACT_SIG_SEND, which is not known before OTP 28", act: (s) => s.bare.sendControl(tuple(37, 0, s.bare.pid(), s.probe), 1), sent: ["37/0"], closes: true, otp: upTo27 },
  { what: "UNLINK, which is no more since OTP 26", act: linkAndUnlink, sent: ["1", "4", "22"], closes: true, otp: from26 },
  { what: "NODE_LINK, which is long gone", act: (s) => s.bare.sendControl(tuple(5)), sent: ["5"], closes: true },
]; // biome-ignore format: a table

/** What the BEAMs said in the first table: with `TIEBEAM_RECORD` it is written to the file of that name. */
const recorded: Record<string, unknown>[] = [];
const ABOUT =
  "What real nodes of several releases sent to a bare connection, each row over one of its own: " +
  "TIEBEAM_RECORD=<this file> npx vitest run --config interop/vitest.config.ts suites/control-messages-forms. " +
  "flags: those in common. frames: the packets without their length. kinds: the numbers of their control messages, with the bits of 37. signals: what they are, without pids and references.";

afterAll(() => {
  const file = process.env.TIEBEAM_RECORD;
  const rows = recorded.map((row) => JSON.stringify(row)).join(",\n");
  if (file) writeFileSync(file, `{"about": ${JSON.stringify(ABOUT)},\n"recordings": [\n${rows}\n]}\n`);
});

describePeers("forms of control messages", {}, (release) => {
  let frames: string[] = [];
  const tap = new ControlTap((frame) => frames.push(frame.toString("hex")));
  let beam: Beam;

  beforeAll(async () => {
    beam = await startBeam(release);
  });

  afterAll(() => beam[Symbol.asyncDispose]());

  const applies = ({ otp = () => true }: Row) => otp(Number(release.otp));

  test.each(FROM_THE_BEAM.filter(applies))("from the BEAM: $what", (row) => play(row));
  test.each(FROM_US.filter(applies))("from us: $what", (row) => play(row));

  test("every control message of the table that a node of ours has no use for went over the wire", () => {
    expect(notOverheard(tap.all, "bare", Number(release.otp))).toEqual([]);
  });

  async function play(row: Row): Promise<void> {
    const { without = 0n, sent = [], received = [], here = [], there, closes = false } = row;
    using bare = await BareNode.dial(beam, { transport: tap, without });
    const stage = await setStage(beam, bare);
    try {
      tap.take();
      frames = [];
      await row.act(stage);

      const arrived = () => tap.recent.received.length >= received.length && bare.signals.length >= here.length;
      await until(arrived).catch(() => {});
      expect(tap.recent).toEqual({ sent, received });
      if (here.length > 0) {
        expect(bare.signals.map(told)).toEqual(here);
        recorded.push({ otp: release.otp, what: row.what, peer: beam.name, flags: `0x${bare.flags.toString(16)}`, frames, kinds: received, signals: here }); // biome-ignore format: one line
      }
      if (there !== undefined) {
        const mailbox = async () => plain(await beam.inspect("Fixtures.Probe.mailbox(:probe)"));
        await until(async () => (await mailbox()) === there).catch(() => {});
        expect(await mailbox()).toBe(there);
        expect(await beam.eval("Fixtures.Probe.info(Process.whereis(:probe)).links")).toEqual([]);
      }
      await until(() => bare.open !== closes).catch(() => {});
      expect(bare.open).toBe(!closes);
    } finally {
      await stage.end();
    }
  }
});

test("the table has every control message that we know", () => {
  const numbers = new Set(CONTROL_TABLE.map(({ kind }) => Number.parseInt(kind, 10)));
  expect([...numbers]).toEqual(expect.arrayContaining(Object.values(Ctrl)));
});

function plain(text: string): string {
  return text.replaceAll(/#PID<[^>]+>/g, "P").replaceAll(/#Reference<[^>]+>/g, "R");
}

async function setStage(beam: Beam, bare: BareNode): Promise<Stage> {
  const probe = decode(await beam.evalBytes("Fixtures.Probe.start(name: :probe)")) as Pid;
  const input = encode(tuple(probe, bare.pid(), bare.ref()));
  const given = (code: string) => `(fn {probe, puppet, alias} -> _ = {probe, puppet, alias}; ${code} end).(:erlang.binary_to_term(input))`; // biome-ignore format: one line
  return {
    bare,
    probe,
    in: (code) => beam.inspect(given(`Fixtures.Probe.run(probe, fn -> ${code} end)`), { input }),
    until: (code) => beam.until(code),
    end: () => beam.eval("if Process.whereis(:probe), do: Fixtures.Probe.stop(:probe, :over); nil"),
    witness: async (code = "nil") =>
      decode(
        await beam.evalBytes(
          given(`
            starter = self()
            pid = spawn(fn ->
              Process.flag(:trap_exit, true)
              send(starter, {:witness, (fn -> ${code} end).()})
              receive do
                message ->
                  label = :seq_trace.get_token(:label)
                  :seq_trace.set_token([])
                  send(probe, {message, label})
              end
            end)
            receive do {:witness, value} -> {pid, value} end
          `),
          { input },
        ),
      ) as unknown as readonly [Pid, Term],
  };
}
