import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { decode, encode } from "../../src/etf/index.ts";
import { atom, type BusyError, type From, GenServer, type Pid, reply, type Term, tuple } from "../../src/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { nodeBeside } from "../support/our-node.ts";

const MiB = 1024 * 1024;

describePeers("a process of ours that awaits", {}, (release) => {
  test("is killed within 50 ms, its links and monitors are served meanwhile, and nothing it does later leaves it", async () => {
    await using beam = await startBeam(release);
    await using node = await nodeBeside(beam);
    const entered = signal();
    const woken = signal();
    const finished = signal();
    const failures: unknown[] = [];
    const probe = decode(await beam.evalBytes("probe = Fixtures.Probe.start(); probe")) as Pid;
    class Sleeper extends GenServer {
      override async handleCall(_request: Term, from: From) {
        entered.set();
        await Promise.race([sleep(10_000, undefined, { signal: woken.abort }).catch(() => {}), woken.promise]);
        for (const act of [
          () => from.reply("late reply"),
          () => this.process.send(probe, "late send"),
          () => this.process.register("late"),
          () => this.process.link(probe),
          () => this.process.monitor(probe),
          () => this.process.exit(probe, atom("late")),
        ]) {
          try {
            act();
          } catch (error) {
            failures.push(error);
          }
        }
        finished.set();
        return reply("late result");
      }
    }
    const sleeper = await node.start(Sleeper, { name: "sleeper" });

    await beam.eval(
      `
      sleeper = :erlang.binary_to_term(input)
      spawn(fn ->
        result =
          try do
            GenServer.call(sleeper, :sleep, 60_000)
          catch
            :exit, {reason, _call} -> {:exit, reason}
          end
        send(probe, {:call, result})
      end)
      nil`,
      { input: encode(sleeper.pid) },
    );
    await entered.promise;
    const answered = await beam.eval<number>(`
      Fixtures.Probe.run(probe, fn ->
        Process.link(sleeper)
        Process.monitor(sleeper)
        # Signals keep their order, so the answer to the last one says that those before it have arrived.
        {micros, _} = :timer.tc(fn ->
          ref = Process.monitor({:nobody, node(sleeper)})
          receive do: ({:DOWN, ^ref, _, _, :noproc} -> :ok)
        end)
        micros
      end)
    `);
    const held = node.processInfo(sleeper.pid);
    const [reason, micros] = await beam.eval<[string, number]>(`
      Fixtures.Probe.run(probe, fn ->
        ref = Process.monitor(sleeper)
        start = System.monotonic_time(:microsecond)
        Process.exit(sleeper, :kill)
        receive do
          {:DOWN, ^ref, :process, ^sleeper, reason} -> {reason, System.monotonic_time(:microsecond) - start}
        after
          5_000 -> {:no_down, 0}
        end
      end)
    `);
    const after = await beam.inspect(`
      Fixtures.Probe.run(probe, fn ->
        ref = Process.monitor(sleeper)
        receive do: ({:DOWN, ^ref, _, _, reason} -> reason), after: (1_000 -> :no_answer)
      end)
    `);
    woken.set();
    await finished.promise;
    const nameAfter = await beam.inspect(`
      ref = Process.monitor({:late, node(sleeper)})
      receive do: ({:DOWN, ^ref, _, _, reason} -> reason), after: (1_000 -> :no_answer)
    `);
    await node.send(probe, atom("marker"));
    const mailbox = await beam.inspect(`
      Fixtures.Probe.await(probe, 4)
      |> Enum.map(fn
        {:DOWN, _, _, ^sleeper, reason} -> {:DOWN, reason}
        {:EXIT, ^sleeper, reason} -> {:EXIT, reason}
        other -> other
      end)
      |> Enum.sort()
    `);

    console.log(`OTP ${release.otp}: a monitor answered after ${answered} µs, DOWN after ${micros} µs`);
    expect(answered).toBeLessThan(50_000);
    expect(held).toMatchObject({ links: [probe], messageQueueLength: 0 });
    expect(held?.monitoredBy.length).toBe(2);
    expect(reason).toBe("killed");
    expect(micros).toBeLessThan(50_000);
    expect(after).toBe(":noproc");
    expect(mailbox).toBe("[:marker, {:DOWN, :killed}, {:EXIT, :killed}, {:call, {:exit, :killed}}]");
    expect(failures).toMatchObject([{ code: "BADARG" }]);
    expect(nameAfter).toBe(":noproc");
    expect(node.stats()).toMatchObject({ monitored: 0, aliases: 0 });
  });
});

