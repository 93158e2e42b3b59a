export { NetError, type NetErrorCode } from "./net-error.ts";
export { createTcpTransport, type TcpTransportOptions, tcpTransport } from "./tcp.ts";
export { createTlsTransport, type TlsTransportOptions } from "./tls.ts";
export { TlsError, type TlsErrorCode } from "./tls-error.ts";
export { readTlsOptfile } from "./tls-optfile.ts";
export type { Pem, TlsRole, TlsRoles, TlsVersion } from "./tls-options.ts";
