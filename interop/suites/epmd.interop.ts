import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { EpmdClient, startEpmd } from "../../src/epmd/index.ts";
import { describePeers, startBeam, startEpmd as startStockEpmd, uniqueName } from "../harness/index.ts";
import { startCommand } from "../providers/index.ts";

const shortName = (name: string) => name.slice(0, name.indexOf("@"));

describePeers("epmd", {}, (release) => {
  test("BEAM nodes register with the embedded epmd, list it and reach each other through it", async () => {
    await using epmd = await startEpmd({ port: 0, addresses: ["127.0.0.1"] });
    const cookie = uniqueName("cookie");
    await using one = await startBeam(release, { epmdPort: epmd.port, cookie });
    await using two = await startBeam(release, { epmdPort: epmd.port, cookie });
    const client = new EpmdClient({ port: epmd.port });

    const listed = await one.eval<string[]>(
      `{:ok, names} = :net_adm.names(~c"127.0.0.1"); names |> Enum.map(fn {name, _} -> List.to_string(name) end) |> Enum.sort()`,
    );
    const ping = await one.inspect(`:net_adm.ping(:"${two.name}")`);
    const creation = await two.eval<number>(":erlang.system_info(:creation)");
    const ours = await client.names();

    expect(listed).toEqual([shortName(one.name), shortName(two.name)].sort());
    expect(ours.map(({ name }) => name).sort()).toEqual(listed);
    expect(ping).toBe(":pong");
    expect(Math.abs(creation - Date.now() / 1_000)).toBeLessThan(120);
    expect(await client.lookup(shortName(one.name))).toMatchObject({
      nodeType: 77,
      protocol: 0,
      highest: 6,
      lowest: 5,
    });
  });

  test("a second BEAM node of the same name refuses to start, and the first keeps the name", async () => {
    await using epmd = await startEpmd({ port: 0, addresses: ["127.0.0.1"] });
    await using first = await startBeam(release, { epmdPort: epmd.port });

    const second = startBeam(release, { epmdPort: epmd.port, name: shortName(first.name) });

    await expect(second).rejects.toThrow(/seems to be in use by another Erlang node/);
    expect(epmd.names).toBe(1);
  });

  test("a BEAM node's name is free as soon as the node is dead", async () => {
    await using epmd = await startEpmd({ port: 0, addresses: ["127.0.0.1"] });
    await using node = await startBeam(release, { epmdPort: epmd.port });
    expect(epmd.names).toBe(1);

    await node.kill();
    await using registration = await registered(new EpmdClient({ port: epmd.port }), shortName(node.name));

    expect(epmd.names).toBe(1);
    expect(registration.creation).toBeGreaterThan(3);
  });

  test("the stock epmd command lists, dumps and ends the embedded one", async () => {
    await using epmd = await startEpmd({ port: 0, addresses: ["127.0.0.1"] });
    const registration = await new EpmdClient({ port: epmd.port }).register({ name: "shop", port: 4_711 });
    const command = async (...args: string[]) => {
      const run = await startCommand(release, { argv: ["epmd", "-port", String(epmd.port), ...args] });
      await run.exited;
      return run.output();
    };

    expect(await command("-names")).toContain("name shop at port 4711");
    expect(await command("-kill")).toContain("not allowed");
    await registration.close();
    expect(await command("-kill")).toContain("Killed");
    await epmd.closed;
  });

  test("the client registers with, looks up at, lists and dumps the stock epmd", async () => {
    await using stock = await startStockEpmd(release);
    await using node = await startBeam(release, { epmdPort: stock.port });
    const client = new EpmdClient({ port: stock.port });
    const extra = Uint8Array.of(1, 2, 3);
    const registration = await client.register({ name: "shop", port: 4_711, nodeType: 72, extra });

    await expect(client.register({ name: "shop", port: 1 })).rejects.toMatchObject({ code: "EPMD_NAME_TAKEN" });
    expect(await client.lookup("shop")).toEqual({
      name: "shop",
      port: 4_711,
      nodeType: 72,
      protocol: 0,
      highest: 6,
      lowest: 5,
      extra,
    });
    expect((await client.names()).map(({ name }) => name).sort()).toEqual([shortName(node.name), "shop"].sort());
    expect(await client.kill()).toBe(false);
    await expect(client.stop("shop")).rejects.toMatchObject({ code: "EPMD_CLOSED" });
    await registration.close();
    expect(await client.lookup("shop")).toBeUndefined();
    expect(await client.dump()).toContainEqual({ name: "shop", port: 4_711, active: false, fd: expect.any(Number) });
    const again = await client.register({ name: "shop", port: 4_711 });
    expect(again.creation).toBe(registration.creation + 1);
    await again.close();
  });

  test("requests cut at every byte are answered as the stock epmd answers them", async () => {
    await using stock = await startStockEpmd(release);
    await using epmd = await startEpmd({ port: 0, addresses: ["127.0.0.1"] });
    const requests = ["00016e", "00057a6e6f7065", "00047a006e6f", "00027a00", "0000", "0bf2", "000163"];

    for (const hex of requests) {
      const request = Buffer.from(hex, "hex");
      for (let cut = 0; cut < request.length; cut++) {
        const theirs = await answer(stock.port, request, cut);
        const ours = await answer(epmd.port, request, cut);
        expect({ hex, cut, answer: ours.subarray(4) }).toEqual({ hex, cut, answer: theirs.subarray(4) });
      }
    }
  });
});

// OTP 23.2 does not register again after it lost its epmd: its erl_epmd has no reconnect.
describePeers("the loss of an epmd", { otp: ["25", "27", "29"] }, (release) => {
  test("beside a stock epmd the embedded one stands aside, and takes over with every node when that dies", async () => {
    await using stock = await startStockEpmd(release);
    await using epmd = await startEpmd({ port: stock.port, addresses: ["127.0.0.1"] });
    await using node = await startBeam(release, { epmdPort: stock.port });
    await using registration = await new EpmdClient({ port: stock.port }).register({ name: "shop", port: 4_711 });
    const { creation } = registration;
    expect(epmd.role).toBe("client");

    await stock.stop();
    const listed = await node.until<string[]>(
      `case :net_adm.names(~c"127.0.0.1") do
        {:ok, [_, _] = names} -> names |> Enum.map(fn {name, _} -> List.to_string(name) end) |> Enum.sort()
        _ -> nil
      end`,
      { timeoutMs: 10_000 },
    );

    expect(epmd.role).toBe("server");
    expect(listed).toEqual([shortName(node.name), "shop"].sort());
    expect(registration.creation).toBe(creation);
  });
});

/** Registers as soon as the epmd has noticed that the name is free. */
async function registered(client: EpmdClient, name: string) {
  for (;;) {
    try {
      return await client.register({ name, port: 1 });
    } catch (error) {
      if ((error as { code?: string }).code !== "EPMD_NAME_TAKEN") throw error;
    }
  }
}

/** What comes back for a request sent in two pieces. */
async function answer(port: number, request: Buffer, cut: number): Promise<Buffer> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const parts: Buffer[] = [];
  socket.on("error", () => {});
  socket.on("data", (bytes) => void parts.push(bytes));
  const closed = once(socket, "close", { signal: AbortSignal.timeout(5_000) });
  await once(socket, "connect");
  if (cut > 0) await new Promise((resolve) => socket.write(request.subarray(0, cut), resolve));
  await new Promise((resolve) => socket.write(request.subarray(cut), resolve));
  await closed;
  return Buffer.concat(parts);
}
