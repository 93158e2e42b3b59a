export { type Output, startConsole } from "./console.ts";
export { Erpc, type RpcResult } from "./erpc.ts";
export { serveErpc } from "./erpc-server.ts";
export { type RpcClass, RpcError, type RpcErrorCode } from "./errors.ts";
export { startLoggerProxy } from "./logger-proxy.ts";
export { type MulticallResult, Rpc } from "./rpc.ts";
