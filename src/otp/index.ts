export {
  type AnyServer,
  type ApiOf,
  behaviour,
  type CallResult,
  type Calls,
  type CastResult,
  type Casts,
  GenServer,
  type InitArgs,
  type InitResult,
  type ServerProcess,
} from "./gen-server.ts";
export { type GenServerClass, GenServerProcess, OwnProcess } from "./gen-server-process.ts";
export { type Ignore, ignore, type Next, NoReply, noReply, Reply, reply, Stop, stop } from "./results.ts";
export { StartedServer, type StartOptions, startServer } from "./start.ts";
