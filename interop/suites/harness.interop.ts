import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { describePeers, epmdNames, peers, startBeam, startEpmd } from "../harness/index.ts";
import { helpersOf, isRunning } from "../harness/processes.ts";

describePeers("the harness", {}, (release) => {
  test("starts a node that runs the release it was asked for", async () => {
    await using peer = await startBeam(release);

    expect(await peer.eval("System.otp_release()")).toBe(release.otp);
    expect(await peer.eval("System.version()")).toBe(release.elixir);
    expect(await peer.eval("Node.self()")).toBe(peer.name);
    expect(await peer.eval("System.pid()")).toBe(String(peer.pid));
  });

  test("gives values as JSON, as bytes and as text", async () => {
    await using peer = await startBeam(release);

    expect(await peer.eval('{:ok, %{"a" => [1, 2.5, nil], b: {true, "\\"ä\\n"}}}')).toEqual([
      "ok",
      { a: [1, 2.5, null], b: [true, '"ä\n'] },
    ]);
    expect(await peer.eval("[1 | 2]")).toBe("[1 | 2]");
    expect(await peer.eval("9007199254740992")).toBe("9007199254740992");
    expect(Buffer.from(await peer.evalBytes("{:ok, 1}")).toString("hex")).toMatch(/^836802(640002|7702)6f6b6101$/);
    expect(await peer.inspect("Enum.to_list(1..60)")).toBe(
      `[${Array.from({ length: 60 }, (_, i) => i + 1).join(", ")}]`,
    );
    expect(await peer.eval("byte_size(input)", { input: new Uint8Array(1_000_000) })).toBe(1_000_000);
  });

  test("keeps variables between calls and runs calls side by side", async () => {
    await using peer = await startBeam(release);

    const waiting = peer.eval("receive do after 200 -> :slow end");
    await peer.eval("x = 20");
    const quick = await Promise.race([waiting, peer.eval("x + 1")]);

    expect(quick).toBe(21);
    expect(await waiting).toBe("slow");
  });

  test("an error on the peer's side is a PeerError with the peer's text", async () => {
    await using peer = await startBeam(release);

    await expect(peer.eval('raise "no"')).rejects.toThrow("** (RuntimeError) no");
    await expect(peer.eval("throw(:ball)")).rejects.toThrow("** (throw) :ball");
    await expect(peer.eval("Process.exit(self(), :kill)")).rejects.toThrow("the evaluating process ended: :killed");
    await expect(peer.eval("1 +")).rejects.toThrow("TokenMissingError");
    expect(await peer.eval(":alive")).toBe("alive");
  });

  test("waits on the peer until a condition holds", async () => {
    await using peer = await startBeam(release);

    await peer.eval("spawn(fn -> Process.sleep(50); Process.register(self(), :late); Process.sleep(:infinity) end)");

    expect(await peer.until("Process.whereis(:late)")).toMatch(/^#PID/);
    await expect(peer.until("Process.whereis(:never)", { timeoutMs: 30 })).rejects.toThrow("still nil after 30 ms");
  });

  test("two nodes with one cookie ping each other, one with another cookie does not", async () => {
    await using a = await startBeam(release, { cookie: "one" });
    await using b = await startBeam(release, { cookie: "one", hidden: true });
    await using c = await startBeam(release, { cookie: "two" });

    expect(await a.eval(`Node.ping(:"${b.name}")`)).toBe("pong");
    expect(await a.eval(`Node.ping(:"${c.name}")`)).toBe("pang");
    expect(await b.eval("Node.list(:hidden)")).toEqual([a.name]);
    expect(await a.eval("Node.list(:hidden)")).toEqual([b.name]);
  });

  test("SIGKILL is seen by the other node at once", async () => {
    await using a = await startBeam(release, { cookie: "same" });
    await using b = await startBeam(release, { cookie: "same" });
    await a.eval(`Node.ping(:"${b.name}")`);

    await b.kill();

    expect(await b.exited).toBe("SIGKILL");
    expect(await a.until("Node.list() == []")).toBe(true);
    await expect(b.eval("1")).rejects.toThrow("the peer is gone");
  });

  test("a frozen node is lost after the tick time, and answers again after the thaw", async () => {
    await using a = await startBeam(release, { cookie: "same", ticktime: 1 });
    await using b = await startBeam(release, { cookie: "same", ticktime: 1 });
    await a.eval(`Node.ping(:"${b.name}")`);

    await b.freeze();
    await a.until("Node.list() == []");
    const answer = b.eval(":awake");
    const meanwhile = await Promise.race([answer, sleep(100, "silent")]);
    b.thaw();

    expect(meanwhile).toBe("silent");
    expect(await answer).toBe("awake");
  });

  test("a node ends in order with stop, and leaves no process and no name", async () => {
    const peer = await startBeam(release);
    const [short] = peer.name.split("@");
    const helpers = helpersOf(peer.pid);
    expect(await epmdNames(peer.epmdPort)).toContain(short);

    await peer.stop();

    expect(await peer.exited).toBe(0);
    await peer[Symbol.asyncDispose]();
    expect(await epmdNames(peer.epmdPort)).not.toContain(short);
    expect([peer.pid, ...helpers].filter(isRunning)).toEqual([]);
  });

  test("a stock epmd of its own serves two nodes and ends with its test", async () => {
    const epmd = await startEpmd(release);
    await using peer = await startBeam(release, { epmdPort: epmd.port, name: "ours" });

    expect(await epmd.names()).toEqual(["ours"]);
    await expect(startBeam(release, { epmdPort: epmd.port, name: "ours" })).rejects.toThrow("did not start");
    expect(await epmdNames(peer.epmdPort)).toEqual(["ours"]);

    await epmd.stop();
    expect(isRunning(epmd.pid)).toBe(false);
  });
});

describePeers("the harness with GenStage", { genStage: true }, (release) => {
  test("has GenStage on the code path of its own release", async () => {
    await using peer = await startBeam(release, { genStage: true });

    expect(await peer.eval("Application.ensure_all_started(:gen_stage)")).toEqual(["ok", ["gen_stage"]]);
    expect(await peer.eval("to_string(Application.spec(:gen_stage, :vsn))")).toBe(release.genStage?.version);
  });
});

describe("releases beside each other", () => {
  test("nodes of different releases reach each other", async (context) => {
    // The newest two: OTP 25 and later refuse some of what 23 offers.
    const [older, newer] = peers().slice(-2);
    if (!older || !newer) return context.skip("fewer than two releases at hand");
    await using a = await startBeam(older, { cookie: "same" });
    await using b = await startBeam(newer, { cookie: "same" });

    expect(await a.eval(`Node.ping(:"${b.name}")`)).toBe("pong");
  });
});
