import type { Command } from "commander";
import { encode } from "../../etf/index.ts";
import { parse } from "../../term/index.ts";
import { addFormatOption, type ByteFlags, bytesToText } from "../byte-formats.ts";
import { type Context, examples, type Run } from "../context.ts";
import { ExitCode } from "../exit-code.ts";
import { textLinesOf } from "../lines.ts";
import { addTermOptions } from "../options.ts";
import type { TermFlags } from "../render.ts";

interface EncodeFlags extends TermFlags, ByteFlags {}

interface EncodeArgs extends EncodeFlags {
  readonly term: string | undefined;
}

export function defineEncode(program: Command, run: Run): void {
  const command = program
    .command("encode")
    .description("print terms in Erlang's external term format, as term_to_binary makes it")
    .argument("[term]", "default: one from each line of standard input");
  addTermOptions(addFormatOption(command, "how to print the bytes"))
    .addHelpText(
      "after",
      examples(
        ["as hexadecimal digits", "tiebeam encode '{:ok, [1, 2]}'"],
        ["as bytes, for a file", "tiebeam encode --format raw '%{a: 1}' > a.term"],
        ["there and back", "tiebeam encode '{:ok, 1.0}' | tiebeam decode"],
      ),
    )
    .action((term: string | undefined, flags: EncodeFlags) => run(encodeTerms, { ...flags, term }));
}

async function encodeTerms({ args, io, signal }: Context<EncodeArgs>): Promise<ExitCode> {
  for await (const text of args.term === undefined ? textLinesOf(io.stdin, signal) : [args.term]) {
    await io.stdout.write(render(encode(parse(text, { syntax: args.syntax })), args));
  }
  return ExitCode.ok;
}

function render(bytes: Uint8Array, { format, json }: EncodeFlags): string | Uint8Array {
  if (format === "raw" && !json) return bytes;
  const textFormat = format === "raw" ? "base64" : format;
  const text = bytesToText(bytes, textFormat);
  return json ? `${JSON.stringify({ [textFormat]: text })}\n` : `${text}\n`;
}
