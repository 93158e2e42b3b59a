import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Node } from "../../src/api/index.ts";
import { type Block, blocksIn, titleOf } from "../docs/blocks.ts";
import { startWorld } from "../docs/world.ts";
import { binaryPath, buildBinary } from "./binary.ts";

// Blocks marked `console` are what a user types after `$`, and sees; `...` stands for what differs from run to run.

let world: Awaited<ReturnType<typeof startWorld>>;
let peer: Node;

beforeAll(async () => {
  buildBinary();
  world = await startWorld();
  peer = await world.startPeer();
  mkdirSync(join(world.folder, "bin"));
  const script = `#!/bin/sh\nexec '${process.execPath}' '${binaryPath}' "$@"\n`;
  writeFileSync(join(world.folder, "bin/tiebeam"), script, { mode: 0o755 });
}, 120_000);

afterAll(async () => {
  await peer.stop();
  await world[Symbol.asyncDispose]();
});

/** A command line and what it prints, standard error included. One that ends in `&` goes on beside the next ones. */
interface Step {
  readonly command: string;
  readonly isBackground: boolean;
  readonly expected: string;
}

function stepsOf({ text }: Block): Step[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((step) => {
      const end = step.indexOf("\n");
      const [command, background] = step.slice(0, end).split(/ (?=&$)/);
      return { command: command!, isBackground: background !== undefined, expected: step.slice(end + 1) };
    });
}

class Shell {
  readonly #child: ChildProcess;
  readonly ended: Promise<unknown>;
  output = "";

  constructor(command: string) {
    const path = `${join(world.folder, "bin")}:${process.env.PATH}`;
    this.#child = spawn("sh", ["-c", command], {
      env: { ...process.env, PATH: path },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream!.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.ended = once(this.#child, "close");
  }

  async prints(expected: string): Promise<void> {
    await expect.poll(() => this.output, { timeout: 10_000 }).toMatch(patternOf(expected));
  }

  stop(): void {
    this.#child.kill();
  }
}

function patternOf(expected: string): RegExp {
  return new RegExp(
    `^${expected
      .split("...")
      .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
      .join(".*?")}$`,
  );
}

test.each(blocksIn("console").map((block) => [titleOf(block), block] as const))(
  "%s prints what it says",
  async (_title, block) => {
    const background: Shell[] = [];

    for (const { command, isBackground, expected } of stepsOf(block)) {
      const shell = new Shell(command);
      if (isBackground) {
        background.push(shell);
        await shell.prints(expected);
      } else {
        await shell.ended;
        expect(shell.output).toMatch(patternOf(expected));
      }
    }

    for (const shell of background) shell.stop();
    await Promise.all(background.map(({ ended }) => ended));
  },
  30_000,
);
