// Feeds an Elixir GenStage consumer with the lines of a file, which is read no faster than they are asked for.
// Runs until Ctrl-C; the producer ends with the file.
//
//   TIEBEAM_COOKIE=secret node --import ./examples/typescript.mjs examples/lines/lines.ts package-lock.json
//   elixir --name reader@127.0.0.1 --cookie secret examples/lines/lines.exs
//
// Elixir needs GenStage: ERL_LIBS=~/.cache/tiebeam/erl_libs/otp-25, which `npm run interop:prepare` fills.
import { open } from "node:fs/promises";
import { GenStage, startNode } from "tiebeam";

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error("which file?");

/** The file is closed however the producer ends. */
async function* lines(path: string): AsyncGenerator<string> {
  const file = await open(path);
  try {
    yield* file.readLines();
  } finally {
    await file.close();
  }
}

const node = await startNode({ name: "files@127.0.0.1", stopOn: ["SIGINT", "SIGTERM"] });
await node.start(
  GenStage.from(() => lines(path)),
  { name: "lines" },
);
console.log(`${path} is open at ${node.name}`);
await node.closed;
