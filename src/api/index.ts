export type { TlsOptions } from "./carrier.ts";
export { CHANNELS } from "./diagnostics.ts";
export { Node, type NodeEnd, type NodeStats, type PeerStats } from "./node.ts";
export type { EpmdMode, ListenOptions, NodeOptions } from "./options.ts";
export type { DynamicName } from "./own-name.ts";
export { startNode } from "./start-node.ts";