describePeers("a BEAM that is frozen", {}, (release) => {
  test("lets a loop of a million sends end in BUSY with memory level, and gets what was taken, in order, once it goes on", async () => {
    await using beam = await startBeam(release);
    await using node = await nodeBeside(beam);
    await beam.eval("sink = spawn(fn -> Process.sleep(:infinity) end); Process.register(sink, :sink)");
    const sink = { name: "sink", node: beam.name };
    const text = "x".repeat(100);
    await node.send(sink, tuple(0, text));
    await beam.until("Process.info(sink, :message_queue_len) == {:message_queue_len, 1}");

    await beam.freeze();
    const before = process.memoryUsage().rss;
    let sent = 1;
    let busy: BusyError | undefined;
    let refused = 0;
    for (let i = 0; i < 1_000_000; i++) {
      try {
        void node.send(sink, tuple(sent, text));
        sent++;
      } catch (error) {
        busy = error as BusyError;
        refused++;
      }
    }
    const grown = process.memoryUsage().rss - before;
    beam.thaw();

    console.log(
      `OTP ${release.otp}: BUSY after ${sent} messages, ${busy?.bytes} bytes; RSS grew by ${(grown / MiB).toFixed(1)} MiB`,
    );
    expect(busy).toMatchObject({ code: "BUSY", node: beam.name });
    expect(sent - 1 + refused).toBe(1_000_000);
    expect(refused).toBeGreaterThan(0);
    expect(busy?.bytes).toBeLessThan(17 * MiB);
    expect(grown).toBeLessThan(100 * MiB);
    await beam.until(`Process.info(sink, :message_queue_len) == {:message_queue_len, ${sent}}`, { timeoutMs: 20_000 });
    expect(
      await beam.inspect(`
        {:messages, messages} = Process.info(sink, :messages)
        Enum.map(messages, &elem(&1, 0)) == Enum.to_list(0..${sent - 1})
      `),
    ).toBe("true");
  });

  test("is lost within 1.25 times the net tick time: calls reject with NODEDOWN, monitors and links end", async () => {
    const tickSeconds = 2;
    await using beam = await startBeam(release, { ticktime: tickSeconds });
    await using node = await nodeBeside(beam, { netTickTimeMs: tickSeconds * 1_000 });

    const elapsed = await untilLost(beam, node, () => beam.freeze());

    console.log(
      `OTP ${release.otp}: lost ${elapsed.join(" and ")} ms after SIGSTOP, with a tick time of ${tickSeconds} s`,
    );
    for (const ms of elapsed) expect(ms).toBeLessThanOrEqual(1_250 * tickSeconds);
  });
});

describePeers("a BEAM that is killed", {}, (release) => {
  test("is lost within a second: calls reject with NODEDOWN, monitors and links end", async () => {
    await using beam = await startBeam(release);
    await using node = await nodeBeside(beam);

    const elapsed = await untilLost(beam, node, () => beam.kill());

    console.log(`OTP ${release.otp}: lost ${elapsed.join(" and ")} ms after SIGKILL`);
    for (const ms of elapsed) expect(ms).toBeLessThan(1_000);
  });
});

describePeers("the atom budget", {}, (release) => {
  test("ends the sending of objects with random keys before the BEAM has more atoms than it allows", async () => {
    await using beam = await startBeam(release);
    await using node = await nodeBeside(beam);
    await beam.eval("Fixtures.Echo.start(name: :echo); nil");
    const echo = { name: "echo", node: beam.name };
    await node.call(echo, tuple(atom("echo"), 1));
    const objects = JSON.parse(
      `[${Array.from({ length: 20_000 }, () => `{"${crypto.randomUUID()}": 1, "${crypto.randomUUID()}": [2]}`).join()}]`,
    ) as object[];
    const atoms = () => beam.eval<number>(":erlang.system_info(:atom_count)");
    await atoms();
    const before = await atoms();

    let sent = 0;
    let failure: unknown;
    try {
      for (const object of objects) {
        await node.send(echo, object);
        sent++;
      }
    } catch (error) {
      failure = error;
    }
    // The link lives, and the same keys as texts are no atoms.
    const stringKeys = new Map(Object.entries(objects.at(-1)!));
    expect(await node.call(echo, tuple(atom("echo"), stringKeys))).toEqual(stringKeys);
    const grown = (await atoms()) - before;

    console.log(`OTP ${release.otp}: ${sent} of 20,000 objects sent, ${grown} new atoms`);
    expect(failure).toMatchObject({ code: "ETF_ATOM_BUDGET" });
    expect(grown).toBeLessThanOrEqual(10_000);
    expect(grown).toBeGreaterThan(9_000);
    expect(node.peers()).toEqual([beam.name]);
  });
});

/** Milliseconds until a call, a monitor and a link of ours notice that the BEAM is gone. */
async function untilLost(beam: Beam, node: Awaited<ReturnType<typeof nodeBeside>>, how: () => unknown) {
  await beam.eval("{:ok, odd} = Fixtures.Odd.start(name: :odd); nil");
  const odd = { name: "odd", node: beam.name };
  const pid = decode(await beam.evalBytes("odd")) as Pid;
  class Linked extends GenServer {
    override init() {
      this.process.link(pid);
    }
  }
  const linked = await node.start(Linked);
  let since = 0;
  const elapsed = (): number => Math.round(performance.now() - since);
  const call = node.call(odd, atom("silent"), { timeoutMs: 60_000 }).catch((error: unknown) => {
    expect(error).toMatchObject({ code: "NODEDOWN", node: beam.name });
    return elapsed();
  });
  const monitor = new Promise<number>((resolve) => {
    node.monitor(odd, ({ reason }) => {
      expect(reason).toBe(atom("noconnection"));
      resolve(elapsed());
    });
  });
  const link = new Promise<number>((resolve) => {
    node.monitor(linked.pid, ({ reason }) => {
      expect(reason).toBe(atom("noconnection"));
      resolve(elapsed());
    });
  });
  await beam.until(
    "length(elem(Process.info(odd, :monitored_by), 1)) == 2 and elem(Process.info(odd, :links), 1) != []",
  );

  since = performance.now();
  void how();
  const all = await Promise.all([call as Promise<number>, monitor, link]);
  expect(node.processInfo(node.pid)?.monitors).toEqual([]);
  expect(node.peers()).toEqual([]);
  return all;
}

interface Signal {
  readonly promise: Promise<void>;
  readonly abort: AbortSignal;
  set(): void;
}

function signal(): Signal {
  const controller = new AbortController();
  const promise = new Promise<void>((resolve) => {
    controller.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  return { promise, abort: controller.signal, set: () => controller.abort() };
}
