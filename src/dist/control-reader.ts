import { type Decoder, type Reader, Tag } from "../etf/index.ts";
import { type AtomTerm, atomText, isAtom, isList, isTuple, Pid, Ref, type Term } from "../term/index.ts";
import { Altact, Ctrl } from "./control-codes.ts";
import { DistributionError } from "./errors.ts";
import type { Signal, SpawnRequestSignal } from "./signals.ts";

/** The member of a signal that its payload goes to. */
export type PayloadField = "message" | "reason" | "args";

/** A signal whose payload, if it has one, is still to be read. */
export interface Control {
  readonly signal: Signal;
  readonly payload: PayloadField | undefined;
  /** The payload is the last element of the control message, as in the forms of old, rather than a term behind it. */
  readonly inside?: true;
}

const WITH_TOKEN: ReadonlySet<number> = new Set([
  Ctrl.SendTt,
  Ctrl.ExitTt,
  Ctrl.RegSendTt,
  Ctrl.Exit2Tt,
  Ctrl.SendSenderTt,
  Ctrl.PayloadExitTt,
  Ctrl.PayloadExit2Tt,
  Ctrl.SpawnRequestTt,
  Ctrl.SpawnReplyTt,
  Ctrl.AliasSendTt,
]);

const MAX_UNLINK_ID = (1n << 64n) - 1n;

/**
 * Reads control messages, in every form that a peer may use, straight into signals. Trace tokens are read and dropped.
 *
 * Arities are fixed but for ALTACT_SIG_SEND, which may grow. In the signals that change the state of a link, a monitor
 * or a process, the sender must be a process of the peer, as on the BEAM; its creation is not compared.
 */
export class ControlReader {
  readonly #peer: string;
  readonly #decoder: Decoder;
  #reader!: Reader;
  #opcode = 0;
  /** Elements of the control tuple that have not been read. */
  #left = 0;

  constructor(peer: string, decoder: Decoder) {
    this.#peer = peer;
    this.#decoder = decoder;
  }

