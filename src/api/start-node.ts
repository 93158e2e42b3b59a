import process from "node:process";
import { ArgumentError, consoleLogger, type Endpoint, systemClock, systemRandom } from "../base/index.ts";
import { type ConnectionSettings, dial, isLegalNamePart, ourFlags, splitNodeName } from "../dist/index.ts";
import { EpmdClient, startEpmd } from "../epmd/index.ts";
import { DEFAULT_ATOM_BUDGET } from "../etf/index.ts";
import { tcpTransport } from "../net/index.ts";
import {
  Acceptor,
  cookieSource,
  Exposed,
  epmdResolver,
  Peers,
  Spawner,
  startNetKernel,
  startRex,
} from "../node/index.ts";
import { serveErpc } from "../remote/index.ts";
import { type Behaviour, Identity, Runtime } from "../runtime/index.ts";
import type { Term } from "../term/index.ts";
import { Node } from "./node.ts";
import {
  DEFAULT_HIGH_WATER_BYTES,
  DEFAULT_MAX_QUEUED_BYTES,
  DEFAULT_MAX_QUEUED_SIGNALS,
  DEFAULT_SETUP_TIMEOUT_MS,
  type NodeOptions,
} from "./options.ts";

/** What was started so far, to be undone in reverse order when the rest fails. */
type Undo = (() => Promise<unknown> | undefined)[];

/**
 * Starts this process as a node of the cluster: listens, registers its name, and is there. Connections to other nodes are
 * made when something is sent to them.
 *
 * @returns the running node; see {@link Node} for how it ends.
 * @throws ArgumentError for impossible options; CookieError; EpmdError, `EPMD_NAME_TAKEN` when a living node has the name;
 * NetError when the port cannot be listened at. Nothing is left behind then.
 */
