import type { RegisteredName } from "../../runtime/index.ts";
import { atom } from "../../term/index.ts";
import { type AnyServer, supervises } from "../server/behaviour.ts";
import type { SysOptions } from "../server/otp-process.ts";
import type { StartOptions } from "../server/start.ts";
import type { ChildSpec } from "./child-spec.ts";

/** How to run a server as a child: the options of its start, and those of a {@link ChildSpec} that are not the default. */
export type ChildOptions<S> = Pick<StartOptions<S>, "name" | "args" | "debug" | "otp"> &
  Partial<Omit<ChildSpec, "start">>;

/**
 * The spec of a child that is a server, a stage or a supervisor of this class. The id is the name of the class unless given;
 * a supervisor has type `supervisor`, and any time to stop.
 */
export function child<S extends AnyServer>(
  server: new () => S,
  ...[options]: undefined extends StartOptions<S>["args"] ? [options?: ChildOptions<S>] : [options: ChildOptions<S>]
): ChildSpec {
  const { name, args, debug, otp, ...spec } = (options ?? {}) as Partial<ChildSpec> &
    SysOptions & { name?: RegisteredName; args?: unknown };
  const start = { args, ...(name !== undefined && { name }), ...(debug && { debug }), ...(otp && { otp }) };
  return {
    id: atom(server.name),
    type: supervises in server ? "supervisor" : "worker",
    modules: server.name === "" ? [] : [server.name],
    ...spec,
    start: (supervisor) => supervisor.start(server, start),
  };
}