  /** @throws DistributionError, or DecodeError for a part that is no term. */
  read(reader: Reader): Control {
    this.#reader = reader;
    this.#opcode = 0;
    this.#left = this.#arity();
    if (this.#left === 0) throw this.#malformed("it is empty");
    this.#opcode = this.#integer();
    const control = this.#control();
    if (this.#left > 0 && this.#opcode !== Ctrl.AltactSigSend) throw this.#malformed("it has too many elements");
    // The payload begins after all elements: a trace token, and what later releases may add.
    while (this.#left > 0) this.#term();
    return control;
  }

  #control(): Control {
    switch (this.#opcode) {
      case Ctrl.Send:
      case Ctrl.SendTt:
        return this.#send(false);
      case Ctrl.SendSender:
      case Ctrl.SendSenderTt:
        return this.#send(true);
      case Ctrl.RegSend:
      case Ctrl.RegSendTt:
        return this.#sendName();
      case Ctrl.AliasSend:
      case Ctrl.AliasSendTt:
        return this.#sendAlias();
      case Ctrl.AltactSigSend:
        return this.#altact();
      case Ctrl.Link:
        return done({ op: "link", from: this.#ownPid(), to: this.#pid() });
      case Ctrl.Unlink:
        return done({ op: "unlink", from: this.#ownPid(), to: this.#pid(), id: 0 });
      case Ctrl.UnlinkId: {
        const id = this.#unlinkId();
        return done({ op: "unlink", from: this.#ownPid(), to: this.#pid(), id });
      }
      case Ctrl.UnlinkIdAck: {
        const id = this.#unlinkId();
        return done({ op: "unlinkAck", from: this.#ownPid(), to: this.#pid(), id });
      }
      case Ctrl.Exit:
      case Ctrl.ExitTt:
      case Ctrl.PayloadExit:
      case Ctrl.PayloadExitTt:
        return this.#exit("linkExit");
      case Ctrl.Exit2:
      case Ctrl.Exit2Tt:
      case Ctrl.PayloadExit2:
      case Ctrl.PayloadExit2Tt:
        return this.#exit("exit");
      case Ctrl.MonitorP:
        return done({ op: "monitor", from: this.#ownPid(), to: this.#pidOrName(), ref: this.#ownRef() });
      case Ctrl.DemonitorP:
        return done({ op: "demonitor", from: this.#ownPid(), to: this.#pidOrName(), ref: this.#ref() });
      case Ctrl.MonitorPExit:
      case Ctrl.PayloadMonitorPExit:
        return this.#down();
      case Ctrl.GroupLeader:
        return done({ op: "groupLeader", from: this.#pid(), to: this.#pid() });
      case Ctrl.SpawnRequest:
      case Ctrl.SpawnRequestTt:
        return this.#spawnRequest();
      case Ctrl.SpawnReply:
      case Ctrl.SpawnReplyTt:
        return this.#spawnReply();
      default:
        throw new DistributionError("DIST_PROTOCOL", this.#peer, `its control message ${this.#opcode} is unknown`);
    }
  }

  #send(hasSender: boolean): Control {
    // In the form without a sender there is an unused element in its place, the cookie of old times.
    const first = this.#term();
    if (hasSender && !(first instanceof Pid)) throw this.#malformed("its sender is no pid");
    const from = first instanceof Pid ? first : null;
    const to = this.#pid();
    this.#token();
    return { signal: { op: "send", from, to, message: undefined }, payload: "message" };
  }

  #sendName(): Control {
    const from = this.#pid();
    this.#term();
    const to = this.#name();
    this.#token();
    return { signal: { op: "sendName", from, to, message: undefined }, payload: "message" };
  }

  #sendAlias(): Control {
    const from = this.#pid();
    const to = this.#ref();
    this.#token();
    return { signal: { op: "sendAlias", from, to, message: undefined, priority: false }, payload: "message" };
  }

  #exit(op: "linkExit" | "exit"): Control {
    const from = this.#ownPid();
    const to = this.#pid();
    this.#token();
    if (this.#opcode >= Ctrl.PayloadExit) return { signal: { op, from, to, reason: undefined }, payload: "reason" };
    return this.#withReasonInside({ op, from, to, reason: undefined });
  }

  #down(): Control {
    const from = this.#pidOrName();
    const to = this.#pid();
    const ref = this.#ref();
    const signal: Signal = { op: "down", from, to, ref, reason: undefined };
    return this.#opcode === Ctrl.MonitorPExit ? this.#withReasonInside(signal) : { signal, payload: "reason" };
  }

  #withReasonInside(signal: Signal): Control {
    this.#count();
    return { signal, payload: "reason", inside: true };
  }

  #altact(): Control {
    const bits = this.#altactBits();
    const priority = (bits & Altact.Priority) !== 0;
    const isExit = (bits & Altact.Exit) !== 0;
    const from = isExit ? this.#ownPid() : this.#pid();
    const payload = isExit ? "reason" : "message";
    const kind = bits & (Altact.Alias | Altact.Name);
    if (kind === Altact.Alias) {
      const to = this.#ref();
      if (isExit) return { signal: { op: "exitAlias", from, to, reason: undefined, priority }, payload };
      return { signal: { op: "sendAlias", from, to, message: undefined, priority }, payload };
    }
    if (kind === Altact.Name && !isExit) {
      return { signal: { op: "sendName", from, to: this.#name(), message: undefined }, payload };
    }
    if (kind !== 0) throw this.#malformed(`its bits ${bits} contradict each other`);
    const to = this.#pid();
    if (isExit) return { signal: { op: "exit", from, to, reason: undefined }, payload };
    return { signal: { op: "send", from, to, message: undefined }, payload };
  }

  /** Any non-negative integer, of which only the low bits have a meaning. */
  #altactBits(): number {
    const bits = this.#term();
    if (typeof bits === "bigint" && bits > 0n) return Number(bits & 0xffn);
    if (typeof bits !== "number" || !Number.isInteger(bits) || bits < 0) throw this.#malformed("its bits are none");
    return bits % 256;
  }

  #spawnRequest(): Control {
    const ref = this.#ownRef();
    const from = this.#ownPid();
    const groupLeader = this.#pid();
    const mfa = this.#term();
    const options = this.#term();
    this.#token();
    if (!isTuple(mfa) || mfa.length !== 3) throw this.#malformed("it names no function");
    const [module, name, arity] = [atomText(mfa[0]), atomText(mfa[1]), mfa[2]];
    if (module === undefined || name === undefined || typeof arity !== "number" || !(arity >= 0)) {
      throw this.#malformed("it names no function");
    }
    if (!isList(options)) throw this.#malformed("its options are no list");
    const signal: SpawnRequestSignal = {
      op: "spawnRequest",
      ref,
      from,
      groupLeader,
      module,
      function: name,
      arity,
      options: options as readonly Term[],
      args: [],
    };
    return { signal, payload: "args" };
  }

  #spawnReply(): Control {
    const ref = this.#ref();
    const to = this.#pid();
    const flags = this.#integer();
    const result = this.#term();
    this.#token();
    if (!(result instanceof Pid) && !isAtom(result)) throw this.#malformed("its result is neither a pid nor an atom");
    if (result instanceof Pid && result.node !== this.#peer) throw this.#foreign("process", result.node);
    return done({ op: "spawnReply", ref, to, flags, result: result as Pid | AtomTerm });
  }

  #arity(): number {
    const tag = this.#reader.u8();
    if (tag === Tag.SmallTuple) return this.#reader.u8();
    if (tag === Tag.LargeTuple) return this.#reader.u32();
    throw this.#malformed("it is no tuple");
  }

  /** Counts an element that is about to be read. */
  #count(): void {
    if (this.#left === 0) throw this.#malformed("it has too few elements");
    this.#left--;
  }

  #term(): Term {
    this.#count();
    return this.#decoder.read(this.#reader);
  }

  /** Reads and drops the trace token if the message is one of those that have one. */
  #token(): void {
    if (WITH_TOKEN.has(this.#opcode)) this.#term();
  }

  #integer(): number {
    const value = this.#term();
    if (typeof value !== "number" || !Number.isInteger(value)) throw this.#malformed("an integer is due in it");
    return value;
  }

  #unlinkId(): number | bigint {
    const id = this.#term();
    if (typeof id === "number" && Number.isInteger(id) && id > 0) return id;
    if (typeof id === "bigint" && id > 0n && id <= MAX_UNLINK_ID) return id;
    throw this.#malformed("its id is out of range");
  }

  #pid(): Pid {
    const value = this.#term();
    if (!(value instanceof Pid)) throw this.#malformed("a pid is due in it");
    return value;
  }

  /** A pid that must be one of the peer's. */
  #ownPid(): Pid {
    const pid = this.#pid();
    if (pid.node !== this.#peer) throw this.#foreign("process", pid.node);
    return pid;
  }

  #ref(): Ref {
    const value = this.#term();
    if (!(value instanceof Ref)) throw this.#malformed("a reference is due in it");
    return value;
  }

  /** A reference that must be one of the peer's, as the key of what it makes here. */
  #ownRef(): Ref {
    const ref = this.#ref();
    if (ref.node !== this.#peer) throw this.#foreign("reference", ref.node);
    return ref;
  }

  #name(): string {
    const text = atomText(this.#term());
    if (text === undefined) throw this.#malformed("a name is due in it");
    return text;
  }

  #pidOrName(): Pid | string {
    const value = this.#term();
    if (value instanceof Pid) return value;
    const text = atomText(value);
    if (text === undefined) throw this.#malformed("a pid or a name is due in it");
    return text;
  }

  #malformed(problem: string): DistributionError {
    const what = this.#opcode === 0 ? "a control message" : `its control message ${this.#opcode}`;
    return new DistributionError("DIST_PROTOCOL", this.#peer, `${what} is malformed, ${problem}`);
  }

  #foreign(what: string, node: string): DistributionError {
    return new DistributionError(
      "DIST_IDENTITY",
      this.#peer,
      `its control message ${this.#opcode} speaks for a ${what} of ${node}`,
    );
  }
}

function done(signal: Signal): Control {
  return { signal, payload: undefined };
}
