import { TiebeamError } from "../base/index.ts";

/** The epmd of a host knows no node of that name: it is not running, or runs elsewhere. Code `NODE_UNKNOWN`. */
export class NodeUnknownError extends TiebeamError {
  readonly node: string;

  constructor(node: string) {
    super("NODE_UNKNOWN", `there is no node ${node}: the epmd of its host does not know it`);
    this.node = node;
  }
}

/**
 * A node with a short name (`shop@box`) was to connect to one with a long name (`shop@box.example.com`), or the other way
 * round, which no node does. Code `NODE_NAME_KIND`.
 */
export class NameKindError extends TiebeamError {
  readonly node: string;

  constructor(self: string, peer: string, own: "short" | "long") {
    const other = own === "short" ? "long" : "short";
    super("NODE_NAME_KIND", `${self} has a ${own} name and ${peer} a ${other} one: such nodes do not connect`);
    this.node = peer;
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
  | "lent_bytes"
  | "net_tick_timeout"
  | "protocol_error"
  | "queue_limit"
  | "rate_limit"
  | "replaced"
  | "shutdown"
  | "tie_limit"
  | "unread_limit";
