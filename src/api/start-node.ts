import process from "node:process";
import {
  backoffOf,
  consoleLogger,
  type Endpoint,
  type Listener,
  safeLogger,
  systemClock,
  systemRandom,
  type Transport,
} from "../base/index.ts";
import { dial, ourFlags } from "../dist/index.ts";
import { EpmdClient, startEpmd } from "../epmd/index.ts";
import { tcpTransport } from "../net/index.ts";
import { Acceptor, checkNameKinds, cookieSource, epmdResolver, randomCreation, resolverInTime } from "../node/index.ts";
import { type Assembly, assemble, handshakeOf, type Surroundings } from "./assemble.ts";
import { carrierOf } from "./carrier.ts";
import { checkOptions } from "./check-options.ts";
import { Node } from "./node.ts";
import { DEFAULT_SETUP_TIMEOUT_MS, type ListenOptions, type NodeOptions } from "./options.ts";
import { type DynamicName, dynamicHost, loopbackOf, ownName } from "./own-name.ts";
import { registrationLog } from "./registration-log.ts";

/** What was started so far, to be undone in reverse order when the rest fails. */
type Undo = (() => Promise<unknown> | undefined)[];

/**
 * Starts this process as a node of the cluster: listens, registers its name, and is there. Connections to other nodes are
 * made when something is sent to them.
 *
 * @returns the running node; see {@link Node} for how it ends.
 * @throws ArgumentError for impossible options; CookieError; EpmdError, `EPMD_NAME_TAKEN` when a living node has the name;
 * NetError when a port cannot be listened at; for a name that another node is asked for, what {@link Node.connect} rejects
 * with. Nothing is left behind then.
 */
export async function startNode(options: NodeOptions): Promise<Node> {
  checkOptions(options);
  const undo: Undo = [];
  try {
    const { name } = options;
    const node = await (typeof name === "string" ? startNamed(name, options, undo) : startNameless(name, options));
    stopOnSignals(node, options.stopOn ?? []);
    for (const peer of options.keepConnected ?? []) node.keepConnected(peer);
    return node;
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

/** A node with a name of its own: the epmd gives the creation. */
async function startNamed(node: string, options: NodeOptions, undo: Undo): Promise<Node> {
  const { name, host } = ownName(node);
  const epmdClient = epmdClientOf(options);
  const around = surroundingsOf(options, epmdClient);
  let assembly: Assembly | undefined;
  const accepting = new Acceptor(() => assembly?.accepting);

  const listeners: Listener[] = [];
  for (const endpoint of listenEndpoints(options.listen ?? {}, host)) {
    const listener = await accepting.listen(around.carrier.transport, endpoint);
    listeners.push(listener);
    undo.push(() => listener.close());
  }

  const { transport = tcpTransport, epmd: mode = "auto" } = options;
  const [first] = listeners;
  const registers = first !== undefined && mode !== "none";
  const registered = registers ? { name, port: options.advertisedPort ?? first.endpoint.port } : undefined;
  const epmd = registered && mode === "auto" ? await startEpmdBeside(epmdClient, transport, around) : undefined;
  undo.push(() => epmd?.close());
  const onEvent = registrationLog(node, around.logger);
  const registration = registered && (await epmdClient.register(registered, { onEvent }));
  undo.push(() => registration?.close());

  const creation = registration?.creation ?? randomCreation(around.random);
  assembly = assemble({ name: node, creation }, around, () => {});
  return new Node({ ...assembly, logger: around.logger, accepting, listeners, registration, epmd });
}

/** A node whose name comes with its first connection, whose end is the end of the name, and so of the node. */
async function startNameless(name: DynamicName, options: NodeOptions): Promise<Node> {
  const host = dynamicHost(name);
  checkNameKinds(host, name.from);
  const around = surroundingsOf(options, epmdClientOf(options));
  const accepting = new Acceptor(() => undefined);
  let node: Node | undefined;

  const endpoint = await around.resolve(name.from, new AbortController().signal);
  await dial(around.carrier.transport, endpoint, {
    ...handshakeOf(around),
    self: { name: host, creation: 0 },
    flags: ourFlags({ dynamicName: true }),
    peer: name.from,
    cookie: around.cookieFor(name.from),
    up: (connection) => {
      const nameLost = (peer: string) => peer === name.from && void node?.stop("name_lost");
      const assembly = assemble(connection.self, around, nameLost);
      const rest = { logger: around.logger, accepting, listeners: [], registration: undefined, epmd: undefined };
      node = new Node({ ...assembly, ...rest });
      return assembly.peers.up(connection);
    },
  });
  return node!;
}

function surroundingsOf(options: NodeOptions, epmdClient: EpmdClient): Surroundings {
  const { clock = systemClock, random = systemRandom, logger = consoleLogger, tls, transport } = options;
  const { setupTimeoutMs = DEFAULT_SETUP_TIMEOUT_MS } = options;
  return {
    options,
    clock,
    random,
    logger: safeLogger(logger),
    carrier: carrierOf({ tls, transport, clock, setupTimeoutMs }),
    resolve: options.resolve ? resolverInTime(options.resolve, clock, setupTimeoutMs) : epmdResolver(epmdClient),
    cookieFor: cookieSource(options, process.env),
    setupTimeoutMs,
    reconnect: backoffOf(options.reconnect ?? {}, "reconnect"),
  };
}

function epmdClientOf({ epmdPort, transport = tcpTransport, clock = systemClock }: NodeOptions): EpmdClient {
  return new EpmdClient({ ...(epmdPort && { port: epmdPort }), transport, clock });
}

function startEpmdBeside({ port }: EpmdClient, transport: Transport, { clock, logger }: Surroundings) {
  return startEpmd({ port, transport, clock, logger });
}

/** A node whose name is good on this machine only listens there only. */
function listenEndpoints(listen: ListenOptions | readonly ListenOptions[] | false, nameHost: string): Endpoint[] {
  if (listen === false) return [];
  const host = loopbackOf(nameHost) ?? (nameHost.includes(":") ? "::" : "0.0.0.0");
  const places: readonly ListenOptions[] = "length" in listen ? listen : [listen];
  return places.map((place) => ({ host: place.host ?? host, port: place.port ?? 0 }));
}

function stopOnSignals(node: Node, signals: readonly NodeJS.Signals[]): void {
  const handlers = signals.map((signal) => ({ signal, stop: () => void node.stop(signal) }));
  for (const { signal, stop } of handlers) process.once(signal, stop);
  void node.closed.then(() => {
    for (const { signal, stop } of handlers) process.off(signal, stop);
  });
}