export async function startNode(options: NodeOptions): Promise<Node> {
  const undo: Undo = [];
  try {
    return await compose(options, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

async function compose(options: NodeOptions, undo: Undo): Promise<Node> {
  const { name, host } = checkOptions(options);
  const cookieFor = cookieSource(options, process.env);
  const {
    clock = systemClock,
    random = systemRandom,
    logger = consoleLogger,
    transport = tcpTransport,
    epmd: epmdMode = "auto",
    setupTimeoutMs = DEFAULT_SETUP_TIMEOUT_MS,
  } = options;
  const epmdClient = new EpmdClient({ ...(options.epmdPort && { port: options.epmdPort }), transport, clock });
  const resolve = options.resolve ?? epmdResolver(epmdClient);
  const flags = ourFlags({ visible: options.unsafeVisible ?? false });
  const connection: ConnectionSettings = {
    clock,
    tick: options.netTickTimeMs === undefined ? undefined : { timeMs: options.netTickTimeMs },
    limits: options.connectionLimits,
    decoder: { ...profileOf(options), ...(options.decodeLimits && { limits: options.decodeLimits }) },
    encoder: {
      structs: options.structs,
      atomBudget: options.atomBudget ?? DEFAULT_ATOM_BUDGET,
    },
    up: (connection) => peers.up(connection),
  };
  const handshake = { ...connection, flags, random, stepTimeoutMs: setupTimeoutMs };

  const peers: Peers = new Peers({
    self: options.name,
    clock,
    logger,
    setupTimeoutMs,
    rules: options.rules,
    highWaterBytes: options.highWaterBytes ?? DEFAULT_HIGH_WATER_BYTES,
    maxQueuedBytes: options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES,
    maxQueuedSignals: options.maxQueuedSignals ?? DEFAULT_MAX_QUEUED_SIGNALS,
    dial: async (peer, signal) => {
      const endpoint = await resolve(peer, signal);
      return dial(transport, endpoint, { ...handshake, self: self(), peer, cookie: cookieFor(peer), signal });
    },
    owner: {
      signal: (signal) => (signal.op === "spawnRequest" ? spawner.request(signal) : runtime.accept(signal)),
      up: (node) => runtime.nodeWatchers.tell({ type: "nodeup", node, reason: undefined }),
      down: (node, reason, wasUp) => {
        runtime.nodeDown(node);
        if (wasUp) runtime.nodeWatchers.tell({ type: "nodedown", node, reason });
      },
    },
  });
  const accepting = new Acceptor(peers);
  let identity: Identity | undefined;
  const self = () => ({ name: options.name, creation: identity?.creation ?? 0 });

  const listener =
    options.listen === false
      ? undefined
      : await accepting.listen(transport, listenEndpoint(options.listen ?? {}, host), () =>
          identity === undefined
            ? undefined
            : {
                ...handshake,
                self: self(),
                cookieFor,
                onFailed: (error, remote) =>
                  logger.warn(`${remote.host} could not connect: ${error.message}`, { code: error.code }),
              },
        );
  undo.push(() => listener?.close());

  const registers = listener !== undefined && epmdMode !== "none";
  const epmd =
    registers && epmdMode === "auto" ? await startEpmd({ port: epmdClient.port, transport, clock, logger }) : undefined;
  undo.push(() => epmd?.close());
  const registration = registers ? await epmdClient.register({ name, port: listener.endpoint.port }) : undefined;
  undo.push(() => registration?.close());

  identity = new Identity(options.name, registration?.creation ?? randomCreation(random.u32()), random);
  const profile = profileOf(options);
  const localMessages = options.localMessages === "share" ? "share" : profile;
  const runtime = new Runtime({ identity, clock, logger, remote: peers, localMessages });
  const exposed = new Exposed();
  const spawner = new Spawner(runtime, exposed);
  serveErpc(spawner, exposed);
  startNetKernel(runtime);
  startRex(runtime, exposed);
  const hostProcess = runtime.spawn(() => new Host(options.onMessage));
  const node = new Node({
    runtime,
    host: hostProcess,
    peers,
    exposed,
    listener,
    registration,
    epmd,
    logger,
    accepting,
  });
  stopOnSignals(node, options.stopOn ?? []);
  return node;
}

/** The process in whose name the host's code calls and sends. */
class Host implements Behaviour {
  readonly label = "host process";
  readonly immortal = true;
  readonly #onMessage: ((message: Term) => void) | undefined;

  constructor(onMessage: ((message: Term) => void) | undefined) {
    this.#onMessage = onMessage;
  }

  receive(message: unknown): void {
    this.#onMessage?.(message as Term);
  }
}

/** @returns the parts of the node's name. */
function checkOptions(options: NodeOptions): { name: string; host: string } {
  const parts = splitNodeName(options.name);
  if (parts === undefined) throw new ArgumentError("name", `${options.name} is no node name: it has to be name@host`);
  if (!isLegalNamePart(parts.name)) {
    throw new ArgumentError("name", `${parts.name}: only letters, digits, _ and - may stand before the @`);
  }
  if (options.visible) {
    throw new ArgumentError(
      "visible",
      "a visible node has to speak all of the global protocol, which this one does not",
    );
  }
  return parts;
}

function profileOf({ floats, binaries, structs }: NodeOptions) {
  return {
    ...(floats !== undefined && { floats }),
    ...(binaries !== undefined && { binaries }),
    ...(structs !== undefined && { structs }),
  };
}

const LOOPBACK_NAMES = new Map([
  ["localhost", "127.0.0.1"],
  ["::1", "::1"],
]);

/** A node whose name is good on this machine only listens there only. */
function listenEndpoint(listen: { host?: string; port?: number }, nameHost: string): Endpoint {
  const loopback = nameHost.startsWith("127.") ? nameHost : LOOPBACK_NAMES.get(nameHost);
  return { host: listen.host ?? loopback ?? "0.0.0.0", port: listen.port ?? 0 };
}

/** Creations 0 to 3 have meanings of their own in old releases. */
function randomCreation(word: number): number {
  return Math.max(word, 4);
}

function stopOnSignals(node: Node, signals: readonly NodeJS.Signals[]): void {
  const handlers = signals.map((signal) => ({ signal, stop: () => void node.stop(signal) }));
  for (const { signal, stop } of handlers) process.once(signal, stop);
  void node.closed.then(() => {
    for (const { signal, stop } of handlers) process.off(signal, stop);
  });
}
