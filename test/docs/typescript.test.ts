import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { atom, type Node, silentLogger, startNode, tuple } from "../../src/index.ts";
import { type Block, blocksIn, projectPath, titleOf } from "./blocks.ts";
import { give } from "./given.ts";
import { startWorld } from "./world.ts";

let world: Awaited<ReturnType<typeof startWorld>>;

beforeAll(async () => {
  world = await startWorld();
  vi.spyOn(process, "cwd").mockReturnValue(world.folder);
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
  vi.restoreAllMocks();
});

const started: Node[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.stop()));
});

const running = blocksIn("ts").filter(({ flags }) => !flags.includes("no-run"));

describe("every TypeScript block of the documents runs as it stands", () => {
  test.each(running.filter(({ flags }) => !flags.includes("until-stopped")).map((block) => [titleOf(block), block]))(
    "%s",
    async (_title, block) => {
      await peerAndNode(block);

      const printed = await run(block);

      expect(printed).toEqual(expectedOutput(block));
    },
  );
});

describe("every host of the documents serves, and ends when it is told to", () => {
  test.each(running.filter(({ flags }) => flags.includes("until-stopped")).map((block) => [titleOf(block), block]))(
    "%s",
    async (_title, block) => {
      const client = await startNode({ name: "shop@127.0.0.1", logger: silentLogger });
      started.push(client);
      give(undefined);

      const ended = run(block);
      const web = { name: "cart", node: "web@127.0.0.1" };
      const added = await vi.waitFor(() => client.call(web, tuple(atom("add"), "sku-1", 2)), { timeout: 5_000 });
      const total = await client.call(web, atom("total"));
      process.emit("SIGTERM");

      expect(added).toBe(atom("ok"));
      expect(total).toBe(2);
      await ended;
    },
  );
});

async function peerAndNode({ text }: Block): Promise<void> {
  started.push(await world.startPeer());
  const node = text.includes("startNode(")
    ? undefined
    : await startNode({ name: "web@127.0.0.1", logger: silentLogger });
  if (node !== undefined) started.push(node);
  give(node);
}

/** Runs a block as a module, and gives the lines that it printed. */
async function run(block: Block): Promise<string[]> {
  const file = join(world.folder, "blocks", `${titleOf(block).replace(/\W/g, "-")}.ts`);
  writeFileSync(file, `${withSource(block.text)}\nexport {};\n`);
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    await import(/* @vite-ignore */ pathToFileURL(file).href);
    return log.mock.calls.map((line) => line.map(String).join(" "));
  } finally {
    log.mockRestore();
  }
}

/** `tiebeam` and its subpaths are the sources here, so that what is tested is what is being written. */
function withSource(text: string): string {
  return text.replace(/ from "tiebeam(\/\w+)?"/g, (_whole, subpath = "") => {
    return ` from ${JSON.stringify(pathToFileURL(projectPath(`src${subpath}/index.ts`)).href)}`;
  });
}

/** What the comments behind `console.log(...);` say. */
function expectedOutput({ text }: Block): string[] {
  return [...text.matchAll(/console\.log\(.*\); *\/\/ (.*)$/gm)].map((match) => match[1]!);
}
