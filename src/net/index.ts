export { NetError, type NetErrorCode } from "./net-error.ts";
export { createTcpTransport, type TcpTransportOptions, tcpTransport } from "./tcp.ts";
