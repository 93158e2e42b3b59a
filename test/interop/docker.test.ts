import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { findEngine } from "../../interop/providers/docker/engine.ts";

const repository = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(repository, path), "utf8");
const { releases } = JSON.parse(read("interop/docker/images.json")) as {
  releases: Record<string, { base: string; genStage: string }>;
};

interface Service {
  readonly image: string;
  readonly pid: string;
  readonly build: { readonly dockerfile: string; readonly args?: Record<string, string> };
  readonly networks: { readonly cluster: { readonly aliases: readonly string[] } };
  readonly depends_on?: Record<string, { readonly condition: string }>;
}
const compose = parse(read("docker-compose.yml"), { merge: true }) as { services: Record<string, Service> };
const { tiebeam, ...hosts } = compose.services;

/** The instructions of a Dockerfile, with continued lines joined. */
const instructionsOf = (file: string) =>
  read(`interop/docker/${file}`)
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

describe("the compose file", () => {
  test("is one by the schema of the compose specification", () => {
    const { $schema, ...schema } = createRequire(import.meta.url)("docker-compose/schema/compose-spec.json");
    expect($schema).toMatch("draft-07"); // which Ajv takes for granted
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);

    expect(validate(compose), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...compose, services: { x: { image: 1 } } })).toBe(false);
  });

  test("has a service for every release, built from the same images as outside of it, and one for our side that waits for all", () => {
    expect(Object.keys(releases)).toEqual(["24", "25", "26", "27", "28", "29"]);
    expect(hosts).toEqual(
      Object.fromEntries(
        Object.entries(releases).map(([otp, { base, genStage }]) => [
          `otp-${otp}`,
          {
            image: `tiebeam/otp-${otp}`,
            build: {
              context: ".",
              dockerfile: "interop/docker/otp.Dockerfile",
              args: { BASE: base, GEN_STAGE: genStage },
            },
            networks: { cluster: { aliases: [`otp-${otp}.test`] } },
            pid: "host",
            volumes: ["shared:/var/cache/tiebeam"],
          },
        ]),
      ),
    );
    expect(tiebeam).toMatchObject({ pid: "host", networks: { cluster: { aliases: ["tiebeam.test"] } } });
    expect(tiebeam?.depends_on).toEqual(
      Object.fromEntries(Object.keys(hosts).map((name) => [name, { condition: "service_healthy" }])),
    );
  });
});

describe("the images", () => {
  test("start from exact versions", () => {
    for (const [otp, { base, genStage }] of Object.entries(releases)) {
      expect(base).toMatch(new RegExp(`^elixir:1\\.\\d+\\.\\d+-otp-${otp}$`));
      expect(genStage).toMatch(/^\d+\.\d+\.\d+$/);
    }
    const froms = (file: string) => instructionsOf(file).filter((line) => line.startsWith("FROM "));
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is Docker's
    expect(froms("otp.Dockerfile")).toEqual(["FROM ${BASE} AS build", "FROM ${BASE}-slim"]);
    expect(froms("tiebeam.Dockerfile")).toEqual(["FROM node:20.20.2-bookworm"]);
  });

  test.each(["otp.Dockerfile", "tiebeam.Dockerfile"])(
    "%s says whether it is healthy, and copies what the project has",
    (file) => {
      const lines = instructionsOf(file);

      expect(lines.filter((line) => /^(HEALTHCHECK .*CMD|CMD) \[".*"\]$/.test(line))).toHaveLength(2);
      for (const line of lines.filter((each) => each.startsWith("COPY ") && !each.includes("--from"))) {
        const sources = line.split(" ").slice(1, -1);
        for (const source of sources) expect(existsSync(join(repository, source)), source).toBe(true);
      }
    },
  );
});

test("without a container engine there is one line that says so, and a code of its own", async (context) => {
  if (!("reason" in (await findEngine()))) return context.skip("a container engine answers here");

  const { status, stdout, stderr } = spawnSync(process.execPath, ["interop/docker/run.mjs"], {
    cwd: repository,
    encoding: "utf8",
  });

  expect(stdout).toBe("");
  expect(stderr).toMatch(
    /^interop:docker: no container engine answers \(.+\); start one, or use `npm run interop`, .+\n$/,
  );
  expect(status).toBe(69);
}, 60_000);
