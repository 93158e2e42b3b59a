import { type Encoder, Tag, type Writer } from "../etf/index.ts";
import { atomTerm, Pid, tuple } from "../term/index.ts";
import type { Abilities } from "./abilities.ts";
import { Altact, Ctrl } from "./control-codes.ts";
import type { Signal, SpawnReplySignal, SpawnRequestSignal } from "./signals.ts";

/** What {@link ControlWriter.write} gives for a signal without a payload. */
export const NO_PAYLOAD = Symbol("no payload");

/** What {@link ControlWriter.write} gives for a signal that the peer has no form for. Nothing is written. */
export const NOT_SENT = Symbol("not sent");

/**
 * Writes the control message of a signal in the form that the common flags ask for, and gives its payload.
 *
 * A peer without UNLINK_ID gets no acknowledgements, one without monitors no monitors, one without aliases no messages
 * to them, one without SPAWN no requests: a BEAM does not send those either.
 */
export class ControlWriter {
  readonly #abilities: Abilities;
  readonly #encoder: Encoder;
  #writer!: Writer;

  constructor(abilities: Abilities, encoder: Encoder) {
    this.#abilities = abilities;
    this.#encoder = encoder;
  }

  /** @throws EncodeError; what the writer then holds after the caller's mark has no meaning. */
  write(writer: Writer, signal: Signal): unknown {
    this.#writer = writer;
    const { exitPayload, monitors } = this.#abilities;
    switch (signal.op) {
      case "send":
        if (signal.from !== null && this.#abilities.sendSender) {
          this.#tuple(3, Ctrl.SendSender);
          this.#terms(signal.from, signal.to);
        } else {
          this.#tuple(3, Ctrl.Send);
          this.#emptyAtom();
          this.#terms(signal.to);
        }
        return signal.message;
      case "sendName":
        this.#tuple(4, Ctrl.RegSend);
        this.#terms(signal.from);
        this.#emptyAtom();
        this.#terms(atomTerm(signal.to));
        return signal.message;
      case "sendAlias":
        if (this.#abilities.altactSig) {
          this.#altact(Altact.Alias | (signal.priority ? Altact.Priority : 0), signal.from, signal.to);
        } else if (this.#abilities.alias) {
          this.#tuple(3, Ctrl.AliasSend);
          this.#terms(signal.from, signal.to);
        } else {
          return NOT_SENT;
        }
        return signal.message;
      case "exitAlias":
        if (!this.#abilities.altactSig) return NOT_SENT;
        this.#altact(Altact.Alias | Altact.Exit | (signal.priority ? Altact.Priority : 0), signal.from, signal.to);
        return signal.reason;
      case "link":
        return this.#plain(Ctrl.Link, signal.from, signal.to);
      case "unlink":
        return this.#unlink(signal.id, signal.from, signal.to);
      case "unlinkAck":
        if (!this.#abilities.unlinkId) return NOT_SENT;
        return this.#plain(Ctrl.UnlinkIdAck, signal.id, signal.from, signal.to);
      case "linkExit":
        if (!exitPayload) return this.#plain(Ctrl.Exit, signal.from, signal.to, signal.reason);
        this.#plain(Ctrl.PayloadExit, signal.from, signal.to);
        return signal.reason;
      case "exit":
        if (!exitPayload) return this.#plain(Ctrl.Exit2, signal.from, signal.to, signal.reason);
        this.#plain(Ctrl.PayloadExit2, signal.from, signal.to);
        return signal.reason;
      case "monitor":
        return monitors ? this.#plain(Ctrl.MonitorP, signal.from, target(signal.to), signal.ref) : NOT_SENT;
      case "demonitor":
        return monitors ? this.#plain(Ctrl.DemonitorP, signal.from, target(signal.to), signal.ref) : NOT_SENT;
      case "down":
        if (!exitPayload)
          return this.#plain(Ctrl.MonitorPExit, target(signal.from), signal.to, signal.ref, signal.reason);
        this.#plain(Ctrl.PayloadMonitorPExit, target(signal.from), signal.to, signal.ref);
        return signal.reason;
      case "groupLeader":
        return this.#plain(Ctrl.GroupLeader, signal.from, signal.to);
      case "spawnRequest":
        return this.#abilities.spawn ? this.#spawnRequest(signal) : NOT_SENT;
      case "spawnReply":
        return this.#abilities.spawn ? this.#spawnReply(signal) : NOT_SENT;
    }
  }

  #unlink(id: number | bigint, from: Pid, to: Pid): symbol {
    if (this.#abilities.unlinkId && id !== 0) return this.#plain(Ctrl.UnlinkId, id, from, to);
    return this.#plain(Ctrl.Unlink, from, to);
  }

  #spawnRequest(signal: SpawnRequestSignal): unknown {
    const { ref, from, groupLeader, arity, options } = signal;
    const mfa = tuple(atomTerm(signal.module), atomTerm(signal.function), arity);
    this.#plain(Ctrl.SpawnRequest, ref, from, groupLeader, mfa, options);
    return signal.args;
  }

  #spawnReply(signal: SpawnReplySignal): symbol {
    return this.#plain(Ctrl.SpawnReply, signal.ref, signal.to, signal.flags, signal.result);
  }

  #altact(bits: number, from: Pid, to: unknown): void {
    this.#plain(Ctrl.AltactSigSend, bits, from, to);
  }

  #plain(opcode: number, ...elements: unknown[]): symbol {
    this.#tuple(elements.length + 1, opcode);
    this.#terms(...elements);
    return NO_PAYLOAD;
  }

  #tuple(arity: number, opcode: number): void {
    const writer = this.#writer;
    writer.u8(Tag.SmallTuple);
    writer.u8(arity);
    writer.u8(Tag.SmallInteger);
    writer.u8(opcode);
  }

  #terms(...elements: unknown[]): void {
    for (const element of elements) this.#encoder.write(this.#writer, element);
  }

  /** Stands where the cookie once was. It is not looked at. */
  #emptyAtom(): void {
    this.#writer.u8(Tag.SmallAtomUtf8);
    this.#writer.u8(0);
  }
}

function target(target: Pid | string): unknown {
  return target instanceof Pid ? target : atomTerm(target);
}
