import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { blocksIn, projectPath, titleOf } from "./blocks.ts";

const hasElixir = spawnSync("elixir", ["--version"]).status === 0;

/** Parses each file or text given as an argument, and says what is wrong with it. */
const PARSE = `
for text <- System.argv() do
  with {:error, problem} <- Code.string_to_quoted(text), do: IO.inspect(problem)
end
`;

test.skipIf(!hasElixir)(
  `every Elixir block of the documents can be parsed${hasElixir ? "" : " (no elixir here)"}`,
  () => {
    const blocks = blocksIn("elixir");
    expect(blocks.map(titleOf)).not.toEqual([]);

    const { stdout } = spawnSync("elixir", ["-e", PARSE, ...blocks.map(({ text }) => text)], { encoding: "utf8" });

    expect(stdout).toBe("");
  },
);

test.skipIf(!hasElixir)("every Elixir program of the examples can be parsed", () => {
  const script = `for path <- Path.wildcard("examples/**/*.{ex,exs}"), do: Code.string_to_quoted!(File.read!(path), file: path)`;

  const { status, stderr } = spawnSync("elixir", ["-e", script], { cwd: projectPath("."), encoding: "utf8" });

  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
