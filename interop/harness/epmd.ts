import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";
import { type Release, startCommand } from "../providers/index.ts";

/** A stock epmd that was started here. */
export interface StockEpmd extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** The names registered now. */
  names(): Promise<string[]>;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
}

/** Starts the epmd of a release on `port`, or on a free one, and waits until it answers. It listens on loopback only. */
export async function startEpmd(release: Release, options: { port?: number } = {}): Promise<StockEpmd> {
  const port = options.port ?? (await freePort());
  const argv = ["epmd", "-port", String(port), "-address", "127.0.0.1"] as const;
  const epmd = await startCommand(release, { argv });
  const ended = epmd.exited.then((how) => Promise.reject(new Error(`epmd ended (${how}): ${epmd.output()}`)));
  ended.catch(() => {}); // it matters only while waiting for the start
  await Promise.race([answers(port), ended]);
  const stop = async () => {
    epmd.signal("SIGKILL");
    await epmd.exited;
  };
  return { port, pid: epmd.pid, names: () => epmdNames(port), stop, [Symbol.asyncDispose]: stop };
}

/** The names an epmd knows, asked for with a client that shares no code with the one under test (NAMES_REQ). */
export function epmdNames(port: number, address = "127.0.0.1"): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect(port, address, () => socket.write(Buffer.from([0, 1, 110])));
    socket.on("data", (data) => parts.push(data));
    socket.on("error", reject);
    socket.on("close", () => {
      const text = Buffer.concat(parts).subarray(4).toString();
      resolve([...text.matchAll(/^name (.+) at port \d+$/gm)].map(([, name]) => name!).sort());
    });
  });
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(port: number): Promise<void> {
  for (const deadline = Date.now() + 5_000; ; ) {
    try {
      await epmdNames(port);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
