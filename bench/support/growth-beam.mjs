// The row of messages over many connections, with a BEAM in this library's place: what grows in both is the machine's.
import { MESSAGES, withLeaves } from "./growth-leaves.mjs";
import { findReleases, freePort, startBeam, startEpmd, uniqueName } from "./harness.mjs";
import { threadTimesOf } from "./measure.mjs";

/** The oldest of the releases that the other benches measure. */
const OTP = "25";

const SEND = `
  leaves = for name <- names, do: {:leaf, name}
  for _ <- 1..each, leaf <- leaves, do: send(leaf, {:price, "sku-000042"})
  requests = for leaf <- leaves, do: :gen_server.send_request(leaf, :count)
  true = Enum.all?(requests, &(:gen_server.receive_response(&1, 60_000) == {:reply, each}))
  nil
`;

export const sentByBeam = { title: `the same from a BEAM (OTP ${OTP})`, measure };

/** Measures nothing where there is no such release. */
async function measure(size, repeat) {
  const release = (await findReleases()).find(({ otp }) => otp === OTP);
  if (release === undefined) return;
  const epmd = await startEpmd(release);
  const port = await freePort();
  const listen = ["-kernel", "inet_dist_listen_min", String(port), "inet_dist_listen_max", String(port)];
  const beam = await startBeam(release, {
    name: uniqueName("growth"),
    epmdPort: epmd.port,
    hidden: true,
    args: listen,
  });
  try {
    await withLeaves({ node: beam.name, port, cookie: beam.cookie }, size, async (leaves) => {
      const each = Math.ceil(MESSAGES / size);
      const names = leaves.map(({ node }) => `:"${node}"`);
      const module = `Bench.Growth${size}`;
      await beam.eval(`defmodule ${module} do def send_all(each, names) do ${SEND} end end; nil`);
      const work = () => beam.eval(`${module}.send_all(${each}, [${names}])`, { timeoutMs: 120_000 });
      await repeat(each * size, work, { processorTime: async () => (await threadTimesOf(beam.pid)).ran * 1e9 });
    });
  } finally {
    await beam.kill();
    await epmd.stop();
  }
}
