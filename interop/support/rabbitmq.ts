import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, uniqueName } from "../harness/index.ts";
import { type BeamProcess, startProcess } from "../providers/index.ts";

const PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const STARTED = "Server startup complete";
const START_TIMEOUT_MS = 120_000;

/** Why there is no RabbitMQ to start, or nothing when there is. */
export function noRabbit(): string | undefined {
  return existsSync(PROGRAM) ? undefined : "the Debian package rabbitmq-server is not installed";
}

/** A RabbitMQ node with everything it writes in a folder of its own, on loopback only. Leaves nothing when disposed. */
export class Rabbit implements AsyncDisposable {
  readonly name = `${uniqueName("rabbit")}@127.0.0.1`;
  readonly cookie = uniqueName("cookie");
  readonly epmdPort = Number(process.env.ERL_EPMD_PORT);
  readonly #folder = mkdtempSync(join(tmpdir(), "tiebeam-rabbit-"));
  #process: BeamProcess | undefined;

  static async start(): Promise<Rabbit> {
    const rabbit = new Rabbit();
    try {
      await rabbit.#start();
      return rabbit;
    } catch (error) {
      await rabbit[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#process?.signal("SIGKILL");
    await this.#process?.exited;
  }

  /** Starts it again after its end, with the same name and what it has kept on its disk. */
  async startAgain(): Promise<void> {
    await this.#start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const file = (name: string, text = "") => {
      const path = join(this.#folder, name);
      if (!existsSync(path)) writeFileSync(path, text, { mode: 0o400 });
      return path;
    };
    file(".erlang.cookie", this.cookie);
    this.#process = await startProcess({
      argv: [PROGRAM],
      env: {
        HOME: this.#folder,
        RABBITMQ_NODENAME: this.name,
        RABBITMQ_USE_LONGNAME: "true",
        RABBITMQ_MNESIA_BASE: join(this.#folder, "mnesia"),
        RABBITMQ_LOG_BASE: join(this.#folder, "log"),
        RABBITMQ_LOGS: "-",
        RABBITMQ_ENABLED_PLUGINS_FILE: file("plugins", "[]."),
        RABBITMQ_CONF_ENV_FILE: file("env.conf"),
        RABBITMQ_CONFIG_FILE: file("rabbitmq.conf"),
        RABBITMQ_PID_FILE: join(this.#folder, "pid"),
        RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
        RABBITMQ_NODE_PORT: String(await freePort()),
        RABBITMQ_DIST_PORT: String(await freePort()),
        // With input allowed the script runs the BEAM in its own place, so that signals reach it.
        RABBITMQ_ALLOW_INPUT: "1",
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-noinput -kernel inet_dist_use_interface {127,0,0,1}",
      },
    });
    let ended: number | string | undefined;
    void this.#process.exited.then((how) => {
      ended = how;
    });
    for (const deadline = Date.now() + START_TIMEOUT_MS; !this.#process.output().includes(STARTED); await sleep(50)) {
      if (ended === undefined && Date.now() < deadline) continue;
      throw new Error(`RabbitMQ did not start (${ended ?? "too late"}):\n${this.#process.output()}`);
    }
  }
}
