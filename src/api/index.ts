export { Node, type NodeEnd, type NodeStats, type PeerStats } from "./node.ts";
export type { EpmdMode, NodeOptions } from "./options.ts";
export { startNode } from "./start-node.ts";
