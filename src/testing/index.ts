export { type MemoryTransport, type MemoryTransportOptions, memoryTransport } from "./memory-transport.ts";
export { SeededRandom } from "./seeded-random.ts";
export { SimulatedClock } from "./simulated-clock.ts";
export { SimulatedCluster, type SimulatedClusterOptions } from "./simulated-cluster.ts";
export type { LinkSpeed } from "./simulated-network.ts";
