import process from "node:process";
import type { BackoffOptions, Clock, Logger, Random } from "../base/index.ts";
import { type Connection, DEFAULT_TICK_TIME_MS, dial, type NodeIdentity, ourFlags } from "../dist/index.ts";
import { DEFAULT_ATOM_BUDGET, Decoder } from "../etf/index.ts";
import {
  type AcceptOptions,
  type AddressResolver,
  checkNameKinds,
  Exposed,
  Keeper,
  Peers,
  Spawner,
  startNetKernel,
  startRex,
} from "../node/index.ts";
import { serveErpc, startConsole, startLoggerProxy } from "../remote/index.ts";
import { type Behaviour, Identity, type ProcessCore, Runtime } from "../runtime/index.ts";
import type { Term } from "../term/index.ts";
import type { Carrier } from "./carrier.ts";
import { diagnosticsTelemetry } from "./diagnostics.ts";
import {
  DEFAULT_HIGH_WATER_BYTES,
  DEFAULT_MAX_QUEUED_BYTES,
  DEFAULT_MAX_QUEUED_BYTES_PER_PEER,
  DEFAULT_MAX_QUEUED_SIGNALS,
  DEFAULT_MAX_TIES_PER_PEER,
  type NodeOptions,
} from "./options.ts";

/** What a node is put into: options with their defaults, and what was made of them. */
export interface Surroundings {
  readonly options: NodeOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly carrier: Carrier;
  readonly resolve: AddressResolver;
  readonly cookieFor: (peer: string) => string;
  readonly setupTimeoutMs: number;
  readonly reconnect: Required<BackoffOptions>;
}

/** The parts of a node that need its name. */
export interface Assembly {
  readonly runtime: Runtime;
  readonly host: ProcessCore;
  readonly peers: Peers;
  readonly keeper: Keeper;
  readonly exposed: Exposed;
  readonly netTickTimeMs: number;
  /** For the handshakes that peers begin. */
  readonly accepting: AcceptOptions;
}

/**
 * Puts a node together that is called so. Nothing is waited for, since a name can come in the middle of a handshake.
 * `lost` hears of connections that were up and are gone.
 */
export function assemble(self: NodeIdentity, around: Surroundings, lost: (node: string) => void): Assembly {
  const { options, clock, random, logger, carrier, resolve, cookieFor, setupTimeoutMs, reconnect } = around;
  const telemetry = diagnosticsTelemetry();
  const handshake = { ...handshakeOf(around), self, up: (connection: Connection) => peers.up(connection) };
  const peers: Peers = new Peers({
    self: self.name,
    clock,
    random,
    logger,
    setupTimeoutMs,
    rules: options.rules,
    highWaterBytes: options.highWaterBytes ?? DEFAULT_HIGH_WATER_BYTES,
    maxQueuedBytes: options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES,
    maxQueuedSignals: options.maxQueuedSignals ?? DEFAULT_MAX_QUEUED_SIGNALS,
    fixed: (term) => runtime.copies.fixed(term),
    dial: async (peer, signal) => {
      checkNameKinds(self.name, peer);
      const endpoint = await resolve(peer, signal);
      return dial(carrier.transport, endpoint, { ...handshake, peer, cookie: cookieFor(peer), signal });
    },
    owner: {
      signal: (signal, peer, bytes) => runtime.accept(signal, peer, bytes),
      settle: () => runtime.scheduler.settle(),
      refused: () => runtime.refused++,
      up: (node) => {
        keeper.up(node);
        if (telemetry.linkUp.hasSubscribers) telemetry.linkUp.publish({ node: self.name, peer: node });
        runtime.nodeWatchers.tell({ type: "nodeup", node, reason: undefined });
      },
      down: (node, reason, wasUp) => {
        runtime.nodeDown(node);
        keeper.down(node);
        if (!wasUp) return;
        if (telemetry.linkDown.hasSubscribers) telemetry.linkDown.publish({ node: self.name, peer: node, reason });
        runtime.nodeWatchers.tell({ type: "nodedown", node, reason });
        lost(node);
      },
    },
  });
  const keeper = new Keeper({ reconnect, clock, random, connect: (node) => peers.connect(node) });

  const identity = new Identity(self.name, self.creation, random);
  const localMessages = options.localMessages === "share" ? "share" : profileOf(options);
  const exposed = new Exposed(() => runtime.refused++);
  const runtime: Runtime = new Runtime({
    identity,
    clock,
    logger,
    remote: peers,
    functions: exposed,
    ...(options.otp && { otp: options.otp }),
    telemetry,
    localMessages,
    structs: options.structs,
    maxQueuedBytesPerPeer: options.maxQueuedBytesPerPeer ?? DEFAULT_MAX_QUEUED_BYTES_PER_PEER,
    maxTiesPerPeer: options.maxTiesPerPeer ?? DEFAULT_MAX_TIES_PER_PEER,
  });
  const spawner = new Spawner(runtime, exposed);
  serveErpc(runtime, spawner, exposed);
  startConsole(runtime, options.output ?? standardOutput);
  startLoggerProxy(runtime);
  startNetKernel(runtime);
  startRex(runtime, exposed);
  const host = runtime.spawn(() => new Host(options.onMessage));
  const accepting: AcceptOptions = {
    peers,
    handshake: { ...handshake, cookieFor },
    onFailed: (error, remote) => {
      // That one of two attempts at the same time gives way is how it is meant to be.
      const level = error.code === "HANDSHAKE_NOK" ? "debug" : "warn";
      logger[level](`${remote.host} could not connect: ${error.message}`, { code: error.code });
    },
  };
  const { netTickTimeMs = DEFAULT_TICK_TIME_MS } = options;
  return { runtime, host, peers, keeper, exposed, netTickTimeMs, accepting };
}

/** How connections are made and behave, whoever is on their other side. */
export function handshakeOf({ options, clock, random, carrier, setupTimeoutMs }: Surroundings) {
  return {
    clock,
    random,
    flags: ourFlags({ visible: options.unsafeVisible ?? false }),
    lengthBytes: carrier.lengthBytes,
    stepTimeoutMs: setupTimeoutMs,
    tick: options.netTickTimeMs === undefined ? undefined : { timeMs: options.netTickTimeMs },
    limits: options.connectionLimits,
    decoder: new Decoder({ ...profileOf(options), ...(options.decodeLimits && { limits: options.decodeLimits }) }),
    encoder: { structs: options.structs, atomBudget: options.atomBudget ?? DEFAULT_ATOM_BUDGET },
  };
}

function profileOf({ floats, binaries, structs }: NodeOptions) {
  return {
    ...(floats !== undefined && { floats }),
    ...(binaries !== undefined && { binaries }),
    ...(structs !== undefined && { structs }),
  };
}

const ignore = () => {};

/** Waits while whoever reads our standard output is slow. */
function standardOutput(text: string): Promise<void> {
  const { stdout } = process;
  return new Promise((resolve, reject) => {
    stdout.write(text, (error) => {
      if (!error) return resolve();
      // The error comes as an event as well, which would end the program when nobody listens, as after `| head`.
      if (!stdout.listeners("error").includes(ignore)) stdout.once("error", ignore);
      reject(error);
    });
  });
}

/** The process in whose name the host's code calls and sends. */
class Host implements Behaviour {
  readonly label = "host process";
  readonly immortal = true;
  readonly #onMessage: NodeOptions["onMessage"];

  constructor(onMessage: NodeOptions["onMessage"]) {
    this.#onMessage = onMessage;
  }

  receive(message: unknown): void | Promise<void> {
    return this.#onMessage?.(message as Term) as void | Promise<void>;
  }
}
