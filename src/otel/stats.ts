import type { BatchObservableResult, Meter } from "@opentelemetry/api";
import type { Node } from "../api/index.ts";

/** Gauges of `node.stats()`, read whenever metrics are collected. Returns a function that ends it. */
export function observeStats(node: Node, meter: Meter): () => void {
  const processes = meter.createObservableGauge("tiebeam.processes", { description: "Living processes" });
  const names = meter.createObservableGauge("tiebeam.names", { description: "Registered names" });
  const monitored = meter.createObservableGauge("tiebeam.monitored", {
    description: "Monitors held on processes here",
  });
  const peers = meter.createObservableGauge("tiebeam.peers", { description: "Connections that are up" });
  const queued = meter.createObservableGauge("tiebeam.peer.queued", {
    unit: "By",
    description: "Bytes that wait for a peer",
  });
  const all = [processes, names, monitored, peers, queued];

  const observe = (result: BatchObservableResult) => {
    const stats = node.stats();
    const attributes = { "tiebeam.node": node.name };
    result.observe(processes, stats.processes, attributes);
    result.observe(names, stats.names, attributes);
    result.observe(monitored, stats.monitored, attributes);
    result.observe(peers, stats.peers.length, attributes);
    for (const peer of stats.peers)
      result.observe(queued, peer.queuedBytes, { ...attributes, "tiebeam.peer": peer.node });
  };
  meter.addBatchObservableCallback(observe, all);
  return () => meter.removeBatchObservableCallback(observe, all);
}
