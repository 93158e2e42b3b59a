import { inflateSync } from "node:zlib";
import type { Command } from "commander";
import { decode } from "../../etf/index.ts";
import { addFormatOption, type ByteFlags, textToBytes } from "../byte-formats.ts";
import { type Context, examples, type Run } from "../context.ts";
import { UsageError } from "../errors.ts";
import { ExitCode } from "../exit-code.ts";
import { abortable, textLinesOf } from "../lines.ts";
import { addTermOptions } from "../options.ts";
import { profileFor, renderTerm, type TermFlags } from "../render.ts";

interface DecodeFlags extends TermFlags, ByteFlags {}

interface DecodeArgs extends DecodeFlags {
  readonly data: string | undefined;
}

export function defineDecode(program: Command, run: Run): void {
  const command = program
    .command("decode")
    .description("print terms that are given in Erlang's external term format")
    .argument("[data]", "default: from each line of standard input; all of it is one term with --format raw");
  addTermOptions(addFormatOption(command, "how the bytes are written"))
    .addHelpText(
      "after",
      examples(
        ["hexadecimal digits", "tiebeam decode 836801770161"],
        ["a file that term_to_binary made", "tiebeam decode --format raw < a.term"],
        ["in Erlang's words", "tiebeam decode --syntax erlang 836801770161"],
      ),
    )
    .action((data: string | undefined, flags: DecodeFlags) => run(decodeTerms, { ...flags, data }));
}

async function decodeTerms({ args, io, signal }: Context<DecodeArgs>): Promise<ExitCode> {
  for await (const bytes of termBytes(args, io.stdin, signal)) {
    const term = decode(bytes, { ...profileFor(args), inflate });
    await io.stdout.write(`${renderTerm(term, args)}\n`);
  }
  return ExitCode.ok;
}

async function* termBytes(
  { data, format }: DecodeArgs,
  stdin: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (format === "raw") {
    if (data !== undefined) throw new UsageError("raw bytes cannot be an argument", "give them on standard input");
    const chunks: Uint8Array[] = [];
    for await (const chunk of abortable(stdin, signal)) chunks.push(chunk);
    yield Buffer.concat(chunks);
    return;
  }
  if (data !== undefined) yield textToBytes(data, format);
  else for await (const line of textLinesOf(stdin, signal)) yield textToBytes(line, format);
}

const inflate = (bytes: Uint8Array, size: number) => inflateSync(bytes, { maxOutputLength: size });
