import type { Export, Pid, Port, Ref } from "../term/index.ts";
import type { AtomWriter } from "./atom-writer.ts";
import { describe, peerCannot, unsupported } from "./encode-problem.ts";
import type { PeerAbilities } from "./options.ts";
import { MAX_EXPORT_ARITY, MAX_REFERENCE_WORDS, Tag } from "./tags.ts";
import { writeInt32 } from "./write-number.ts";
import type { Writer } from "./writer.ts";

export function writePid(writer: Writer, atoms: AtomWriter, pid: Pid, peer: PeerAbilities): void {
  checkU32(pid, "id", pid.id);
  checkU32(pid, "serial", pid.serial);
  checkU32(pid, "creation", pid.creation);
  if (!peer.wideIds && (pid.id >= 0x8000 || pid.serial >= 0x2000)) throw peerCannot(`the wide ${pid}`);
  writer.u8(Tag.NewPid);
  atoms.write(writer, pid.node);
  writer.u32(pid.id);
  writer.u32(pid.serial);
  writer.u32(pid.creation);
}

export function writeRef(writer: Writer, atoms: AtomWriter, ref: Ref, peer: PeerAbilities): void {
  const { words } = ref;
  checkU32(ref, "creation", ref.creation);
  if (words.length > MAX_REFERENCE_WORDS) throw unsupported(`a reference of ${words.length} words`);
  if (!peer.wideIds && words.length > 3) throw peerCannot(`a reference of ${words.length} words`);
  writer.u8(Tag.NewerReference);
  writer.u16(words.length);
  atoms.write(writer, ref.node);
  writer.u32(ref.creation);
  for (let i = 0; i < words.length; i++) {
    checkU32(ref, "word", words[i]!);
    writer.u32(words[i]!);
  }
}

export function writePort(writer: Writer, atoms: AtomWriter, port: Port, peer: PeerAbilities): void {
  checkU32(port, "creation", port.creation);
  if (BigInt.asUintN(64, port.id) !== port.id) throw unsupported(`a port with the id ${port.id}`);
  if (!peer.wideIds && port.id >= 0x1000_0000n) throw peerCannot(`the wide ${port}`);
  writer.u8(peer.wideIds ? Tag.V4Port : Tag.NewPort);
  atoms.write(writer, port.node);
  if (peer.wideIds) writer.u64(port.id);
  else writer.u32(Number(port.id));
  writer.u32(port.creation);
}

export function writeExport(writer: Writer, atoms: AtomWriter, value: Export): void {
  const { arity } = value;
  if (!(Number.isInteger(arity) && arity >= 0 && arity <= MAX_EXPORT_ARITY)) {
    throw unsupported(`a function of arity ${arity}`);
  }
  writer.u8(Tag.Export);
  atoms.write(writer, value.module);
  atoms.write(writer, value.function);
  writeInt32(writer, arity);
}

export function checkU32(value: object, field: string, number: number): void {
  if (number >>> 0 !== number) throw unsupported(`${describe(value)} with the ${field} ${number}`);
}
