import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { enter, startProcess } from "./os-process.ts";
import type { Host, HostNetwork, Release } from "./provider.ts";

/** Of the addresses that are set aside for measurements between networks, so that no real network has them. */
const subnet = `198.18.${process.pid % 256}`;

/** Why this machine has no network namespaces for us, or nothing when it has. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "network namespaces need Linux and root";
  const trial = ["--net", "--mount", "--pid", "--fork", "ip", "link", "add", "type", "veth"];
  const { error, status, stderr } = spawnSync("unshare", trial, { encoding: "utf8" });
  if (error) return `network namespaces need the programs unshare and ip (${error.message})`;
  return status === 0 ? undefined : `network namespaces cannot be made here: ${stderr.trim()}`;
}

/**
 * Puts each release, and our side, on a host of its own: a network namespace with an address, a loopback and an epmd of its own,
 * joined to the others by a bridge. So nothing that nodes say to each other can go through a loopback or an epmd that they
 * share, and names have to resolve.
 *
 * Namespaces, links and the epmds live as long as the processes that hold them, and these end with this process, however it ends.
 */
export async function startNamespaces(releases: readonly Release[]): Promise<HostNetwork> {
  const names = ["tiebeam", ...releases.map(({ otp }) => `otp-${otp}`)].map((name) => `${name}.test`);
  const addresses = names.map((_, index) => `${subnet}.${index + 2}`);
  const entries = names.map((name, index) => `${addresses[index]} ${name}\n`).join("");
  const holders: Holder[] = [];
  const dispose = async () => {
    await Promise.all(holders.map((holder) => holder.end()));
  };
  try {
    const bridge = await Holder.start("ip link add bridge type bridge", "ip link set bridge up");
    holders.push(bridge);
    const uplink = `tb${process.pid}`;
    ip("link", "add", uplink, "type", "veth", "peer", "name", "uplink", "netns", String(bridge.pid));
    ip("addr", "add", `${subnet}.1/24`, "dev", uplink);
    ip("link", "set", uplink, "up");
    bridge.run("ip link set uplink master bridge up");

    const hosts: Host[] = [];
    for (const [index, name] of names.entries()) {
      const release = releases[index - 1];
      const root = release?.root ?? "";
      const epmd = release ? [`chroot "${root || "/"}" epmd -port 4369 &`] : [];
      const table = `127.0.0.1 localhost\n${entries}`;
      const holder = await Holder.start(...tableOfHosts(root, table), "ip link set lo up", ...epmd);
      holders.push(holder);
      const port = `port${index}`;
      bridge.run(
        `ip link add ${port} type veth peer name eth0 netns ${holder.pid} && ip link set ${port} master bridge up`,
      );
      holder.run(`ip addr add ${addresses[index]}/24 dev eth0 && ip link set eth0 up`);
      hosts.push({ name, address: addresses[index]!, harness: `${subnet}.1`, enter: holder.enter });
    }
    const [ours, ...theirs] = hosts as [Host, ...Host[]];
    return {
      name: "network namespaces",
      releases: releases.map((release, index) => ({ ...release, host: theirs[index]! })),
      ours: {
        host: ours,
        node: process.execPath,
        start: ({ argv, env }) => startProcess({ argv: enter(ours, argv), ...(env && { env }) }),
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Shell commands that give a root folder another table of hosts, in this mount namespace only and in no file. */
function tableOfHosts(root: string, table: string): string[] {
  return [
    "mount -t tmpfs hosts /mnt",
    `printf '%s' '${table}' > /mnt/hosts`,
    `mount --bind /mnt/hosts "${root}/etc/hosts"`,
    "umount -l /mnt",
  ];
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: "pipe" });
}

/**
 * A process that holds namespaces until its input ends, which it does with the process that started it. It is the first
 * in a pid namespace, so the kernel ends with it whatever it has started.
 */
class Holder {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  /** Runs shell code in the new namespaces, and resolves when that is done. */
  static async start(...setup: string[]): Promise<Holder> {
    const script = ["set -e", ...setup, "echo ready", "exec cat"].join("\n");
    const args = ["--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script];
    const process = spawn("unshare", args, { stdio: ["pipe", "pipe", "inherit"] });
    await Promise.race([
      once(process.stdout!, "data"),
      once(process, "exit").then(() => Promise.reject(new Error(`a network namespace was not made, by: ${script}`))),
    ]);
    return new Holder(process);
  }

  get pid(): number {
    return this.#process.pid!;
  }

  get enter(): readonly [string, ...string[]] {
    return ["nsenter", "--target", String(this.pid), "--net", "--mount"];
  }

  run(code: string): void {
    const [program, ...args] = this.enter;
    execFileSync(program, [...args, "sh", "-c", code], { stdio: "pipe" });
  }

  async end(): Promise<void> {
    const { exitCode, signalCode, stdin } = this.#process;
    if (exitCode !== null || signalCode !== null) return;
    const ended = once(this.#process, "exit");
    stdin!.end();
    await ended;
  }
}
