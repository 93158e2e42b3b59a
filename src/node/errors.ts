import { TiebeamError } from "../base/index.ts";

/** The epmd of a host knows no node of that name: it is not running, or runs elsewhere. Code `NODE_UNKNOWN`. */
export class NodeUnknownError extends TiebeamError {
  readonly node: string;

  constructor(node: string) {
    super("NODE_UNKNOWN", `there is no node ${node}: the epmd of its host does not know it`);
    this.node = node;
  }
}

/** A node was asked for something after it had been stopped, or stopped meanwhile. Code `NODE_STOPPED`. */
export class NodeStoppedError extends TiebeamError {
  constructor(node: string) {
    super("NODE_STOPPED", `node ${node} has been stopped`);
  }
}

/** Why a connection is gone, in the words of `net_kernel:monitor_nodes`. */
export type DownReason =
  | "connection_setup_failed"
  | "connection_closed"
  | "disconnect"
  | "net_tick_timeout"
  | "protocol_error"
  | "queue_limit"
  | "replaced"
  | "shutdown";
