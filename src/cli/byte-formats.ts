import { type Command, Option } from "commander";
import { UsageError } from "./errors.ts";

/** How the bytes of an encoded term are written: as text on a line, or as they are. */
export type ByteFormat = "hex" | "base64" | "raw";

/** `--format`. */
export interface ByteFlags {
  readonly format: ByteFormat;
}

export function addFormatOption(command: Command, about: string): Command {
  return command.addOption(new Option("--format <format>", about).choices(["hex", "base64", "raw"]).default("hex"));
}

/** Bytes as text. */
export function bytesToText(bytes: Uint8Array, format: Exclude<ByteFormat, "raw">): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(format);
}

/** The bytes that a text stands for; white space and, in hexadecimal, a leading `0x` do not matter. @throws UsageError */
export function textToBytes(text: string, format: Exclude<ByteFormat, "raw">): Uint8Array {
  const compact = text.replace(/\s+/g, "").replace(format === "hex" ? /^0x/i : "", "");
  if (!PATTERNS[format].test(compact)) throw new UsageError(`${shorten(text)} is no ${format}`);
  return Buffer.from(compact, format);
}

const PATTERNS = { hex: /^(?:[0-9a-f]{2})+$/i, base64: /^[a-z0-9+/]+={0,2}$/i };

const shorten = (text: string) => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
