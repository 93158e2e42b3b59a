export { type AcceptOptions, Acceptor } from "./acceptor.ts";
export { CookieError, type CookieOptions, cookieSource } from "./cookie.ts";
export { type DownReason, NodeStoppedError, NodeUnknownError } from "./errors.ts";
export { Exposed, type ExposedFunction, type ExposeOptions, type Outcome } from "./exposed.ts";
export { startNetKernel } from "./net-kernel.ts";
export { type Dial, type DownCause, Peers, type PeersOptions, type PeersOwner } from "./peers.ts";
export { type AddressResolver, epmdResolver, fixedPortResolver } from "./resolver.ts";
export { startRex } from "./rex.ts";
export { type Spawnable, Spawner } from "./spawn.ts";
