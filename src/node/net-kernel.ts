import { type Behaviour, type ProcessCore, type Runtime, readGen } from "../runtime/index.ts";
import { atom, isTuple } from "../term/index.ts";
import { unknownMessage } from "./unknown-message.ts";

const IS_AUTH = atom("is_auth");
const YES = atom("yes");

/** The registered process `net_kernel`: answers `net_adm:ping`. What else it is asked stays unanswered, as on the BEAM. */
export function startNetKernel(runtime: Runtime): ProcessCore {
  const core = runtime.spawn((core) => new NetKernel(core));
  runtime.names.register("net_kernel", core);
  return core;
}

class NetKernel implements Behaviour {
  readonly label = "net_kernel";
  readonly immortal = true;
  readonly #core: ProcessCore;

  constructor(core: ProcessCore) {
    this.#core = core;
  }

  receive(message: unknown): void {
    const gen = readGen(this.#core, message);
    if (gen.kind === "call" && isTuple(gen.request) && gen.request[0] === IS_AUTH) gen.from.reply(YES);
    else unknownMessage(this.#core, message);
  }
}
