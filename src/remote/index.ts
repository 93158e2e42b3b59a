export { Erpc, type RpcResult } from "./erpc.ts";
export { serveErpc } from "./erpc-server.ts";
export { type RpcClass, RpcError, type RpcErrorCode } from "./errors.ts";
export { type MulticallResult, Rpc } from "./rpc.ts";
